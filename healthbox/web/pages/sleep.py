"""Sleep: one night, the nights around it, and the rhythm they make."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from flask import Blueprint, request, url_for

from healthbox.analytics import baseline
from healthbox.analytics.baseline import Baseline
from healthbox.domain.errors import NotFound
from healthbox.render import ago
from healthbox.store import night_reading
from healthbox.store import reading as records
from healthbox.store.night_reading import Slept
from healthbox.web import frame, night_cards, nights_cards, rhythm
from healthbox.web.auth import opens
from healthbox.web.database import reading
from healthbox.web.house import now
from healthbox.web.rhythm import DAY
from healthbox.web.wallclock import Reader, reader

routes = Blueprint("sleep", __name__)

RESTING = "resting_heart_rate"
LOOK_BACK = 200  # days: the half year, and the 84 that a usual is made of


@routes.get("/sleep")
@routes.get("/sleep/<date>")
@opens("account")
def show(date: str | None = None) -> str:
    person = frame.person()
    who = reader(person)
    on = who.today if date is None else _date(date)
    kind = request.args.get("range", "14d")
    if kind not in nights_cards.RANGES:
        kind = "14d"
    extent = night_reading.extent(reading(), person.id)
    if on > max(who.today, extent[1] if extent else who.today):
        raise NotFound("That night has not been yet.", hint="Choose an earlier date.")
    if extent is None and not night_reading.whole(reading(), person.id, on, on):
        return frame.page("sleep.html", "sleep", first_run=True)
    return frame.page("sleep.html", "sleep", first_run=False, **_values(person.id, on, kind, extent or (on, on), who))


def _date(text: str) -> dt.date:
    try:
        found = dt.date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or not 1900 <= found.year <= 2199:
        raise NotFound("There is no such night.", hint="An address ends like this: /sleep/2026-11-20")
    return found


def _link(day: dt.date) -> str:
    return url_for("sleep.show", date=day.isoformat())


def _values(person_id: int, on: dt.date, kind: str, extent: tuple[dt.date, dt.date], who: Reader) -> dict[str, Any]:
    c = reading()
    nights = night_reading.slept(c, person_id, on - DAY * LOOK_BACK, max(on, min(who.today, on + 3 * DAY)))
    ahead, nights = nights, [n for n in nights if n.date <= on]
    whole = night_reading.whole(c, person_id, on - DAY * (rhythm.SRI_DAYS - 1), on)
    night = whole.get(on)
    source = night["name"] if night and night["name"] else next((n.name for n in reversed(nights) if rhythm.is_night(n)), "")
    beds, wakes = rhythm.clock_values(nights, who.local)
    flagged = frame.flagged_days(on - DAY * LOOK_BACK)
    out = flagged.get("asleep", ())
    bed, wake, asleep = rhythm.usual_clock(beds, on), rhythm.usual_clock(wakes, on), rhythm.usual_asleep(nights, on, source, out)
    middles = [(date, (b + w) / 2) for (date, b), (_, w) in zip(beds, wakes, strict=True)]
    regular = rhythm.sleep_regularity(whole, on, who.noon(on - DAY * rhythm.SRI_DAYS))
    usuals: dict[tuple[str, dt.date], Baseline] = {}

    def usual_of(one: Slept) -> Baseline:
        return usuals.setdefault((one.name, one.date), rhythm.usual_asleep(ahead, one.date, one.name, out))

    return {
        "eyebrow": f"Night to {who.date(on)}", "on": on,
        "sentence": night_cards.sentence(night, asleep, last_night=on == who.today),
        "below": _below(person_id, night, on, extent, source, beds, wakes, who),
        "latest": (_link(extent[1]), who.date(extent[1])) if night is None and on == who.today else None,
        "week": nights_cards.week(ahead, on, usual_of, _link, who),
        "night": _night(person_id, night, on, bed, wake, flagged.get(RESTING, ()), who),
        "stages": night_cards.stages(night, nights, on) if night else [],
        "shares": night_cards.shares(night) if night else (),
        "spread": _spread(person_id, on, kind, extent, nights, bed, wake, who),
        "tabs": [(url_for("sleep.show", date=on.isoformat(), range=key), word, key == kind) for key, word in nights_cards.RANGES.items()],
        "heading": {"14d": "Fourteen nights", "90d": "Ninety nights", "year": "A year of weeks", "all": "All months"}[kind],
        "earlier": _pager(on, kind, extent, who),
        "rhythm": nights_cards.rhythm_facts(nights, on, regular, asleep, (dict(middles).get(on), rhythm.usual_clock(middles, on)), who),
        "half": nights_cards.half_year(nights, on, who),
        "calendar_href": url_for("sleep.show", date="DATE"),
    }  # fmt: skip


def _below(
    person_id: int, night: dict[str, Any] | None, on: dt.date, extent: tuple[dt.date, dt.date], source: str,
    beds: list[tuple[dt.date, float]], wakes: list[tuple[dt.date, float]], who: Reader,
) -> str:  # fmt: skip
    if night is None:
        return _reason(person_id, on, extent, source, who)
    notes = [night_cards.below_sentence(rhythm.drift(beds, on), rhythm.drift(wakes, on)), night_cards.clock_note(night, who)]
    if night["stated"]:
        notes.append(f"{night['name'] or 'The source'} states this night as a whole; it tells no course of the night.")
    return " ".join(note for note in notes if note)


def _reason(person_id: int, on: dt.date, extent: tuple[dt.date, dt.date], source: str, who: Reader) -> str:
    """Why there is no night, as far as we know."""
    if on < extent[0]:
        return f"Your first recorded night is the one to {who.date(extent[0])}."
    noon = who.noon(on)
    measured = night_reading.pulse(reading(), person_id, noon - 14 * 3_600_000, min(noon, now()), source)
    if measured and len(measured.readings) > 12:
        return f"{measured.source or 'A source'} measured a pulse that night, but nothing told sleep."
    last = next((a for a in frame.arrivals() if a.form == "source" and a.name == source), None)
    if last is not None and last.newest < noon:
        zone = who.local(last.newest).tzinfo
        return f"{source}'s last reading is from {who.clock(last.newest)}, {ago(last.newest, now(), zone, who.locale)}."
    return f"{source or 'Your device'} sent nothing from that night. Perhaps it was not worn, or not charged."


def _night(
    person_id: int, night: dict[str, Any] | None, on: dt.date, bed: Baseline, wake: Baseline, out: Collection[dt.date], who: Reader
) -> dict[str, Any]:  # fmt: skip
    if night is None or (night["asleep"] is None and not night["estimated"]):
        drawn, summary = night_cards.unmeasured(on, bed, wake, who)
        return {
            "hypnogram": drawn, "summary": summary, "data": None, "pulse": None, "facts": [], "source": "", "others": "",
            "naps": _naps(night, who),
        }  # fmt: skip
    timed = night["start"] is not None and night["end"] > night["start"]
    measured = night_reading.pulse(reading(), person_id, night["start"], night["end"], night["name"]) if timed else None
    course = timed and any(stage != "in_bed" for _, _, stage in night["spans"])
    drawn_, data, summary = night_cards.hypnogram(night, who) if course else (None, None, "")
    return {
        "hypnogram": drawn_, "summary": summary, "data": data, "others": night_cards.sources(night), "naps": _naps(night, who),
        "pulse": night_cards.pulse(night, measured, _resting(person_id, on, out), who) if measured else None,
        "facts": night_cards.facts(night, measured, who), "source": night["name"], "stated": night["stated"],
        "estimated": night["estimated"],
        "when": f"{who.clock(night['start'], night['zone'])} to {who.clock(night['end'], night['zone'])}" if timed else "",
    }  # fmt: skip


def _naps(night: dict[str, Any] | None, who: Reader) -> str:
    naps = night["naps"] if night else []
    said = [f"{who.clock(a, night['zone'])} to {who.clock(b, night['zone'])}" for a, b, _ in naps] if night else []
    return f"{'Nap' if len(said) == 1 else 'Naps'}: {', '.join(said)}." if said else ""


def _resting(person_id: int, on: dt.date, out: Collection[dt.date]) -> Baseline:
    rows = records.days(reading(), person_id, RESTING, on - 84 * DAY, on)["days"]
    values = [(dt.date.fromisoformat(row["date"]), row["value"]) for row in rows if row["value"] is not None]
    return baseline.usual(RESTING, values, on, without=out)


def _spread(
    person_id: int, on: dt.date, kind: str, extent: tuple[dt.date, dt.date], nights: list[Slept], bed: Baseline, wake: Baseline, who: Reader
) -> dict[str, Any]:
    first = {"14d": on - 13 * DAY, "90d": on - 89 * DAY, "year": on - 363 * DAY, "all": min(extent[0], on)}[kind]
    held = nights if kind in ("14d", "90d") else night_reading.edges(reading(), person_id, first, on)
    if kind in ("year", "all"):
        rows = rhythm.grouped(held, first, on, who.local, by="week" if kind == "year" else "month")
    else:
        rows = rhythm.each(held, first, on, who.local)
    return nights_cards.spread(rows, kind, bed, wake, _link, who)


def _pager(on: dt.date, kind: str, extent: tuple[dt.date, dt.date], who: Reader) -> list[tuple[str, str, str]]:
    """(address, words, icon) of the stretch before and after."""
    step = {"14d": 14, "90d": 90, "year": 364, "all": 0}[kind] * DAY
    if not step:
        return []
    links = []
    if on - step >= extent[0]:
        links.append((url_for("sleep.show", date=(on - step).isoformat(), range=kind), "Earlier", "left"))
    if on < who.today:
        links.append((url_for("sleep.show", date=min(on + step, who.today).isoformat(), range=kind), "Later", "right"))
    return links
