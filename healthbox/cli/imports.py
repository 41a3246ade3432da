"""``healthbox import``: a file through the same ledger as a phone's uploads."""

import sys
from pathlib import Path

import click

from healthbox.cli import reconciling, words
from healthbox.cli.follow import follow
from healthbox.cli.meter import Meter
from healthbox.cli.place import now_ms, opened, person_of, settings
from healthbox.domain.errors import Invalid
from healthbox.formats.contract import Envelope
from healthbox.formats.json_body import decode
from healthbox.formats.registry import discover, discover_files, recognise, recognise_file
from healthbox.pipeline.accept import Door
from healthbox.pipeline.accept_file import accept_file
from healthbox.pipeline.slices import is_json, json_body
from healthbox.store import devices, receipts
from healthbox.store.engine import Database
from healthbox.store.people import Person


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--person", "name", required=True, help="Whose data it is: a name or an id.")
@click.option("--format", "form", help="What the file must be; else it is recognised.")
@click.option("--reconcile", is_flag=True, help="Show which samples a whole export lacks, and set them aside if you say so.")
@click.option("--yes", is_flag=True, help="With --reconcile: do not ask.")
def command(file: Path, name: str, form: str | None, reconcile: bool, yes: bool) -> None:
    """Import FILE, wait until it is worked off and print the receipt. Ctrl-C leaves it to be continued."""
    given = settings()
    with opened(given) as database:
        with database.reading() as c:
            person = person_of(c, name)
        if reconcile:
            reconciling.refuse(file, yes=yes)
        meter = Meter(sys.stderr)
        if is_json(file):
            raw = json_body(file, given)
            total = _records(raw, form, person.zone)
            door = Door(database, given, _nobody)
            accepted = door.ingest(_device(database, person), raw, headers={}, now=now_ms())
        else:
            total = 0
            _named(file, form)
            device = _device(database, person)
            accepted = accept_file(database, given, device, file, now=now_ms(), ring=_nobody, reconcile=reconcile, tell=meter.keeping)
        follow(database, given, person.id, accepted.batch, total, meter)
        with database.reading() as c:
            found = receipts.receipt(c, person.id, accepted.batch)
        words.receipt(found)
        if reconcile:
            reconciling.ask(database, given, person.id, accepted.batch, yes=yes)
    if found["chunks"]["dead"] or found["status"] == "failed":
        words.note("Part of it could not be read. See: healthbox dead list")
        sys.exit(1)


def _named(file: Path, form: str | None) -> None:
    """Raises ``Invalid`` for a file that is not of the format named."""
    formats = discover_files()
    if form is not None and form not in formats:
        raise Invalid(f"There is no file format {form}.", hint=f"Formats are: {', '.join(sorted({*formats, *discover()}))}.")
    recognise_file(file, formats if form is None else {form: formats[form]})


def _records(raw: bytes, form: str | None, zone: str) -> int:
    """How many records the file holds (0 where no progress is shown). Raises ``Invalid`` for what is not of the format named."""
    watched = sys.stderr.isatty()
    if form is None and not watched:
        return 0
    formats = discover()
    if form is not None and form not in formats:
        raise Invalid(f"There is no format {form}.", hint=f"Formats are: {', '.join(sorted(formats))}.")
    body, envelope = decode(raw), Envelope(zone=zone, accepted_at=now_ms())
    found = recognise(body, envelope, formats if form is None else {form: formats[form]})
    return sum(1 for _ in found.records(body, envelope)) if watched else 0


def _device(database: Database, person: Person) -> devices.Device:
    with database.writing() as c:
        return devices.importer(c, person.id, now_ms())


def _nobody() -> None:
    """A running server looks for new work every second by itself."""
