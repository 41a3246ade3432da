"""From what devices sent to findings of silent trouble, and from those to delivery rows: after uploads, and by the clock.

What holds is judged anew each time from the ledger and the habits, so a stop at any moment costs nothing. A trouble that is over
resolves by itself and keeps when; one that comes back within a week goes on as the same episode, so it is told once.
"""

import datetime as dt
import logging
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from healthbox.analytics.rules.contract import Finding
from healthbox.analytics.trouble import CATEGORY, TROUBLES, Device, Facts, Source, Upload, cured, judge
from healthbox.pipeline.analyse import Evidence
from healthbox.store import deliveries, findings, freshness, jobs, people, sendings, uploads
from healthbox.store import settings as kept
from healthbox.store.engine import Database
from healthbox.store.findings import FindingRow, RuleSetting

log = logging.getLogger(__name__)
JOB = "trouble"
WATCHING = "watching_since"  # ms: since when the server runs without a gap
AWAY_MS = 2 * 3_600_000
COOL_DOWN = dt.timedelta(days=7)


def watch_all(database: Database, now: int) -> None:
    """By the clock: every person's habits and troubles. Who was away himself does not blame others for their silence."""
    with database.writing() as c:
        last = jobs.last_at(c, JOB)
        if last is None or now - last > AWAY_MS or kept.get(c, WATCHING) is None:
            kept.put(c, WATCHING, str(now))
        everybody = [person.id for person in people.list_persons(c)]
    for person_id in everybody:
        refresh(database, person_id, now)


def refresh(database: Database, person_id: int, now: int) -> None:
    """One person's habits anew, then the troubles. Habits are read out of many rows: nobody waits for that to write."""
    with database.reading() as c:
        habits = freshness.habits(c, person_id)
    with database.writing() as c:
        if _is_here(c, person_id):
            freshness.put(c, person_id, habits)
    watch(database, person_id, now)


def watch(database: Database, person_id: int, now: int) -> None:
    """Bring one person's findings of silent trouble up to ``now`` (ms); while an upload is being read they stay as they are."""
    with database.reading() as c:
        if uploads.being_read(c, person_id, now) or not _is_here(c, person_id):
            return
        facts = gather(c, person_id, now)
        settings = findings.rule_settings(c, person_id)
        stands = any(row.state != "resolved" for row in findings.of_person(c, person_id, rules=TROUBLES))
    try:
        found = judge(facts, {name: setting.params for name, setting in settings.items()})
    except Exception as problem:  # a detector that breaks must not stop the pump, nor take back what it said before
        log.error("trouble_failed problem=%s", type(problem).__name__)
        return
    found = [finding for finding in found if settings.get(finding.rule, RuleSetting()).enabled]
    if found or stands:
        with database.writing() as c:
            if _is_here(c, person_id):
                _reconcile(c, person_id, facts, found, settings)


def _is_here(c: Connection, person_id: int) -> bool:
    """Not removed meanwhile."""
    return any(person.id == person_id for person in people.list_persons(c))


def gather(c: Connection, person_id: int, now: int) -> Facts:
    date = dt.datetime.fromtimestamp(now / 1000, ZoneInfo(people.get_person(c, person_id).zone)).date()
    devices = []
    for one in sendings.devices(c, person_id, now):
        sent = [Upload(*upload) for upload in sendings.uploads(c, one.id, now)]
        contacts = sendings.contacts(c, one.id, now)
        devices.append(Device(one.id, one.name, one.since, one.newest, one.usual, one.longest, sent, contacts))
    sources = [
        Source(one.id, one.name, one.since, one.newest, one.usual, one.longest, one.kind, one.device)
        for one in sendings.sources(c, person_id, now)
    ]
    return Facts(now, date, int(kept.get(c, WATCHING) or now), devices, sources)


def _reconcile(c: Connection, person_id: int, facts: Facts, found: list[Finding], settings: dict[str, RuleSetting]) -> None:
    date, now = facts.date, facts.now
    rows = sorted(findings.of_person(c, person_id, rules=TROUBLES), key=lambda row: row.id)
    standing = {(row.rule, row.metric): row for row in rows}
    midnight = int(dt.datetime.combine(date, dt.time(), ZoneInfo(people.get_person(c, person_id).zone)).timestamp() * 1000)
    for finding in found:
        known = standing.pop((finding.rule, finding.metric), None)
        over = known is not None and known.state == "resolved" and known.latest < date - COOL_DOWN
        after = _write(c, person_id, finding, None if over else known, now)
        if after.state == "open" and deliveries.create(c, after.id, "opened", now, category=CATEGORY, today=midnight):
            log.info("trouble rule=%s", finding.rule)
    for row in standing.values():
        if row.state == "resolved":
            continue
        told = msgspec.json.decode(row.json, type=Evidence).findings
        if not told or not settings.get(row.rule, RuleSetting()).enabled:
            findings.withdraw(c, row.id, now)
            continue
        ended = {"until": float(now), "ended": "cured" if cured(told[-1], facts) else "left"}
        last = msgspec.structs.replace(told[-1], words=told[-1].words | ended)
        _write(c, person_id, last, row, now, ended=True)
        deliveries.drop_pending(c, row.id)


def _write(c: Connection, person_id: int, finding: Finding, row: FindingRow | None, now: int, *, ended: bool = False) -> FindingRow:
    return findings.upsert_episode(
        c,
        person_id,
        finding.rule,
        finding.metric,
        row.started if row else finding.date,
        latest=finding.date,
        ended=ended,
        severity=finding.severity,
        json=msgspec.json.encode(Evidence([finding])).decode(),
        now=now,
        standing=row,
    )
