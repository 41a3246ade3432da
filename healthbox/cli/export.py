"""``healthbox export``: everything of a person, to take away."""

from pathlib import Path

import click

from healthbox.cli import words
from healthbox.cli.place import now_ms, opened, person_of
from healthbox.pipeline import leave

ALL = "all"


@click.command("export")
@click.argument("destination", metavar="DEST", type=click.Path(path_type=Path))
@click.option("--person", "name", required=True, help="Whose data it is: a name or an id.")
@click.option("--format", "part", type=click.Choice([*leave.PARTS, ALL]), default=ALL, show_default=True, help="What the zip holds.")
def command(destination: Path, name: str, part: str) -> None:
    """Write everything of a person as the new zip DEST; into a folder that exists, under a dated name. Prints where it is.

    csv: tables for spreadsheets and the routes of workouts as GPX. jsonl: everything, the file that `healthbox import` reads
    again. sqlite: the same tables as a database.
    """
    now = now_ms()
    with opened() as database:
        with database.reading() as c:
            person = person_of(c, name)
        path = destination / leave.file_name(person, now) if destination.is_dir() else destination
        parts = [one for one in leave.PARTS if part in (one, ALL)]
        size = leave.write(database, person.id, path, parts, now)
    click.echo(path)
    words.note(f"{size:,} bytes, not encrypted: it holds health data, keep it where nobody else reads it.")
    if "jsonl" in parts:
        words.note(f'Into another healthbox: healthbox import {path.name} --person "{person.name}"')
