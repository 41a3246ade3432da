"""The group of all commands and what they share: the data folder, errors in words."""

import os
import sys
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from healthbox import __version__
from healthbox.cli.serve import serve
from healthbox.config import Settings, load
from healthbox.domain.errors import Problem

EXIT = {"unwritable": 78}


class Commands(click.Group):
    """A ``Problem`` ends a command with its words and exit code 1 (78 for a data folder that cannot be written)."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Problem as problem:
            click.echo(f"{problem.message}\n{problem.hint}".strip(), err=True)
            sys.exit(EXIT.get(problem.code, 1))


data = click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The data folder [HEALTHBOX_DATA, ./data].")


def settings_of(folder: Path | None) -> Settings:
    return load(folder, os.environ)


@click.group(cls=Commands)
@click.version_option(__version__)
def main() -> None:
    """healthbox: a self-hosted personal health server."""


@main.command("serve")
@data
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=int, help="The port to listen on.")
def _serve(data: Path | None, host: str | None, port: int | None) -> None:
    """Run the server."""
    settings = settings_of(data)
    changes = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    serve(replace(settings, **changes))
