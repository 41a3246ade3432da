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
    """A ``Problem`` ends a command with its words and exit code 1 (78 for a data folder that cannot be written). What one command
    needs is loaded for it alone: half of a second on a small machine."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        for command in found_commands():
            self._take(command)
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands:
            own = next((command for home in (cmd_name, f"{cmd_name}s") if (command := _exported(home)) is not None), None)
            if own is not None and own.name == cmd_name:
                self._take(own)
            else:
                self.list_commands(ctx)
        return super().get_command(ctx, cmd_name)

    def _take(self, command: click.Command) -> None:
        standing = self.commands.setdefault(command.name or "", command)
        if standing is not command:
            raise RuntimeError(f"two commands are called {command.name}")
        _equip(command)

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
    for home in _modules():
        command = _exported(home)
        if command is not None:
            yield command


def _modules() -> set[str]:
    return {info.name for info in pkgutil.iter_modules([str(Path(__file__).parent)])} - {"main"}


def _exported(home: str) -> click.Command | None:
    if home not in _modules():
        return None
    command = getattr(importlib.import_module(f"{PACKAGE}.{home}"), "command", None)
    if command is not None and not isinstance(command, click.Command):
        raise RuntimeError(f"{PACKAGE}.{home}.command is no click command but a {type(command).__name__}")
    return command


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


_equip(main)
