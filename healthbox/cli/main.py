"""The group of all commands: finds them, gives each of them ``--data``, and ends them with errors in words."""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import DBAPIError

from healthbox import __version__
from healthbox.cli import place
from healthbox.domain.errors import Problem
from healthbox.store import soundness

EXIT = {"unwritable": 78}
PACKAGE = "healthbox.cli"


class Commands(click.Group):
    """A ``Problem`` ends a command with its words and exit code 1 (78 for a data folder that cannot be written)."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Problem as problem:
            said = problem
        except DBAPIError as error:
            damage = soundness.broken(error)
            if damage is None:
                raise
            said = damage
        click.echo(f"{said.message}\n{said.hint}".strip(), err=True)
        sys.exit(EXIT.get(said.code, 1))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """healthbox: a self-hosted personal health server."""


def found_commands() -> Iterator[click.Command]:
    """Every ``command`` that a module of this package exports. Raises ``RuntimeError`` for one that is no command."""
    folder = str(Path(__file__).parent)
    for info in pkgutil.iter_modules([folder]):
        if info.name == "main":
            continue
        command = getattr(importlib.import_module(f"{PACKAGE}.{info.name}"), "command", None)
        if command is None:
            continue
        if not isinstance(command, click.Command):
            raise RuntimeError(f"{PACKAGE}.{info.name}.command is no click command but a {type(command).__name__}")
        yield command


def _equip(command: click.Command) -> None:
    if not any("--data" in option.opts for option in command.params):
        command.params.append(
            click.Option(
                ["--data"], type=click.Path(path_type=Path), expose_value=False, callback=place.remember,
                help="The data folder [HEALTHBOX_DATA, ./data].",
            )
        )  # fmt: skip
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _equip(inner)


for _command in found_commands():
    if _command.name in main.commands:
        raise RuntimeError(f"two commands are called {_command.name}")
    main.add_command(_command)
_equip(main)
