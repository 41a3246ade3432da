"""What a rule sees and what it gives: see the package's docstring."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal

import msgspec

Severity = Literal["info", "warn", "urgent"]
SEVERITIES: tuple[Severity, ...] = ("info", "warn", "urgent")
ASLEEP = "asleep"
"""The name under which a rule finds the minutes asleep of each night (without naps), on its wake-up date."""


class DayRow(msgspec.Struct, frozen=True):
    """One day of one metric in its canonical unit. ``n`` readings; ``source`` names the one that gave most of it."""

    date: dt.date
    value: float
    low: float | None = None
    high: float | None = None
    n: int = 1
    source: str = ""


class RuleInput(msgspec.Struct, frozen=True):
    """The day to judge, and by metric the rows up to it (60 days or more, ascending, a missing day has no row).

    ``params`` are this person's own settings of the rule; ``flagged`` the dates of each metric on which it was already far from
    its usual: they belong in no baseline. Being beyond a fixed limit alone does not flag a date, for that can be a habit.
    """

    date: dt.date
    days: Mapping[str, Sequence[DayRow]]
    params: Mapping[str, float] = {}
    flagged: Mapping[str, Collection[dt.date]] = {}

    def today(self, metric: str) -> DayRow | None:
        return self.on(metric, self.date)

    def on(self, metric: str, date: dt.date) -> DayRow | None:
        return next((row for row in reversed(self.days.get(metric, ())) if row.date == date), None)


class Finding(msgspec.Struct, frozen=True):
    """Something unusual. ``low`` and ``high`` are the usual range, or the threshold that was passed on its side.

    ``words`` holds what a sentence needs beyond that (numbers and short names); the sentence itself is made where people's
    language and units are known.
    """

    rule: str
    metric: str
    date: dt.date
    severity: Severity
    value: float
    low: float | None
    high: float | None
    direction: Literal["above", "below"]
    words: dict[str, str | float] = {}


class Rule(msgspec.Struct, frozen=True):
    """``params``: every number of the rule with its default; a person may set each of them.

    ``flags``: a date with a finding of this rule was far from the person's usual and belongs in no baseline."""

    name: str
    label: str
    about: str
    params: dict[str, float]
    evaluate: Callable[[RuleInput], list[Finding]]
    flags: bool = False
