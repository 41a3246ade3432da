"""``healthbox source``: what measured."""

import click
from sqlalchemy import Connection

from healthbox.cli import words, work
from healthbox.cli.place import opened, person_of, settings
from healthbox.domain.errors import Conflict, Invalid, NotFound
from healthbox.store import metrics, people, sources


@click.group("source")
def command() -> None:
    """What measured: watches, phones, apps, providers."""


@command.command("list")
@click.option("--person", "name", help="Only of this person.")
def show(name: str | None) -> None:
    """List the sources."""
    with opened() as database, database.reading() as c:
        persons = people.list_persons(c) if name is None else [person_of(c, name)]
        rows = [(s.id, person.name, s.name, s.kind, s.product) for person in persons for s in sources.list_sources(c, person.id)]
    words.table(("ID", "PERSON", "SOURCE", "KIND", "PRODUCT"), rows)


@command.command()
@click.argument("a")
@click.argument("b")
@click.option("--person", "name", help="Whose sources, where the names alone are not enough.")
def merge(a: str, b: str, name: str | None) -> None:
    """A and B (ids or names) are one source: B becomes part of A, and A's name stays."""
    given = settings()
    with opened(given) as database:
        with database.writing() as c:
            person_id = None if name is None else person_of(c, name).id
            kept, other = _source(c, a, person_id), _source(c, b, person_id)
            if kept.id == other.id:
                raise Invalid("A source cannot be merged with itself.")
            if kept.person_id != other.person_id:
                raise Conflict("The two sources belong to different people.", hint="See: healthbox source list")
            metrics.merge_sources(c, kept.person_id, kept.id, other.id)
        with work.working(database, given) as own:
            work.wait_for_days(database, given, own, kept.person_id)
    click.echo(f"{other.name} ({other.id}) is part of {kept.name} ({kept.id}) now; the days they touch are computed anew.")


def _source(c: Connection, said: str, person_id: int | None) -> sources.Source:
    persons = [person.id for person in people.list_persons(c)] if person_id is None else [person_id]
    found = [source for person in persons for source in sources.list_sources(c, person)]
    matching = [s for s in found if s.name.casefold() == said.casefold()] or [s for s in found if str(s.id) == said]
    if not matching:
        raise NotFound(f"There is no source {said}.", hint="See: healthbox source list")
    if len(matching) > 1:
        ids = ", ".join(str(s.id) for s in matching)
        raise Conflict(f"{len(matching)} sources are called {said}.", hint=f"Say which by its id: {ids}.")
    return matching[0]
