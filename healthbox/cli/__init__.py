"""The command line: one file a command, found by discovery. This docstring is the contract of a command.

A module of this package that exports ``command``, a ``click.Command`` or group, is a command of ``healthbox``; modules without
one are parts of others. A module is called like its command (or that and an s), so that it is found without loading the others.
``--data`` is added to every command and need not be declared:

    place.settings()    the settings in force, with the data folder that was named
    place.opened()      the database, beside a running server or without one
    work.working()      whoever works the ledger off while the block waits: the running server, or this process

A ``Problem`` that is raised ends the command with its words and exit code 1 (78 for a data folder that cannot be written). What
the command is asked for goes to stdout, everything said about it to stderr.
"""

from healthbox.cli.main import main

__all__ = ["main"]
