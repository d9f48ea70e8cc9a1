"""The kinds of item. The registry finds ``KIND`` in each module."""
