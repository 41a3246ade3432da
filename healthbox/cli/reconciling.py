"""What ``import --reconcile`` asks: whether samples that a whole export lacks are to be set aside."""

import sys
from pathlib import Path

import click

from healthbox.cli import words, work
from healthbox.config import Settings
from healthbox.domain.errors import Invalid
from healthbox.formats.registry import recognise_file
from healthbox.pipeline import reconcile
from healthbox.store import ledger, reconciling
from healthbox.store.engine import Database
from healthbox.store.reconciling import Reconcile


def refuse(file: Path, *, yes: bool) -> None:
    """Raises ``Invalid`` where nobody could answer, and for a file that holds no whole history."""
    if not yes and not sys.stdin.isatty():
        raise Invalid("Nobody is there to confirm what would be set aside.", hint="Say --yes, or run it at a terminal.")
    if not recognise_file(file).whole:
        raise Invalid("This file does not hold a whole history, so what it lacks says nothing.", hint="Leave --reconcile out.")


def ask(database: Database, given: Settings, person_id: int, public: str, *, yes: bool) -> None:
    """Show what the export lacks, and set it aside if that is wanted. Without a server the work is done here."""
    batch_id = _batch(database, public)
    with work.working(database, given) as own:
        work.wait(given, own, lambda: _standing(database, batch_id).state not in ("reading", "counting"))
        if _standing(database, batch_id).state != "asking":
            raise Invalid("The file could not be read as a whole, so nothing of it is set aside.", hint=f"See: healthbox batches {public}")
        with database.reading() as c:
            found = reconciling.lacking(c, batch_id)
        if not found:
            reconcile.decide(database, batch_id, move=False)
            click.echo("No sample is there that this export lacks.")
            return
        words.table(("METRIC", "SOURCE", "SAMPLES"), found)
        total = words.counted(sum(one.samples for one in found), "sample")
        if not yes and not click.confirm(f"Set {total} aside that this export lacks? They are kept, but not counted.", err=True):
            reconcile.decide(database, batch_id, move=False)
            words.note("Nothing was set aside.")
            return
        reconcile.decide(database, batch_id, move=True)
        work.wait(given, own, lambda: _standing(database, batch_id).state != "moving")
        if _standing(database, batch_id).state != "moved":
            raise Invalid("What the file held is gone meanwhile.", hint="Import it again with --reconcile.")
        work.wait_for_days(database, given, own, person_id)
    click.echo(f"{total} set aside. To count them again: healthbox upload aside {public} --undo")


def _batch(database: Database, public: str) -> int:
    with database.reading() as c:
        found = ledger.by_public(c, public)
    assert found is not None  # noqa: S101 - the caller has just made it
    return found.id


def _standing(database: Database, batch_id: int) -> Reconcile:
    with database.reading() as c:
        found = reconciling.get(c, batch_id)
    assert found is not None  # noqa: S101 - asked for when the file was accepted
    return found
