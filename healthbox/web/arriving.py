"""Words and shapes for what arrives: habits of sources and devices, the life of an upload. Pure: rows in, words out."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from healthbox import render
from healthbox.domain.catalogue import Catalogue
from healthbox.store.devices import IMPORTER
from healthbox.store.freshness import Arrival, Import
from healthbox.store.people import Person
from healthbox.web.said import SOURCES, name_of

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
SENDERS = {
    "health-auto-export": "Health Auto Export",
    "shortcuts": "Shortcuts",
    "hc-webhook": "HC Webhook",
    "health-connect-exports": "Health Connect Exports",
    "healthsave": "HealthSave",
    "health-data-export": "Health Data Export",
    "health-export-pro": "Health Export Pro",
    "health-bridge": "Health Bridge",
    "open-wearables": "Open Wearables",
    "native-sync": "healthbox sync",
    "seed-sync": "healthbox sync",
    "flutter-health": "Flutter health",
    "apple-health-export": "Apple Health export",
    "health-connect-backup": "Health Connect backup",
    "healthbox-export": "healthbox export",
    "plain-csv": "Table (CSV)",
    "gpx": "GPX file",
    "tcx": "TCX file",
    "fit": "FIT file",
}
ACTS = {"weight": "weigh", "blood_pressure_systolic": "measure", "blood_pressure_diastolic": "measure", "blood_glucose": "measure"}
SHORT = {"sleep_analysis": "Sleep", "distance_walking_running": "Walking"}
OUTCOMES = (("new", "new"), ("updated", "updated"), ("duplicate", "known"), ("deleted", "deleted"), ("rejected", "refused"))


class Reader(NamedTuple):
    """Who reads the words, and when."""

    now: int
    zone: ZoneInfo
    locale: str

    @classmethod
    def of(cls, person: Person, now: int) -> "Reader":
        return cls(now, ZoneInfo(person.zone), person.locale)

    def local(self, ms: int) -> dt.datetime:
        return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).astimezone(self.zone)

    def iso(self, ms: int) -> str:
        return self.local(ms).isoformat(timespec="seconds")

    def ago(self, ms: int | None, missing: str = "never") -> str:
        return render.ago(ms, self.now, self.zone, self.locale, missing=missing)

    def day(self, ms: int) -> str:
        """'today', 'yesterday', 'Tuesday' within a week, else '3 Nov'."""
        day, today = self.local(ms).date(), self.local(self.now).date()
        if abs((today - day).days) <= 1:
            return render.day_words(day, today, self.locale)
        return f"{day:%A}" if 0 < (today - day).days < 7 else render.short_date(day, self.locale)

    def moment(self, ms: int) -> str:
        """'today 08:38', '3 Nov 08:38'"""
        return f"{self.day(ms)} {render.clock_time(self.local(ms), self.locale)}"

    def figure(self, number: int) -> str:
        return render.number(number, 0, self.locale)


class Row(NamedTuple):
    """A line of a freshness list; ``state`` is a sign of marks/words.html."""

    state: str
    name: str
    when: str
    iso: str
    words: str


def rhythm(gap: int) -> str:
    """A usual gap (ms) as people say it: 'every 5 min', 'hourly', 'daily', 'every 3 days'."""
    if gap < 90_000:
        return "every minute"
    if gap < 50 * MINUTE:
        minutes = round(gap / MINUTE)
        return f"every {minutes if minutes < 8 else 5 * round(minutes / 5)} min"
    if gap < 20 * HOUR:
        hours = round(gap / HOUR)
        return "hourly" if hours == 1 else f"every {hours} h"
    days = max(1, round(gap / DAY))
    return {1: "daily", 7: "weekly", 14: "every two weeks"}.get(days, f"every {days} days")


def source_row(arrival: Arrival, catalogue: Catalogue, reader: Reader) -> Row:
    """'Pulse every 5 min, as usual' or 'you usually weigh daily; shows Tuesday’s'."""
    key = arrival.metric or ""
    metric = catalogue.get(key)
    label = SHORT.get(key) or (name_of(metric) if metric else "")
    state = arrival.state(reader.now)
    if arrival.usual is None:
        words = "Learning its habit" if state == "ok" else f"Not heard since {reader.day(arrival.newest)}"
    elif state == "ok":
        words = f"{label} {rhythm(arrival.usual)}, as usual".strip()
        words = words[:1].upper() + words[1:]
    elif state == "late":
        shown = f"shows {_whose(reader, arrival.newest)}"
        act = ACTS.get(key)
        words = (
            f"You usually {act} {rhythm(arrival.usual)}; {shown}" if act else f"{label} usually {rhythm(arrival.usual)}; {shown}".strip()
        )
    else:
        words = f"Silent since {reader.day(arrival.newest)}; nobody waits for it any more"
    kind = SOURCES.get(arrival.kind)
    sub = f"{words} · {kind}" if kind and arrival.form == "source" and kind != arrival.name.lower() else words
    return Row(state, arrival.name or "Unnamed source", reader.ago(arrival.newest), reader.iso(arrival.newest), sub)


def import_words(one: Import, reader: Reader) -> str:
    """'An upload of 12 MB is being read: 45 %, 41,200 records so far, 3 of 12 parts. …'"""
    parts = f", {one.done} of {one.parts} parts" if one.parts > 1 else ""
    share = f"{reader.figure(int(100 * one.share))}{render.SPACE}%, " if one.share else ""
    so_far = f"{share}{_records(one.read, reader)} so far{parts}"
    return f"An upload of {size_words(one.size, reader)} is being read: {so_far}. Numbers may still change."


def contact_words(arrival: Arrival | None, last: int | None, reader: Reader) -> tuple[str, str]:
    """(state, words) of a device: its contacts against its own habit."""
    if last is None:
        return "none", "Nothing has come from it yet"
    state = arrival.state(reader.now) if arrival else "ok"
    if arrival is None or arrival.usual is None:
        return state, "Learning how often it sends"
    if state == "ok":
        return state, f"Sends {rhythm(arrival.usual)}, as usual"
    if state == "late":
        return state, f"Usually sends {rhythm(arrival.usual)}; last heard {reader.moment(last)}"
    return state, f"Silent since {reader.day(last)}; nobody waits for it any more"


def _whose(reader: Reader, ms: int) -> str:
    """'Tuesday’s', 'the one of 3 Nov', '23:10 today'"""
    age = (reader.local(reader.now).date() - reader.local(ms).date()).days
    if age == 0:
        return f"the reading of {render.clock_time(reader.local(ms), reader.locale)}"
    return f"{reader.day(ms)}’s" if age < 7 else f"the one of {reader.day(ms)}"


class Upload(NamedTuple):
    """A batch for a page. ``share`` is what is read of an open one, 0 to 1, ``None`` when nobody can say; ``told`` is the same
    where it is known and not judged by what came before."""

    public: str
    sender: str
    device: str
    state: str  # sign
    badge: str
    tone: str  # ok | attn | crit | ''
    words: str
    open: bool
    read: int
    share: float | None
    told: float | None
    when: str
    iso: str

    @property
    def percent(self) -> str:
        return "" if self.told is None else f"{int(100 * self.told)}{render.SPACE}%"


def uploads(batches: Iterable[Mapping[str, Any]], reader: Reader) -> list[Upload]:
    """Batches as ``receipts.listing`` gives them; how long an open one will be is told from the closed ones beside it."""
    known = list(batches)
    return [upload(batch, reader, density(batch, known)) for batch in known]


def density(batch: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> float | None:
    """Records per byte of what the same device sent in the same format."""
    alike = [o for o in others if o["timings"]["closed"] and o["read"] and (o["format"], o["device"]) == (batch["format"], batch["device"])]
    size = sum(o["bytes"] for o in alike)
    return sum(o["read"] for o in alike) / size if size else None


def upload(batch: Mapping[str, Any], reader: Reader, per_byte: float | None = None) -> Upload:
    at = batch["timings"]["accepted"]
    device = "an imported file" if batch["device"] == IMPORTER else batch["device"]
    common = (batch["batch"], SENDERS.get(batch["format"], batch["format"]), device)
    if batch["timings"]["closed"] is None:
        badge, words, share, told = _progress(batch, reader, per_byte)
        return Upload(*common, "partial", badge, "", words, True, batch["read"], share, told, reader.ago(at), reader.iso(at))
    state, badge, tone = {
        "completed": ("ok", "Done", "ok"),
        "failed": ("clinical", "Could not be read", "crit"),
        "removed": ("none", "Removed", ""),
    }.get(batch["status"], ("late", _trouble(batch), "attn"))
    words = " ".join(part for part in (summary(batch, reader), missing_words(batch), dead_words(batch)) if part)
    return Upload(*common, state, badge, tone, words, False, batch["read"], 1.0, 1.0, reader.ago(at), reader.iso(at))


def _trouble(batch: Mapping[str, Any]) -> str:
    if batch["unfinished"]:
        return "Incomplete"
    return "Read in part" if batch["chunks"]["dead"] else "Some refused"


def _progress(batch: Mapping[str, Any], reader: Reader, per_byte: float | None) -> tuple[str, str, float | None, float | None]:
    """(badge, words, share, the share that is known)"""
    chunks, read, told = batch["chunks"], batch["read"], batch["share"]
    size = size_words(batch["bytes"], reader)
    if not chunks["pending"] and not chunks["running"]:
        return "Waiting for the rest", f"{_records(read, reader)} read; the last part has not come yet.", None, None
    badge = "Being read" if read or chunks["running"] else "Waiting for its turn"
    if chunks["total"] > 1:
        done = chunks["total"] - chunks["pending"] - chunks["running"]
        words = f"{_records(read, reader)} read, {done} of {chunks['total']} parts, {size}."
        return badge, words, told, told
    if told and read:
        return badge, f"{_records(read, reader)} read, {size}.", told, told
    expected = round(batch["bytes"] * per_byte) if per_byte else None
    if expected and expected > read:
        about = round(expected, 2 - len(str(expected)))  # an estimate is worth two digits
        return badge, f"{reader.figure(read)} of about {reader.figure(max(about, read))} records, {size}.", read / expected, None
    return badge, f"{_records(read, reader)} read, {size}." if read else f"{size} received.", None, None


def summary(batch: Mapping[str, Any], reader: Reader) -> str:
    """'412 records: 380 new, 21 updated, 11 known.'; an empty sync says why."""
    counts = [(batch["records"][name], word) for name, word in OUTCOMES]
    total = sum(count for count, _ in counts)
    if not total:
        return "" if batch["chunks"]["dead"] else "Nothing in it: the phone was locked or had nothing new."
    parts = [f"{reader.figure(count)} {word}" for count, word in counts if count]
    if len(parts) == 1:
        return f"{_records(total, reader)}, {'all ' if total > 1 else ''}{parts[0].split(' ', 1)[1]}."
    return f"{_records(total, reader)}: {', '.join(parts)}."


def missing_words(batch: Mapping[str, Any]) -> str:
    """Which parts of a closed batch never came; parts are counted from 1."""
    unfinished = batch["unfinished"]
    if not unfinished:
        return ""
    parts = [index + 1 for index in unfinished["missing"]]
    said = f"{'Part' if len(parts) == 1 else 'Parts'} {_spans(parts)} never came." if parts else ""
    return f"{said} {'' if unfinished['final_seen'] else 'The last part never came.'}".strip()


def dead_words(batch: Mapping[str, Any]) -> str:
    dead, total = batch["chunks"]["dead"], batch["chunks"]["total"]
    if not dead:
        return ""
    if dead == total:
        return "Its bytes are kept until you decide."
    return f"{dead} of {total} parts could not be read."


def _spans(parts: list[int]) -> str:
    """[2, 3, 4, 7] → '2–4 and 7'"""
    runs: list[list[int]] = []
    for part in parts:
        if runs and part == runs[-1][-1] + 1:
            runs[-1].append(part)
        else:
            runs.append([part])
    words = [str(run[0]) if len(run) == 1 else f"{run[0]}{render.DASH}{run[-1]}" for run in runs]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _records(number: int, reader: Reader) -> str:
    return f"{reader.figure(number)} record{'' if number == 1 else 's'}"


def size_words(size: int, reader: Reader) -> str:
    for unit, step in (("MB", 1_000_000), ("kB", 1_000)):
        if size >= step:
            return f"{render.number(size / step, 1 if size < 10 * step else 0, reader.locale)}{render.SPACE}{unit}"
    return f"{size}{render.SPACE}bytes"


def took(since: int | None, until: int | None) -> str | None:
    """How long a stage took: '340 ms', '2.4 s', '3 min'."""
    if since is None or until is None:
        return None
    ms = max(0, until - since)
    if ms < 1000:
        return f"{ms}{render.SPACE}ms"
    return f"{ms / 1000:.1f}{render.SPACE}s" if ms < MINUTE else render.duration(ms / MINUTE)
