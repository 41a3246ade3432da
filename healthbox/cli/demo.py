"""``healthbox demo``: a person called Demo with a synthetic year, sent through the same door as a phone's."""

import secrets
import sys
from collections.abc import Callable

import click

from healthbox.cli.demo_stated import HEADERS
from healthbox.cli.demo_year import Year, make
from healthbox.cli.person import take_away
from healthbox.cli.place import now_ms, opened, settings
from healthbox.cli.words import note
from healthbox.cli.work import wait, working
from healthbox.config import Settings
from healthbox.domain.errors import Conflict, NotFound
from healthbox.pipeline.accept import Accepted, Door
from healthbox.store import accounts, days, devices, ledger, people
from healthbox.store.devices import Device
from healthbox.store.engine import Database
from healthbox.store.people import Person
from healthbox.web import passwords

NAME, LOGIN = "Demo", "demo"
CLOSED = ("completed", "completed_with_errors", "failed")


@click.command("demo")
@click.option("--remove", is_flag=True, help="Remove the person Demo with all data and the account.")
@click.option("--zone", default="Europe/Berlin", show_default=True, help="Where Demo lives.")
@click.option("--days", "length", type=click.IntRange(1, 3660), default=365, show_default=True, help="How many days, ending today.")
def command(remove: bool, zone: str, length: int) -> None:
    """Show what healthbox is like with a synthetic year of data."""
    given = settings()
    with opened(given, create=not remove) as database:
        if remove:
            _remove(database)
        else:
            _add(database, given, zone, length)


def _add(database: Database, given: Settings, zone: str, length: int) -> None:
    people.check_zone(zone)
    if _demo(database):
        raise Conflict("The demo person is here already.", hint="Remove it first: healthbox demo --remove")
    now = now_ms()
    year = make(now, zone, days=length)
    password = secrets.token_urlsafe(9)
    device, first = _settle(database, year, passwords.hashed(password), now)
    steps = 2 * len(year.bodies)  # each body is accepted, then worked off
    with click.progressbar(length=steps, label=f"{year.records:,} records", file=sys.stderr) as bar:
        door = Door(database, given, lambda: None)
        for at, body in year.stated:
            door.ingest(device, body, headers=HEADERS, now=at)
        for body in year.bodies:
            sent = door.sync(device, body, now)
            bar.update(1)
        with working(database, given) as own:
            wait(given, own, _watch(database, sent, len(year.bodies), bar.update))
    click.echo(f"Log in as {LOGIN} with the password {password} (shown only now).")
    if first:
        note("There was no account before, so this one is an admin: set up your own before anybody else can reach this server.")
    note("This person does not exist. Remove it with: healthbox demo --remove")


def _settle(database: Database, year: Year, password_hash: str, now: int) -> tuple[Device, bool]:
    """The person, where it was when, its account and its device; and whether that account is the first of all."""
    with database.writing() as c:
        person = people.add_person(c, NAME, year.zones[0][1], now, demo=True)
        for since, zone in year.zones[1:]:
            people.set_zone(c, person.id, zone, since)
        first = accounts.count_accounts(c) == 0  # without an admin nobody could ever be let in
        accounts.add_account(c, LOGIN, password_hash, person.id, first, now)
        device, _ = devices.add_device(c, person.id, LOGIN, ["ingest"], now)  # its token is shown to nobody
    return device, first


def _watch(database: Database, sent: Accepted, chunks: int, progress: Callable[[int], None]) -> Callable[[], bool]:
    """Whether the year is stored, its days folded and judged; tells ``progress`` how many more chunks are done."""
    left = chunks

    def done() -> bool:
        nonlocal left
        with database.reading() as c:
            batch, waiting = ledger.by_public(c, sent.batch), ledger.depth(c)[0]
            quiet = not days.waits(c)
        progress(max(left - waiting, 0))
        left = min(left, waiting)
        return quiet and batch is not None and batch.status in CLOSED

    return done


def _remove(database: Database) -> None:
    person = _demo(database)
    if person is None:
        raise NotFound("There is no demo person.", hint="Add it with: healthbox demo")
    take_away(database, person.id)
    click.echo("The demo person is gone, with its account and all its data.")


def _demo(database: Database) -> Person | None:
    with database.reading() as c:
        return next((person for person in people.list_persons(c) if person.demo), None)
