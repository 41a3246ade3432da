"""``healthbox batches``: uploads and their receipts."""

from typing import Any

import click

from healthbox.cli import words
from healthbox.cli.follow import follow
from healthbox.cli.place import opened, person_of, settings, upload_of
from healthbox.domain.errors import Invalid
from healthbox.store import people, receipts


@click.command("batches")
@click.argument("batch", metavar="[ID]", required=False)
@click.option("--person", "name", help="Only of this person.")
@click.option("--watch", is_flag=True, help="Wait until that upload is worked off, showing how far it is.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many, the newest first.")
def command(batch: str | None, name: str | None, watch: bool, limit: int) -> None:
    """List the uploads, or print the receipt of one."""
    if batch is not None:
        _one(batch, watch)
        return
    if watch:
        raise Invalid("Name the upload to watch by its id.", hint="See: healthbox batches")
    with opened() as database, database.reading() as c:
        persons = people.list_persons(c) if name is None else [person_of(c, name)]
        rows = [(one, person.name) for person in persons for one in receipts.listing(c, person.id, limit=limit)["batches"]]
    rows.sort(key=lambda row: row[0]["timings"]["accepted"], reverse=True)
    words.table(
        ("ID", "PERSON", "DEVICE", "ACCEPTED", "FORMAT", "STATUS", "NEW", "UPDATED", "DUPLICATE", "DELETED", "REJECTED"),
        (_row(one, person) for one, person in rows[:limit]),
    )


def _one(public: str, watch: bool) -> None:
    given = settings()
    with opened(given) as database:
        with database.reading() as c:
            found = upload_of(c, public)
        if watch:
            follow(database, given, found.person_id, public)
        with database.reading() as c:
            words.receipt(receipts.receipt(c, found.person_id, public))


def _row(one: dict[str, Any], person: str) -> tuple[object, ...]:
    accepted = words.when(one["timings"]["accepted"])
    return (one["batch"], person, one["device"], accepted, one["format"], one["status"], *one["records"].values())
