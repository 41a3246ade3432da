"""A person's own usual, robust against single bad nights: median ± 2 scales, where the scale is 1.4826 MAD but at least a floor.

It is made of the last 42 valid nights that ended 3 nights ago or earlier (so that an illness stays out of its own baseline), none
older than twice that window, without nights already flagged. Fewer than 14 and the person is still being learned: no range then.
Give values of one source only: two watches are two baselines.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from math import exp
from math import log as ln
from statistics import median

import msgspec

FLOORS: dict[str, float] = {
    "resting_heart_rate": 1.0,  # bpm
    "hrv_sdnn": 0.08,  # of the logarithm, as are all of LOGARITHMIC
    "hrv_rmssd": 0.08,
    "respiratory_rate": 0.3,  # breaths/min
    "wrist_temperature": 0.08,  # °C
    "skin_temperature_delta": 0.08,
    "oxygen_saturation": 0.4,  # percentage points
    "asleep": 15.0,  # min
    "sleep_asleep": 15.0,
}
LOGARITHMIC = frozenset({"hrv_sdnn", "hrv_rmssd"})
RELATIVE_FLOOR = 0.03  # of the median, for every other metric

DIRECTION: dict[str, int] = {
    "resting_heart_rate": 1,
    "hrv_sdnn": -1,
    "hrv_rmssd": -1,
    "respiratory_rate": 1,
    "wrist_temperature": 1,
    "skin_temperature_delta": 1,
    "oxygen_saturation": -1,
    "asleep": -1,
    "sleep_asleep": -1,
}
"""The side that is worse: +1 above, -1 below; a metric that is not here has none (see ``direction``)."""


class Baseline(msgspec.Struct, frozen=True):
    """``centre``, ``low`` and ``high`` in the metric's unit, ``scale`` in that of the logarithm when ``log``; None while learning."""

    n: int
    centre: float | None
    scale: float | None
    low: float | None
    high: float | None
    learning: bool
    needed: int = 14
    log: bool = False


def direction(metric: str) -> int:
    return DIRECTION.get(metric, 0)


def floor(metric: str, values: Sequence[float]) -> float:
    """The smallest scale that makes sense for a metric: the instrument's own noise, or 3 % of the median's size."""
    if metric in FLOORS:
        return FLOORS[metric]
    return RELATIVE_FLOOR * abs(median(values)) if values else 0.0


def signed(metric: str) -> bool:
    """Whether zero is no bottom to it: what counts from some usual, and temperatures."""
    return metric.endswith(("_delta", "_deviation", "temperature"))


def baseline(
    values: Sequence[tuple[dt.date, float]],
    on: dt.date,
    *,
    floor: float,
    log: bool = False,
    signed: bool = True,
    window: int = 42,
    lag: int = 3,
    least: int = 14,
    without: Collection[dt.date] = (),
) -> Baseline:
    """The usual of the date ``on``. Values in any order, one per date; not positive ones are left out when ``log``. The range of
    what is not ``signed`` ends at zero: nobody is awake for less than no time.

    The newest ``lag`` days stay out, so that an illness does not become its own usual, as far as ``least`` values remain without
    them. While learning, ``n`` counts what is known up to ``on`` itself."""
    oldest = on - dt.timedelta(days=2 * window)
    usable = sorted((date, v) for date, v in values if oldest <= date <= on and date not in without and (v > 0 or not log))
    before = [(date, v) for date, v in usable if date < on]
    if len(before) < least:
        return Baseline(min(len(usable), least - 1), None, None, None, None, learning=True, needed=least, log=log)
    old_enough = sum(date <= on - dt.timedelta(days=lag) for date, _ in before)
    history = [ln(v) if log else v for _, v in before[: max(old_enough, least)][-window:]]
    centre = median(history)
    scale = max(1.4826 * median(abs(v - centre) for v in history), floor)
    low, high = centre - 2 * scale, centre + 2 * scale
    if log:
        centre, low, high = exp(centre), exp(low), exp(high)
    elif not signed:
        low = max(low, 0.0)
    return Baseline(len(history), centre, scale, low, high, learning=False, needed=least, log=log)


def usual(metric: str, values: Sequence[tuple[dt.date, float]], on: dt.date, *, without: Collection[dt.date] = ()) -> Baseline:
    """``baseline`` with what is known about the metric."""
    least = floor(metric, [v for _, v in values])
    return baseline(values, on, floor=least, log=metric in LOGARITHMIC, signed=signed(metric), without=without)


def deviation(value: float, usual: Baseline) -> float | None:
    """How many scales a value lies from the centre, positive above; None while learning or when nothing ever varied."""
    if usual.centre is None or not usual.scale or (usual.log and value <= 0):
        return None
    return (ln(value) - ln(usual.centre) if usual.log else value - usual.centre) / usual.scale
