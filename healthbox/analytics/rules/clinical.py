"""A day's value beyond a published threshold. Not a diagnosis: wrist readings are not medical grade.

Sources: NEWS2 (Royal College of Physicians 2017) for pulse, breathing, oxygen (scale 1), temperature and low pressure; ACC/AHA
2017 for high pressure; ADA Standards of Care, section 6, for glucose; AASM/SRS 2015 (Watson) for sleep; the device's own
notifications are passed on as they are.

Nothing rests on one reading, but a device's notification and the resting pulse (itself made of a day of readings): a limit
holds with enough readings in the day, or when an earlier day within reach was beyond the same limit. Pressure categories
always need a second occasion. A limit of 0 is switched off.
"""

import datetime as dt
from math import fsum
from typing import Literal

import msgspec

from healthbox.analytics.rules.contract import ASLEEP, SEVERITIES, DayRow, Finding, Rule, RuleInput, Severity


class Limit(msgspec.Struct, frozen=True):
    """``readings`` in the day suffice (0: never), else an earlier day up to ``within`` days ago must be beyond it as well."""

    metric: str
    side: Literal["above", "below"]
    severity: Severity
    number: float
    source: str
    readings: int = 2
    within: int = 1
    strict: bool = False  # beyond means more (or less) than the number, not equal to it
    lowest: bool = False  # judges the day's lowest reading rather than its value

    @property
    def param(self) -> str:
        return f"{self.metric}_{self.side}_{self.severity}"

    def passed(self, row: DayRow, number: float) -> bool:
        value = self.judged(row)
        if not number:
            return False
        if value == number:
            return not self.strict
        return (value > number) == (self.side == "above")

    def judged(self, row: DayRow) -> float:
        return row.low if self.lowest and row.low is not None else row.value


_SYSTOLIC, _DIASTOLIC = "blood_pressure_systolic", "blood_pressure_diastolic"
LIMITS = (
    Limit("resting_heart_rate", "above", "info", 91, "NEWS2", readings=1),
    Limit("resting_heart_rate", "above", "warn", 111, "NEWS2", readings=1),
    Limit("resting_heart_rate", "above", "urgent", 131, "NEWS2", readings=1),
    Limit("resting_heart_rate", "below", "info", 0, "NEWS2", readings=1),  # 50, for those who are not trained
    Limit("resting_heart_rate", "below", "urgent", 40, "NEWS2", readings=1),
    Limit("respiratory_rate", "above", "info", 21, "NEWS2"),
    Limit("respiratory_rate", "above", "urgent", 25, "NEWS2"),
    Limit("respiratory_rate", "below", "info", 11, "NEWS2"),
    Limit("respiratory_rate", "below", "urgent", 8, "NEWS2"),
    Limit("oxygen_saturation", "below", "info", 95, "NEWS2", readings=3),
    Limit("oxygen_saturation", "below", "warn", 93, "NEWS2", readings=3),
    Limit("oxygen_saturation", "below", "urgent", 91, "NEWS2", readings=3),
    Limit("body_temperature", "above", "info", 38.1, "NEWS2"),
    Limit("body_temperature", "above", "warn", 39.1, "NEWS2"),
    Limit("body_temperature", "above", "urgent", 40, "NEWS2"),
    Limit("body_temperature", "below", "info", 36, "NEWS2"),
    Limit("body_temperature", "below", "urgent", 35, "NEWS2"),
    Limit(_SYSTOLIC, "above", "info", 120, "ACC/AHA", readings=0, within=30),
    Limit(_SYSTOLIC, "above", "warn", 140, "ACC/AHA", readings=0, within=30),
    Limit(_SYSTOLIC, "above", "urgent", 180, "ACC/AHA", strict=True),
    Limit(_SYSTOLIC, "below", "info", 100, "NEWS2"),
    Limit(_SYSTOLIC, "below", "warn", 90, "NEWS2"),
    Limit(_DIASTOLIC, "above", "info", 80, "ACC/AHA", readings=0, within=30),
    Limit(_DIASTOLIC, "above", "warn", 90, "ACC/AHA", readings=0, within=30),
    Limit(_DIASTOLIC, "above", "urgent", 120, "ACC/AHA", strict=True),
    Limit("blood_glucose", "below", "warn", 70, "ADA", strict=True, lowest=True),
    Limit("blood_glucose", "below", "urgent", 54, "ADA", strict=True, lowest=True),
    Limit("blood_glucose", "above", "warn", 180, "ADA", strict=True),
    Limit("high_heart_rate_event", "above", "warn", 1, "device", readings=1),
    Limit("low_heart_rate_event", "above", "warn", 1, "device", readings=1),
    Limit("irregular_heart_rhythm_event", "above", "warn", 1, "device", readings=1),
    Limit("low_cardio_fitness_event", "above", "info", 1, "device", readings=1),
    Limit("hypertension_event", "above", "warn", 1, "device", readings=1),
    Limit("sleep_apnea_event", "above", "warn", 1, "device", readings=1),
    Limit("falls", "above", "urgent", 1, "device", readings=1),
)
_WEEK_INFO, _WEEK_WARN, _WEEK_NIGHTS = "asleep_week_below_info", "asleep_week_below_warn", "asleep_week_nights"
PARAMS: dict[str, float] = {limit.param: float(limit.number) for limit in LIMITS} | {
    _WEEK_INFO: 420.0,  # min, mean of seven nights
    _WEEK_WARN: 360.0,
    _WEEK_NIGHTS: 5.0,
}


def evaluate(given: RuleInput) -> list[Finding]:
    params = {**PARAMS, **given.params}
    found: dict[str, Finding] = {}
    for limit in LIMITS:
        row = given.today(limit.metric)
        if row is None or not _holds(limit, row, given, params[limit.param]):
            continue
        known = found.get(limit.metric)
        if known is None or SEVERITIES.index(limit.severity) > SEVERITIES.index(known.severity):
            found[limit.metric] = _finding(limit, row, params[limit.param])
    short = _short_sleep(given, params)
    return [*found.values(), *([short] if short else [])]


def _holds(limit: Limit, row: DayRow, given: RuleInput, number: float) -> bool:
    if not limit.passed(row, number):
        return False
    if limit.readings and row.n >= limit.readings:
        return True
    since = given.date - dt.timedelta(days=limit.within)
    return any(since <= r.date < given.date and limit.passed(r, number) for r in given.days[limit.metric])


def _finding(limit: Limit, row: DayRow, number: float) -> Finding:
    above = limit.side == "above"
    return Finding(
        rule=RULE.name,
        metric=limit.metric,
        date=row.date,
        severity=limit.severity,
        value=limit.judged(row),
        low=None if above else number,
        high=number if above else None,
        direction=limit.side,
        words={"source": limit.source, "readings": float(row.n)},
    )


def _short_sleep(given: RuleInput, params: dict[str, float]) -> Finding | None:
    since = given.date - dt.timedelta(days=6)
    week = [row.value for row in given.days.get(ASLEEP, ()) if since <= row.date <= given.date]
    if given.today(ASLEEP) is None or len(week) < params[_WEEK_NIGHTS]:
        return None
    mean = fsum(week) / len(week)
    if mean >= params[_WEEK_INFO]:
        return None
    warn = mean < params[_WEEK_WARN]
    return Finding(
        rule=RULE.name,
        metric=ASLEEP,
        date=given.date,
        severity="warn" if warn else "info",
        value=mean,
        low=params[_WEEK_WARN if warn else _WEEK_INFO],
        high=None,
        direction="below",
        words={"source": "AASM/SRS", "nights": float(len(week))},
    )


RULE = Rule(
    name="clinical",
    label="Beyond a published threshold",
    about="Daily values against published limits (NEWS2, ACC/AHA, ADA, AASM), and your device's own notifications. Not a diagnosis.",
    params=PARAMS,
    evaluate=evaluate,
)
