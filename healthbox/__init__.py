"""healthbox: a self-hosted personal health server."""

__version__ = "0.1.0"
