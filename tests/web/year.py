"""A year of somebody's life, the same every time: day and night rows up to yesterday, real samples for the last two days.

The rows go in through the store and the samples through the door, the pump folds and analyses both. The watch was not worn on
``NOT_WORN`` days before the end; the resting pulse is up on the last three mornings; bedtime moves 35 minutes later in the last
four weeks; the scale, used daily until then, is silent for the last three days.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from random import Random
from zoneinfo import ZoneInfo

from place import Place

from healthbox.pipeline.pump import Pump
from healthbox.store import days, devices, metrics
from healthbox.store.days import DayRow

DAY = dt.timedelta(days=1)
NOT_WORN = (4, 23, 24, 60, 61, 62, 120)
MINUTE = 60_000
NIGHTLY = {  # metric: centre, spread, decimals
    "resting_heart_rate": (54.5, 1.1, 0), "hrv_sdnn": (46, 4.5, 1), "respiratory_rate": (14.2, 0.35, 2),
    "wrist_temperature": (34.9, 0.16, 2), "oxygen_saturation": (96.4, 0.6, 1),
}  # fmt: skip
CYCLE = (("core", 38), ("deep", 30), ("core", 14), ("rem", 14), ("awake", 3), ("core", 34), ("deep", 18), ("core", 20), ("rem", 22),
         ("core", 44), ("awake", 6), ("core", 26), ("rem", 30), ("core", 40), ("rem", 24), ("awake", 9), ("core", 30))  # fmt: skip


def live_a_year(place: Place, name: str = "Alice", *, last_days: int = 365, unusual: bool = True) -> dt.date:
    """Give ``name`` a year that ends today (by the place's clock); returns today. ``last_days`` shortens it."""
    zone = ZoneInfo("Europe/Berlin")
    person = place.persons[name]
    today = dt.datetime.fromtimestamp(place.clock() / 1000, zone).date()
    random = Random(name)
    rows: list[DayRow] = []
    nights: dict[str, dict[str, object] | None] = {}
    for back in range(last_days - 1, -1, -1):
        date = today - DAY * back
        if back not in NOT_WORN:
            rows += _nightly(random, date, back, unusual)
            nights[date.isoformat()] = _night(random, date, back, zone, unusual)
        rows += _moved(random, date, back, worn=back not in NOT_WORN)
    with place.database.writing() as c:
        days.put_days(c, person, rows, [], [])
        days.put_nights(c, person, nights, [])
        metrics.note_unknown(c, person, "unknown.mood.points", "health_auto_export", "Mood", "points", 121, place.clock())
    _send(place, name, today, zone, random)
    _arrive(place, person, today, zone)
    return today


def _row(metric: str, date: dt.date, value: float, sources: list[tuple[str, str, float, float]], *, low: float | None = None,
         high: float | None = None, n: int = 1, rule: str = "interval merge") -> DayRow:  # fmt: skip
    shares = [{"name": s, "kind": kind, "value": v, "raw": v + lost, "discarded": lost} for s, kind, v, lost in sources]
    mean = value if low is not None else None
    layer = {"kind": "raw", "value": value, "low": low, "high": high, "mean": mean, "n": n, "coverage": 0.7, "app": "", "as_of": None,
             "final": False}  # fmt: skip
    detail = json.dumps({"sources": shares, "overlap": math.fsum(s[3] for s in sources), "layers": [layer]}, sort_keys=True)
    return DayRow(metric, date.isoformat(), value, low, high, mean, n, 0.7, "raw", rule, detail)


def _nightly(random: Random, date: dt.date, back: int, unusual: bool) -> list[DayRow]:
    rows = []
    for metric, (centre, spread, digits) in NIGHTLY.items():
        value = centre + max(-1.4, min(1.4, random.gauss(0, 0.8))) * spread
        if unusual and metric == "resting_heart_rate" and back < 3:
            value = (61, 60, 59)[back]
        if unusual and metric == "hrv_sdnn" and back < 28:
            value -= 5
        rows.append(_row(metric, date, round(value, digits), [("Apple Watch", "watch", 4, 0)], low=round(value - 2, 1),
                         high=round(value + 2, 1), n=4, rule="mean of the best source per hour"))  # fmt: skip
    return rows


def _moved(random: Random, date: dt.date, back: int, *, worn: bool) -> list[DayRow]:
    if back < 2:  # these come as samples
        return []
    total = max(900.0, random.gauss(8200 if date.weekday() < 5 else 6100, 1500))
    steps, lost = round(total), round(total * 0.36)
    sources = [("Apple Watch", "watch", round(steps * 0.9), 0.0), ("iPhone", "phone", steps - round(steps * 0.9), float(lost))]
    rows = [_row("steps", date, steps, sources if worn else [("iPhone", "phone", steps, 0.0)], n=220),
            _row("distance_walking_running", date, round(steps * 0.74), sources and [("iPhone", "phone", 1, 0)], n=60)]  # fmt: skip
    if worn:
        rows += [_row("active_energy", date, round(steps * 0.058), [("Apple Watch", "watch", 1, 0)], n=300),
                 _row("exercise_time", date, max(0, round(random.gauss(34, 14))), [("Apple Watch", "watch", 1, 0)], n=30),
                 _row("flights_climbed", date, max(0, round(random.gauss(9, 4))), [("iPhone", "phone", 1, 0)], n=9)]  # fmt: skip
        mean = random.gauss(68, 3)
        rows.append(_row("heart_rate", date, round(mean, 1), [("Apple Watch", "watch", 280, 0)], low=round(random.gauss(48, 2)),
                         high=round(random.gauss(142, 16)), n=280, rule="mean of the best source per hour"))  # fmt: skip
    if back >= 3 and random.random() < 0.7:
        weight = 78.6 - 1.0 * max(0, 1 - back / 60) + random.gauss(0, 0.25)
        rows.append(_row("weight", date, round(weight, 1), [("Scale", "scale", 1, 0)], rule="last reading"))
    if back % 9 == 0:
        rows.append(_row("vo2_max", date, round(44 + random.gauss(0, 0.5), 1), [("Apple Watch", "watch", 1, 0)], rule="last reading"))
    if back % 3 == 0:
        rows.append(_row("unknown.mood.points", date, round(random.gauss(6, 1)), [("Diary", "other", 1, 0)], rule="mean"))
    return rows


def _night(random: Random, date: dt.date, back: int, zone: ZoneInfo, unusual: bool) -> dict[str, object]:
    later = 35 if unusual and back < 28 else 0
    evening = dt.datetime.combine(date - DAY, dt.time(23, 0), zone) + dt.timedelta(minutes=round(random.gauss(8, 12)) + later)
    start = at = int(evening.timestamp()) * 1000
    stretch = max(1.07, min(1.27, random.gauss(1.17, 0.04))) if back else 1.17
    spans: list[list[object]] = []
    total: dict[str, float] = {}
    for stage, minutes in CYCLE:
        length = round(minutes * stretch * random.uniform(0.9, 1.1)) * MINUTE
        spans.append([at, at + length, stage])
        total[stage] = total.get(stage, 0) + length / MINUTE
        at += length
    asleep = total["core"] + total["deep"] + total["rem"]
    return {
        "date": date.isoformat(), "name": "Apple Watch", "kind": "watch", "start": start, "end": at, "midpoint_ms": (start + at) // 2,
        "bed_start": start - 9 * MINUTE, "bed_end": at + 4 * MINUTE, "asleep": asleep, "core": total["core"], "deep": total["deep"],
        "rem": total["rem"], "unspecified": 0.0, "awake": total["awake"], "in_bed": (at - start) / MINUTE + 13, "latency": 9.0,
        "efficiency": asleep / ((at - start) / MINUTE + 13), "spans": spans, "naps": [], "alternates": [], "estimated": False,
        "stated": False, "zone": "Europe/Berlin",
    }  # fmt: skip


def _send(place: Place, name: str, today: dt.date, zone: ZoneInfo, random: Random) -> None:
    """Steps of yesterday and today by watch and phone, which overlap in the morning and the evening; a pulse every ten minutes."""
    samples = []
    now = place.clock()
    for date in (today - DAY, today):
        midnight = int(dt.datetime.combine(date, dt.time(), zone).timestamp()) * 1000
        for quarter in range(28, 88):
            start = midnight + quarter * 15 * MINUTE
            if start + 15 * MINUTE > now:
                break
            walked = round(random.choice((20, 60, 90, 160, 420)) * (2 if quarter in (32, 33, 70, 71) else 0.7))
            if not 44 <= quarter < 52:
                samples.append(_sample("steps", start, start + 15 * MINUTE, walked, "Apple Watch", "Watch7,5"))
            if quarter % 3:
                samples.append(_sample("steps", start + 5 * MINUTE, start + 14 * MINUTE, round(walked * 0.8) + 1, "iPhone", "iPhone15,4"))
            pulse = round(random.gauss(72, 9))
            samples.append(_sample("heart_rate", start, start, pulse, "Apple Watch", "Watch7,5"))
            end = start + 15 * MINUTE
            samples.append(_sample("active_energy", start, end, round(walked * 0.06, 1), "Apple Watch", "Watch7,5"))
            samples.append(_sample("distance_walking_running", start, end, round(walked * 0.74), "Apple Watch", "Watch7,5"))
            if walked > 200:
                samples.append(_sample("exercise_time", start, start + 4 * MINUTE, 4, "Apple Watch", "Watch7,5"))
            if quarter % 9 == 0:
                samples.append(_sample("flights_climbed", start, end, 1, "iPhone", "iPhone15,4"))
    scale = int(dt.datetime.combine(today - DAY * 3, dt.time(7, 10), zone).timestamp()) * 1000
    samples.append(_sample("weight", scale, scale, 77.5, "Scale", "Body+"))
    run = int(dt.datetime.combine(today - DAY, dt.time(18, 10), zone).timestamp()) * 1000
    workout = {
        "activity": "running", "start": _iso(run), "end": _iso(run + 34 * MINUTE), "totals": {"distance": {"value": 6.2, "unit": "km"}},
        "source": {"name": "Apple Watch", "product": "Watch7,5"},
    }  # fmt: skip
    body = {"batch": f"year-{name}", "index": 0, "final": True, "anchor": None, "metric": None, "zone": "Europe/Berlin", "samples": samples,
            "workouts": [workout]}  # fmt: skip
    with place.database.writing() as c:
        device, _ = devices.add_device(c, place.persons[name], "iPhone", ["ingest"], now - 86_400_000)
    place.app.extensions["healthbox"].door.sync(device, json.dumps(body).encode(), now - 3 * MINUTE)
    Pump(place.database, place.settings.data, place.clock, lambda: None).run()


def _sample(metric: str, start: int, end: int, value: float, source: str, product: str) -> dict[str, object]:
    return {"type": metric, "start": _iso(start), "end": _iso(end), "value": value, "source": {"name": source, "product": product}}


def _iso(ms: int) -> str:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).isoformat()


def _arrive(place: Place, person: int, today: dt.date, zone: ZoneInfo) -> None:
    """The habits that the pump would have learnt from a year of uploads."""
    with place.database.writing() as c:
        for source, minutes, usual in (("Apple Watch", 4, 5), ("iPhone", 12, 15), ("Scale", 3 * 1440 + 290, 1440)):
            c.exec_driver_sql(
                "INSERT OR REPLACE INTO arrival (person_id, form, ref, newest, usual, longest) "
                "SELECT person_id, 'source', id, ?, ?, ? FROM source WHERE person_id=? AND name=?",
                (place.clock() - minutes * MINUTE, usual * MINUTE, usual * 2 * MINUTE, person, source),
            )
