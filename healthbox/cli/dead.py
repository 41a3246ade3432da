"""``healthbox dead``: chunks that could not be read."""

import sys
import zlib
from typing import Any

import click

from healthbox.cli import words, work
from healthbox.cli.place import now_ms, opened, person_of, settings
from healthbox.domain.errors import Invalid, NotFound
from healthbox.pipeline import repair
from healthbox.store import ledger, people, receipts
from healthbox.store.engine import Database

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
        found = receipts.dead(c, None if name is None else person_of(c, name).id)
    rows = ((d["id"], names.get(d["person_id"]), d["batch"], d["chunk"], d["format"], words.when(d["accepted"]), d["error"]) for d in found)
    words.table(("ID", "PERSON", "UPLOAD", "CHUNK", "FORMAT", "ACCEPTED", "WHY"), rows)


@command.command()
@click.argument("chunk", metavar="ID", type=int)
@click.option("--body", is_flag=True, help="Print what was sent, and nothing else.")
def show(chunk: int, body: bool) -> None:
    """Show one dead letter."""
    given = settings()
    with opened(given) as database, database.reading() as c:
        found = _found(receipts.dead(c), [chunk])[0]
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
@click.argument("chunks", metavar="[ID]...", type=int, nargs=-1)
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
            again = {d["id"] for d in receipts.dead(c)} & set(wanted)
    click.echo(f"{words.counted(len(wanted), 'dead letter')} tried again, {len(again)} dead once more.")
    sys.exit(1 if again else 0)


@command.command()
@click.argument("chunks", metavar="[ID]...", type=int, nargs=-1)
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
        found = receipts.dead(c)
    return [one["id"] for one in (found if everything else _found(found, list(chunks)))]


def _found(dead: list[dict[str, Any]], wanted: list[int]) -> list[dict[str, Any]]:
    by_id = {one["id"]: one for one in dead}
    if missing := [chunk for chunk in wanted if chunk not in by_id]:
        raise NotFound(f"There is no dead letter {missing[0]}.", hint="See: healthbox dead list")
    return [by_id[chunk] for chunk in wanted]
