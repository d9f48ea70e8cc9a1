"""The built-in language model: modest items taken from the text itself, without any vendor."""
