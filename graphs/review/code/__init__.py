"""The code of the cells that a model wrote."""
