"""``healthbox batches``: uploads and their receipts."""

from typing import Any

import click

from healthbox.cli import words
from healthbox.cli.place import opened, person_of
from healthbox.domain.errors import NotFound
from healthbox.store import ledger, people, receipts


@click.command("batches")
@click.argument("batch", metavar="[ID]", required=False)
@click.option("--person", "name", help="Only of this person.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many, the newest first.")
def command(batch: str | None, name: str | None, limit: int) -> None:
    """List the uploads, or print the receipt of one."""
    with opened() as database, database.reading() as c:
        if batch is not None:
            found = ledger.by_public(c, batch)
            if found is None:
                raise NotFound("There is no such upload.", hint="See: healthbox batches")
            words.receipt(receipts.receipt(c, found.person_id, batch))
            return
        persons = people.list_persons(c) if name is None else [person_of(c, name)]
        rows = [(one, person.name) for person in persons for one in receipts.listing(c, person.id, limit=limit)["batches"]]
    rows.sort(key=lambda row: row[0]["timings"]["accepted"], reverse=True)
    words.table(
        ("ID", "PERSON", "DEVICE", "ACCEPTED", "FORMAT", "STATUS", "NEW", "UPDATED", "DUPLICATE", "DELETED", "REJECTED"),
        (_row(one, person) for one, person in rows[:limit]),
    )


def _row(one: dict[str, Any], person: str) -> tuple[object, ...]:
    accepted = words.when(one["timings"]["accepted"])
    return (one["batch"], person, one["device"], accepted, one["format"], one["status"], *one["records"].values())
