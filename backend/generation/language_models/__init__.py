"""Language models: the interface, and the models behind it."""
