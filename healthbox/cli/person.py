"""``healthbox person``: whose data it is."""

import os
from pathlib import Path

import click

from healthbox.cli import words
from healthbox.cli.place import now_ms, opened, person_of, settings
from healthbox.domain.clock import is_zone
from healthbox.store import people
from healthbox.store.engine import Database


@click.group("person")
def command() -> None:
    """Whose data it is."""


@command.command()
@click.argument("name")
@click.option("--zone", help="Where the days are counted, such as Europe/Berlin [this machine's].")
def add(name: str, zone: str | None) -> None:
    """Add a person."""
    with opened(create=True) as database, database.writing() as c:
        person = people.add_person(c, name, zone or local_zone(), now_ms())
    click.echo(f"{person.name} is person {person.id}; days are counted in {person.zone}.")
    words.note(f'Next: healthbox account add LOGIN --person "{person.name}", healthbox token add DEVICE --person "{person.name}"')


@command.command("list")
def show() -> None:
    """List the people."""
    with opened() as database, database.reading() as c:
        found = people.list_persons(c)
    words.table(("ID", "NAME", "ZONE", "SINCE"), ((p.id, p.name, p.zone, words.when(p.created_at)) for p in found))


@command.command()
@click.argument("name")
@click.argument("new")
def rename(name: str, new: str) -> None:
    """Give the person NAME the name NEW."""
    with opened() as database, database.writing() as c:
        person = people.rename(c, person_of(c, name).id, new)
    click.echo(f"Person {person.id} is {person.name} now.")


@command.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, yes: bool) -> None:
    """Remove a person with everything of theirs: data, devices, accounts, uploads."""
    given = settings()
    with opened(given) as database:
        with database.reading() as c:
            person = person_of(c, name)
        words.confirm(f"Remove {person.name} and all of their data, for good?", yes)
        take_away(database, person.id)
    click.echo(f"{person.name} is removed.")
    if any((given.data / "backups").glob("*")) or any(given.data.glob("before-*")):
        words.note(f"Backups made before still hold this data: see {given.data / 'backups'}, and before-* beside it.")


def take_away(database: Database, person_id: int) -> None:
    """A person with everything of theirs, in the database's folder too."""
    with database.writing() as c:
        spooled = people.remove(c, person_id)
    for file in spooled:
        (database.data / "spool" / file).unlink(missing_ok=True)
    database.checkpoint()  # nothing of it stays in the write-ahead log either


def local_zone() -> str:
    """The IANA zone this machine is set to, UTC where it does not say."""
    said = [os.environ.get("TZ", "").removeprefix(":")]
    try:
        said.append(str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")[2])
        said.append(Path("/etc/timezone").read_text("ascii").strip())
    except (OSError, ValueError):
        pass
    return next((name for name in said if "/" in name and not name.startswith("Etc/") and is_zone(name)), "UTC")
