"""The first process of each container."""
