"""The one template environment, and the words people read: numbers, units, durations, times.

Sentences are English; separators, the order of a date and the clock follow the person's locale. Nothing here invents a value: what is
missing stays missing, and the caller says why in ``missing``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Literal

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time, get_time_format
from babel.numbers import NumberPattern, parse_pattern
from jinja2 import Environment, StrictUndefined, pass_context
from jinja2.runtime import Context

from healthbox.domain.catalogue import Metric
from healthbox.domain.units import for_display

Units = Literal["metric", "imperial"]
MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
SPACE = "\N{NO-BREAK SPACE}"

# Decimals by display unit: as many as the instrument can tell apart on a good day.
DIGITS = {
    "bpm": 0, "ms": 0, "br/min": 1, "rpm": 0, "spm": 0, "%": 0, "°C": 1, "°F": 1, "kg": 1, "lb": 1, "g": 0, "mg": 0, "µg": 0, "oz": 1,
    "km": 1, "mi": 1, "m": 0, "ft": 0, "yd": 0, "cm": 1, "in": 1, "km/h": 1, "mph": 1, "m/s": 2, "ft/s": 2, "kcal": 0, "kJ": 0, "W": 0,
    "L": 2, "mL": 0, "fl oz": 0, "L/min": 0, "mmHg": 0, "mg/dL": 0, "mmol/L": 1, "dB(A)": 0, "MET": 1, "mL/kg/min": 1, "kg/m²": 1,
    "steps": 0, "floors": 0, "strokes": 0, "events": 0, "falls": 0, "doses": 0, "puffs": 0, "drinks": 1,
}  # fmt: skip
METRIC_DIGITS = {"body_fat": 1, "walking_asymmetry": 1, "walking_double_support": 1}
UNIT_WORDS = {"br/min": "/min", "spm": "/min", "rpm": "/min", "severity": "", "index": ""}


@dataclass(frozen=True)
class Quantity:
    """A value in words. ``known`` is False when ``number`` is the reason why there is none."""

    number: str
    unit: str = ""
    known: bool = True

    def __str__(self) -> str:
        return f"{self.number}{SPACE}{self.unit}" if self.unit else self.number

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """Number and unit pairs to be set in two sizes: (("6", "h"), ("48", "min"))."""
        hours = re.fullmatch(r"(\S+) h (\d\d)", self.number) if self.unit == "min" else None
        return ((hours[1], "h"), (hours[2], "min")) if hours else ((self.number, self.unit),)


@lru_cache(maxsize=32)
def _locale(name: str) -> Locale:
    try:
        return Locale.parse(name.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return Locale("en")


def _english(name: str) -> Locale:
    """Names of days and months are part of the sentence: English, in the order an English reader of that country expects."""
    found = _locale(name)
    return found if found.language == "en" else Locale("en", "GB")


def number(value: float, digits: int = 0, locale: str = "en") -> str:
    return _written(round(value, digits) + 0.0, digits, locale)  # a rounded −0.0 must not show its sign


@lru_cache(maxsize=8192)  # a page says hundreds of numbers, many of them twice
def _written(rounded: float, digits: int, locale: str) -> str:
    written: str = _pattern(digits).apply(rounded, _locale(locale))
    return written.replace("-", MINUS)


@lru_cache(maxsize=16)
def _pattern(digits: int) -> NumberPattern:
    return parse_pattern("#,##0" + ("." + "0" * digits if digits else ""))


def signed(value: float, digits: int = 0, locale: str = "en") -> str:
    return ("+" if round(value, digits) > 0 else "") + number(value, digits, locale)


def duration(minutes: float) -> str:
    """412.4 → '6 h 52 min'; under an hour '36 min'; under a minute in seconds."""
    sign, minutes = (MINUS, -minutes) if minutes < 0 else ("", minutes)
    if 0 < minutes < 1 and round(minutes * 60) < 60:
        return f"{sign}{max(1, round(minutes * 60))} s"
    hours, rest = divmod(round(minutes), 60)
    return f"{sign}{hours} h {rest:02d} min" if hours else f"{sign if rest else ''}{rest} min"


def is_duration(metric: Metric) -> bool:
    return metric.unit == "min" and metric.display_unit in ("min", "h")  # an hour stood is counted, it has no minutes


def is_deviation(metric: Metric) -> bool:
    return metric.key.endswith(("_delta", "_deviation"))


def digits_for(key: str, unit: str, value: float) -> int:
    if unit in ("km", "mi") and abs(value) >= 100:
        return 0
    if key in METRIC_DIGITS or unit in DIGITS:
        return METRIC_DIGITS.get(key, DIGITS.get(unit, 0))
    return 0 if value == int(value) or abs(value) >= 10 else 1


def quantity(metric: Metric, value: float | None, units: Units = "metric", locale: str = "en", *, missing: str = "no data") -> Quantity:
    """A value of a metric, given in its canonical unit, in the words of this person's units and locale."""
    if value is None:
        return Quantity(missing, known=False)
    if is_duration(metric):
        said, _, unit = duration(value).rpartition(" ")
        return Quantity(said, unit)
    shown, unit = for_display(metric, value, units)
    say = signed if is_deviation(metric) else number
    scale = re.fullmatch(r"(\d+)-(\d+)", unit)
    word = f"of {scale[2]}" if scale else UNIT_WORDS.get(unit, unit)
    return Quantity(say(shown, digits_for(metric.key, unit, shown), locale), word)


def usual_range(low: float, high: float, digits: int = 0, locale: str = "en", *, signs: bool = False) -> str:
    """'52–57'; with signs, or a value below zero, '−0.3 to +0.4', since a dash beside a minus can't be read."""
    if signs or low < 0:
        return f"{signed(low, digits, locale)} to {signed(high, digits, locale)}"
    return f"{number(low, digits, locale)}{DASH}{number(high, digits, locale)}"


def usual(metric: Metric, low: float, high: float, units: Units = "metric", locale: str = "en") -> str:
    """The usual range of a metric, without its unit, but with it where the unit is part of the number (18–46 min, 6 h 40 – 7 h 50 min)."""
    if is_duration(metric):
        first, last = quantity(metric, low, units, locale), quantity(metric, high, units, locale)
        short = first.unit == last.unit and len(first.parts) == len(last.parts)
        return f"{first.number}{DASH}{last}" if short and len(first.parts) == 1 else f"{first.number if short else first} {DASH} {last}"
    (start, unit), (end, _) = for_display(metric, low, units), for_display(metric, high, units)
    digits = max(digits_for(metric.key, unit, start), digits_for(metric.key, unit, end))
    return usual_range(start, end, digits, locale, signs=is_deviation(metric))


def clock_time(moment: datetime | None, locale: str = "en", *, missing: str = "unknown") -> str:
    """'08:38' or '8:38 AM', by the locale; the moment is already in the person's zone."""
    return missing if moment is None else _clock(moment.hour, moment.minute, locale)


@lru_cache(maxsize=4096)
def _clock(hour: int, minute: int, locale: str) -> str:
    return format_time(time(hour, minute), "short", locale=_locale(locale)).replace("\u202f", SPACE)


def hour_word(moment: datetime, locale: str = "en") -> str:
    """An axis label: '06' or '6 AM'."""
    return f"{moment.hour % 12 or 12}{SPACE}{'AM' if moment.hour < 12 else 'PM'}" if _twelve(locale) else f"{moment.hour:02d}"


@lru_cache(maxsize=32)
def _twelve(locale: str) -> bool:
    """Whether the clock has twelve hours."""
    return "h" in get_time_format("short", locale=_locale(locale)).pattern


@lru_cache(maxsize=4096)
def _dated(skeleton: str, day: date, locale: str) -> str:
    return format_skeleton(skeleton, day, locale=_english(locale))


def date_words(day: date, today: date, locale: str = "en") -> str:
    """'Friday 20 November', with the year when it is another one."""
    return _dated("yEEEEMMMMd" if day.year != today.year else "EEEEMMMMd", day, locale)


def day_words(day: date, today: date, locale: str = "en") -> str:
    """'today', 'yesterday', else the date in words."""
    near = {today: "today", today - timedelta(days=1): "yesterday", today + timedelta(days=1): "tomorrow"}
    return near.get(day) or date_words(day, today, locale)


def short_date(day: date, locale: str = "en") -> str:
    """'20 Nov'"""
    return _dated("MMMd", day, locale)


def weekday_word(day: date, locale: str = "en") -> str:
    """'Fri'"""
    return _dated("E", date(2000, 1, 3) + timedelta(days=day.weekday()), locale)  # a Monday, so that seven answers are kept


def month_word(day: date, locale: str = "en") -> str:
    """'Nov'"""
    return _dated("MMM", date(2000, day.month, 1), locale)


def ago(moment: int | None, now: int, zone: tzinfo | None = None, locale: str = "en", *, missing: str = "never") -> str:
    """How long ago, from milliseconds: relative up to 48 h, then the date in ``zone``, or whole days when no zone is given."""
    if moment is None:
        return missing
    minutes = (now - moment) // 60_000
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 48 * 60:
        return f"{minutes // 60} h ago"
    if zone is None:
        return f"{minutes // 1440} days ago"
    day = datetime.fromtimestamp(moment / 1000, UTC).astimezone(zone).date()
    return short_date(day, locale)


def _placed(word: Callable[..., str]) -> Callable[..., str]:
    """A filter that takes its locale from the page."""

    @pass_context
    def filtered(context: Context, *values: Any, **options: Any) -> str:
        return word(*values, locale=context.get("locale", "en"), **options)

    return filtered


@pass_context
def _quantity(context: Context, value: float | None, metric: Metric, missing: str = "no data") -> Quantity:
    return quantity(metric, value, context.get("units", "metric"), context.get("locale", "en"), missing=missing)


@pass_context
def _usual(context: Context, pair: tuple[float, float], metric: Metric) -> str:
    return usual(metric, *pair, context.get("units", "metric"), context.get("locale", "en"))


def equip(environment: Environment) -> Environment:
    """Give an environment our filters and strictness, so that the web's own and the mail's are the same."""
    environment.undefined = StrictUndefined
    environment.trim_blocks = environment.lstrip_blocks = True
    placed = (number, signed, clock_time, hour_word, date_words, day_words, short_date, weekday_word, month_word, ago)
    environment.filters.update({word.__name__: _placed(word) for word in placed})
    environment.filters.update(quantity=_quantity, usual=_usual, duration=duration)
    return environment
