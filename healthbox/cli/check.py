"""``healthbox check``: is everything as it should be, and what to do where it is not."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import click
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from healthbox.analytics import rules
from healthbox.cli import words
from healthbox.cli.place import settings
from healthbox.config import Settings
from healthbox.domain.catalogue import Catalogue
from healthbox.domain.errors import Problem
from healthbox.formats import registry
from healthbox.pipeline.schedule import key_file
from healthbox.store import channels, disk, jobs, ledger, soundness
from healthbox.store import settings as kept
from healthbox.store.engine import FILE, Database
from healthbox.store.locks import is_held
from healthbox.store.migrations.upgrade import applied, known, refuse_unknown
from healthbox.store.vault import CANARY, Vault

SAFE_SQLITE = (3, 51, 3)


class Finding(NamedTuple):
    state: Literal["ok", "note", "bad"]
    what: str
    words: str
    hint: str = ""


@click.command("check")
def command() -> None:
    """Check settings, disk, database, key, formats and rules. Exit code 1, with hints, when something is wrong."""
    bad = False
    for finding in _findings():
        bad = bad or finding.state == "bad"
        click.echo(f"{finding.state:5} {finding.what:12} {finding.words}")
        if finding.hint:
            click.echo(f"{'':18} {finding.hint}")
    sys.exit(1 if bad else 0)


def _findings() -> Iterator[Finding]:
    yield from _guests()
    try:
        given = settings()
    except Problem as problem:
        yield _bad("settings", problem)
        return
    yield Finding("ok", "settings", f"data in {given.data}, port {given.port}")
    if not os.path.isdir(given.data):
        hint = "The first `healthbox serve` makes it. If it should be there, name it: --data or HEALTHBOX_DATA."
        yield Finding("note", "data", f"{given.data} is not there yet", hint)
        return
    try:
        disk.prepare(given.data)
    except Problem as problem:
        yield _bad("data", problem)
        return
    yield from _place(given)
    if not os.path.exists(given.data / FILE):
        yield Finding("note", "database", "there is none yet", "The first `healthbox serve` makes it.")
        return
    try:
        yield from _database(given)
    except Problem as problem:
        yield _bad("database", problem)
    except DBAPIError as error:
        damage = soundness.broken(error)
        if damage is None:
            raise
        yield _bad("database", damage)


def _guests() -> Iterator[Finding]:
    rooms: tuple[tuple[str, Callable[[], list[str]]], ...] = (
        ("formats", lambda: sorted(registry.discover())),
        ("rules", lambda: sorted(rules.discover())),
        ("catalogue", lambda: [f"{len(Catalogue.load().all())} metrics"]),
    )
    for name, find in rooms:
        try:
            yield Finding("ok", name, ", ".join(find()))
        except (RuntimeError, ValueError) as error:
            yield Finding("bad", name, str(error), "Repair or remove that file; a fresh installation has none like it.")


def _place(given: Settings) -> Iterator[Finding]:
    room = disk.room(given.data)
    free = f"{room.free // 1_048_576:,} MB free of {room.total // 1_048_576:,} MB"
    if room.free < given.min_free_mb * 1_048_576:
        hint = f"Below {given.min_free_mb} MB uploads are refused. Free some space; nothing accepted so far is lost."
        yield Finding("bad", "disk", free, hint)
    else:
        yield Finding("ok", "disk", free)
    if share := disk.doubtful_file_system(given.data):
        hint = "Locks and fsync are not to be trusted there: use a local disk."
        yield Finding("note", "file system", f"{given.data} is on {share}", hint)
    else:
        yield Finding("ok", "file system", "local")
    yield Finding("ok", "server", "running" if is_held(given.data) else "not running")


def _database(given: Settings) -> Iterator[Finding]:
    database = Database(given.data)
    try:
        with database.reading() as c:
            yield from _schema(c)
            wrong = soundness.quick_check(c)
            yield Finding("bad", "database", wrong[0], soundness.HINT) if wrong else Finding("ok", "database", "sound")
            yield _library(c)
            if applied(c) == known():
                yield from _key(c, given)
                yield from _work(c)
    finally:
        database.close()


def _schema(c: Connection) -> Iterator[Finding]:
    have = applied(c)
    try:
        refuse_unknown(have)
    except Problem as problem:
        yield _bad("schema", problem)
        return
    missing = len(known()) - len(have)
    if missing:
        yield Finding("note", "schema", f"{words.counted(missing, 'change')} behind", "The next start makes them.")
    else:
        yield Finding("ok", "schema", have[-1])


def _library(c: Connection) -> Finding:
    version = soundness.version(c)
    if tuple(int(part) for part in version.split(".")) < SAFE_SQLITE:
        words_ = f"{version}; older than {'.'.join(map(str, SAFE_SQLITE))}, whose fault with two writers healthbox avoids by its own lock"
        return Finding("note", "sqlite", words_, "Let no other program write or checkpoint this database.")
    return Finding("ok", "sqlite", version)


def _key(c: Connection, given: Settings) -> Iterator[Finding]:
    canary = kept.get(c, CANARY)
    try:
        vault = Vault(given.data, key_file(given))
        for channel in channels.unopened(c, vault):
            hint = "Enter its address again (Findings → Channels), or put the key back."
            yield Finding("bad", "channel", f"{channel.id} ({channel.service}): sealed with another key", hint)
        if canary is None:
            yield Finding("ok", "vault", "no secret is sealed yet")
            return
        vault.open(bytes.fromhex(canary), "setting", CANARY, "value")
    except (Problem, ValueError) as error:
        hint = "Put the key back from where it is kept, or enter the addresses of the channels again."
        yield Finding("bad", "vault", getattr(error, "message", "the canary is unreadable"), hint)
        return
    yield Finding("ok", "vault", f"key {vault.key_id} in {Path(vault.path)}")


def _work(c: Connection) -> Iterator[Finding]:
    dead = ledger.dead_count(c)
    yield Finding("note", "dead letters", str(dead), "See: healthbox dead list") if dead else Finding("ok", "dead letters", "none")
    for job in jobs.all_jobs(c):
        if job.last_error is not None:
            yield Finding("note", job.name, f"failed: {job.last_error}", f"Last success: {words.when(job.last_at)}")
        elif job.name == "backup":
            yield Finding("ok", "backup", f"last {words.when(job.last_at)}, next {words.when(job.due_at)}")


def _bad(what: str, problem: Problem) -> Finding:
    return Finding("bad", what, problem.message, problem.hint)
