"""``healthbox rebuild``: days and nights from what is stored."""

import datetime as dt
import sys

import click

from healthbox.cli import words, work
from healthbox.cli.place import now_ms, opened, settings
from healthbox.pipeline import fold


@click.command("rebuild")
@click.option("--from", "since", type=click.DateTime(["%Y-%m-%d"]), help="Only the days from this date on.")
def command(since: dt.datetime | None) -> None:
    """Compute days and nights from their samples once more. On a sound database nothing changes."""
    given = settings()
    with opened(given) as database:
        marked = fold.rebuild(database, now_ms(), since=since.date().isoformat() if since else "")
        try:
            with work.working(database, given) as own:
                work.wait_for_days(database, given, own)
        except KeyboardInterrupt:
            words.note("\nStopped waiting. The rest is computed by the server or the next command.")
            sys.exit(130)
    click.echo(f"{words.counted(marked, 'day')} of single metrics computed anew.")
