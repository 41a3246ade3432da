"""The command line: one file a noun."""

from healthbox.cli.main import main

__all__ = ["main"]
