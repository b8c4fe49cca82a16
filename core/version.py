"""The version of Strongroom; `core.__version__` is the same."""

__version__ = "0.1.0"
