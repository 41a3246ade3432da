"""``healthbox upload``: taking one back."""

import click

from healthbox.cli import words, work
from healthbox.cli.place import now_ms, opened, settings
from healthbox.pipeline import remove_upload


@click.group("upload")
def command() -> None:
    """Take uploads back."""


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
