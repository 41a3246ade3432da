"""``healthbox dead``: chunks that could not be read."""

import sys
import zlib

import click

from healthbox.cli import words, work
from healthbox.cli.place import now_ms, opened, person_of, settings
from healthbox.domain.errors import Invalid, NotFound
from healthbox.pipeline import repair
from healthbox.store import ledger, people, receipts
from healthbox.store.engine import Database

ID = click.IntRange(0, 2**63 - 1)
every = click.option("--all", "everything", is_flag=True, help="All of them.")


@click.group("dead")
def command() -> None:
    """Dead letters: chunks that could not be read."""


@command.command("list")
@click.option("--person", "name", help="Only of this person.")
def listing(name: str | None) -> None:
    """List the dead letters."""
    with opened() as database, database.reading() as c:
        names = {person.id: person.name for person in people.list_persons(c)}
        wanted = None if name is None else person_of(c, name).id
        found, count = receipts.dead(c, wanted), ledger.dead_count(c, wanted)
    rows = ((d["id"], names.get(d["person_id"]), d["batch"], d["chunk"], d["format"], words.when(d["accepted"]), d["error"]) for d in found)
    words.table(("ID", "PERSON", "UPLOAD", "CHUNK", "FORMAT", "ACCEPTED", "WHY"), rows)
    if count > len(found):
        click.echo(f"These are the oldest {len(found)} of {count}.", err=True)


@command.command()
@click.argument("chunk", metavar="ID", type=ID)
@click.option("--body", is_flag=True, help="Print what was sent, and nothing else.")
def show(chunk: int, body: bool) -> None:
    """Show one dead letter."""
    given = settings()
    with opened(given) as database, database.reading() as c:
        found = receipts.dead_letter(c, chunk)
        kept, spool = ledger.body_of(c, chunk)
    if not body:
        for name, value in found.items():
            click.echo(f"{name:10}{words.when(value) if name == 'accepted' else value}")
        return
    if kept is None and spool is not None:
        kept = (given.data / "spool" / spool).read_bytes()
    if kept is None:
        raise NotFound("The body of this chunk is gone.")
    sys.stdout.buffer.write(zlib.decompress(kept))


@command.command()
@click.argument("chunks", metavar="[ID]...", type=ID, nargs=-1)
@every
def replay(chunks: tuple[int, ...], everything: bool) -> None:
    """Try dead letters again, after an update for example. Exit code 1 when one is dead again."""
    given = settings()
    with opened(given) as database:
        wanted = _chosen(database, chunks, everything)
        repair.replay_dead(database, wanted, now_ms())
        with work.working(database, given) as own:
            work.wait_for_days(database, given, own)
        with database.reading() as c:
            again = set(ledger.dead_ids(c)) & set(wanted)
    click.echo(f"{words.counted(len(wanted), 'dead letter')} tried again, {len(again)} dead once more.")
    sys.exit(1 if again else 0)


@command.command()
@click.argument("chunks", metavar="[ID]...", type=ID, nargs=-1)
@every
def discard(chunks: tuple[int, ...], everything: bool) -> None:
    """Give dead letters up, so that what they hold back can go on."""
    with opened() as database:
        wanted = _chosen(database, chunks, everything)
        repair.discard_dead(database, wanted, now_ms())
    click.echo(f"{words.counted(len(wanted), 'dead letter')} discarded.")


def _chosen(database: Database, chunks: tuple[int, ...], everything: bool) -> list[int]:
    if bool(chunks) == everything:
        raise Invalid("Name dead letters by their ids, or say --all.", hint="See: healthbox dead list")
    with database.reading() as c:
        return ledger.dead_ids(c) if everything else [receipts.dead_letter(c, chunk)["id"] for chunk in chunks]
