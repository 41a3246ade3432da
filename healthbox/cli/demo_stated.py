"""What the phone of the synthetic person states of whole days and nights, as a second app would send it: mostly what the samples
say, to its own decimals; now and then a little more, and a day stated in the afternoon, before it was over."""

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

import msgspec

from healthbox.cli.demo_days import WATCH, Day, Wire
from healthbox.cli.demo_nights import MINUTE
from healthbox.domain.clock import zone_of

LAST_DAYS = 45
EARLY = (2,)  # days before today that are stated while they last
AFTERNOON = dt.timedelta(hours=14, minutes=5)
HEADERS = {"automation-aggregation": "days"}
ENERGY, STEPS = "HKQuantityTypeIdentifierActiveEnergyBurned", "HKQuantityTypeIdentifierStepCount"
ASLEEP = ("core", "deep", "rem")


class Statements:
    """Listens to the days as they are told; ``bodies`` are then those of Health Auto Export, each with the time it was sent."""

    def __init__(self, today: dt.date) -> None:
        self._today = today
        self._energy: list[dict[str, Any]] = []
        self._nights: list[dict[str, Any]] = []
        self._early: list[tuple[int, bytes]] = []

    def heard(self, day: Day, wires: list[Wire]) -> list[Wire]:
        back = (self._today - day.date).days
        if day.worn and 0 < back <= LAST_DAYS:
            self._energy.append(_point(day, round(_sum(wires, ENERGY, day.end) * (1.06 if back % 11 == 4 else 1.0), 1)))
            if day.night:
                self._nights.append(_night(day, generous=back % 9 == 5))
        if day.worn and back in EARLY:
            midnight = dt.datetime.combine(day.date, dt.time(), zone_of(day.zone))
            at = int((midnight + AFTERNOON).timestamp()) * 1000
            self._early.append((at, _body([("step_count", "count", [_point(day, _sum(wires, STEPS, at))])])))
        return wires

    def bodies(self, now: int) -> list[tuple[int, bytes]]:
        """(sent at, body), oldest first."""
        if not self._energy:
            return []
        whole = _body([("active_energy", "kcal", self._energy), ("sleep_analysis", "hr", self._nights)])
        return [*sorted(self._early), (now, whole)]


def _sum(wires: Sequence[Wire], kind: str, until: int) -> float:
    return math.fsum(
        record["value"] for end, _, record in wires if record.get("type") == kind and record["source"] is WATCH and end <= until
    )


def _point(day: Day, value: float) -> dict[str, Any]:
    return {"date": _text(day.start, day.zone), "qty": value, "source": WATCH["name"]}


def _night(day: Day, *, generous: bool) -> dict[str, Any]:
    """The stages in hours; the generous one takes lying awake for sleep."""
    minutes = {stage: sum(span.end - span.start for span in day.night if span.stage == stage) / MINUTE for stage in (*ASLEEP, "awake")}
    start, end = (_text(at, day.zone) for at in (day.night[1].start, day.night[-1].end))
    hours = {stage: round(length / 60, 3) for stage, length in minutes.items()}
    total = sum(hours[stage] for stage in ASLEEP) + (hours["awake"] if generous else 0.0)
    return {"date": end, "sleepStart": start, "sleepEnd": end, "totalSleep": round(total, 3), **hours, "source": WATCH["name"]}


def _text(ms: int, zone: str) -> str:
    return dt.datetime.fromtimestamp(ms / 1000, zone_of(zone)).strftime("%Y-%m-%d %H:%M:%S %z")


def _body(metrics: list[tuple[str, str, list[dict[str, Any]]]]) -> bytes:
    return msgspec.json.encode({"data": {"metrics": [{"name": name, "units": unit, "data": data} for name, unit, data in metrics]}})
