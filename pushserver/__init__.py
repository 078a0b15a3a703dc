"""A message push service: what is accepted is stored, what is stored arrives or is reported."""

__version__ = "0.1.0"
