"""``healthbox upload``: reading one again, taking one back, or only what it set aside."""

import click

from healthbox.cli import words, work
from healthbox.cli.follow import follow
from healthbox.cli.place import now_ms, opened, settings, upload_of
from healthbox.pipeline import remove_upload, repair, supersede
from healthbox.store import receipts


@click.group("upload")
def command() -> None:
    """Read uploads again, or take them back."""


@command.command()
@click.argument("batch", metavar="ID")
def remove(batch: str) -> None:
    """Remove the records of one upload. What other kept uploads also held is read again from their bodies."""
    given = settings()
    with opened(given) as database:
        done = remove_upload.remove(database, given.data, batch, now_ms())
        with work.working(database, given) as own:
            work.wait_for_days(database, given, own, done.person_id)
    click.echo(f"{words.counted(done.records, 'record')} removed; {words.counted(done.replayed, 'other upload')} read again.")
    if done.lost:
        words.note(
            f"{words.counted(done.lost, 'other upload')} may have held some of the same records, but the bodies are no longer kept: "
            "send that data again to have it back."
        )


@command.command()
@click.argument("batch", metavar="ID")
def replay(batch: str) -> None:
    """Read one upload again from what was sent, after an update for example. What is here already is known and not doubled."""
    given = settings()
    with opened(given) as database:
        with database.reading() as c:
            found = upload_of(c, batch)
        repair.replay(database, found.person_id, batch, now_ms())
        follow(database, given, found.person_id, batch)
        with database.reading() as c:
            words.receipt(receipts.receipt(c, found.person_id, batch))


@command.command()
@click.argument("batch", metavar="ID")
@click.option("--undo/--redo", required=True, help="Count it again, or set it aside once more.")
def aside(batch: str, undo: bool) -> None:
    """What a newer export lacks is set aside: kept, not counted. Take that back for one upload."""
    given = settings()
    with opened(given) as database:
        with database.reading() as c:
            found = upload_of(c, batch)
        supersede.put_in_force(database, found.person_id, batch, undo=undo)
        with work.working(database, given) as own:
            work.wait_for_days(database, given, own, found.person_id)
        with database.reading() as c:
            words.receipt(receipts.receipt(c, found.person_id, batch))
