"""A night reading far from the person's own usual, on the side that is worse.

|z| >= 3 against median and MAD of the last 42 nights (see ``baseline``), at least 14 of them, from the same source as today's
reading. A first such night is worth knowing; the second in a row is worth a word. Heart rate variability is judged as a
logarithm, and never by a fixed number: SDNN and RMSSD are two metrics with two baselines.
"""

import datetime as dt

from healthbox.analytics.baseline import LOGARITHMIC, Baseline, baseline, deviation, direction, floor
from healthbox.analytics.rules.contract import ASLEEP, DayRow, Finding, Rule, RuleInput

METRICS = (
    "resting_heart_rate",
    "hrv_sdnn",
    "hrv_rmssd",
    "respiratory_rate",
    "wrist_temperature",
    "oxygen_saturation",
    ASLEEP,
)
PARAMS: dict[str, float] = {"scales": 3.0, "nights_needed": 14.0, "nights_to_warn": 2.0}
DAY = dt.timedelta(days=1)


def evaluate(given: RuleInput) -> list[Finding]:
    return [finding for metric in METRICS if (finding := _finding(given, metric, {**PARAMS, **given.params})) is not None]


def _finding(given: RuleInput, metric: str, params: dict[str, float]) -> Finding | None:
    judged = _judge(given, metric, given.date, params)
    if judged is None:
        return None
    row, usual, z = judged
    running = 1
    while running < params["nights_to_warn"] and _judge(given, metric, given.date - running * DAY, params) is not None:
        running += 1
    return Finding(
        rule=RULE.name,
        metric=metric,
        date=given.date,
        severity="warn" if running >= params["nights_to_warn"] else "info",
        value=row.value,
        low=usual.low,
        high=usual.high,
        direction="above" if z > 0 else "below",
        words={"scales": round(z, 1), "nights": float(usual.n)},
    )


def _judge(given: RuleInput, metric: str, date: dt.date, params: dict[str, float]) -> tuple[DayRow, Baseline, float] | None:
    """The day's row, its usual and its z, when it lies too far out."""
    row = given.on(metric, date)
    if row is None:
        return None
    values = [(r.date, r.value) for r in given.days[metric] if r.source == row.source]
    usual = baseline(
        values,
        date,
        floor=floor(metric, [value for _, value in values]),
        log=metric in LOGARITHMIC,
        least=int(params["nights_needed"]),
        without=given.flagged.get(metric, ()),
    )
    z = deviation(row.value, usual)
    return (row, usual, z) if z is not None and z * direction(metric) >= params["scales"] else None


RULE = Rule(
    name="deviation",
    label="Far from your usual",
    about="A night reading that lies far outside your own last 42 nights, on the side that is worse.",
    params=PARAMS,
    evaluate=evaluate,
    flags=True,
)
