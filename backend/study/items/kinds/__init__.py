"""The kinds of item, one module each, whose ``KIND`` the registry finds."""
