"""The words of a message, as much of them as the person chose for this channel.

nothing   "healthbox has something for you."           a lock screen, a mail server, a chat room learn nothing
metric    "Resting pulse is above your usual."         what, but no number
values    "Resting pulse 61 bpm, usually 52–57 bpm."   all of it
"""

import datetime as dt
from typing import Literal, Protocol

from healthbox import render
from healthbox.domain.catalogue import Metric

Detail = Literal["nothing", "metric", "values"]
TITLE = "healthbox"
TEST_BODY = "This is a test. Messages from healthbox arrive here."
DISCLAIMER = "Not a diagnosis."
OF_THE_PERSON = "deviation"  # the rule whose range is the person's own usual; every other one has a published limit


class Found(Protocol):
    """What of a finding is told."""

    @property
    def rule(self) -> str: ...
    @property
    def date(self) -> dt.date: ...
    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def direction(self) -> Literal["above", "below"]: ...


def message(
    found: Found, metric: Metric, detail: Detail, *, units: render.Units = "metric", locale: str = "en", base_url: str = ""
) -> tuple[str, str]:
    """Title and plain-text body. The link leads to the finding's day only where the message may say as much."""
    if detail == "nothing":
        return TITLE, linked("healthbox has something for you.", base_url, "/findings")
    day = f"/day/{found.date.isoformat()}"
    if detail == "metric":
        what = "your usual" if found.rule == OF_THE_PERSON else "the limit you watch"
        return f"{metric.label} is unusual", linked(f"{metric.label} is {found.direction} {what}.", base_url, day)
    said = render.quantity(metric, found.value, units, locale)
    text = f"{metric.label} {said} on {render.short_date(found.date, locale)}{_range(found, metric, units, locale)}."
    return f"{metric.label} {said}", linked(f"{text} {DISCLAIMER}", base_url, day)


def test_message(base_url: str = "") -> tuple[str, str]:
    """What the button "send test" sends: nothing about anybody."""
    return f"{TITLE}: test", linked(TEST_BODY, base_url, "/findings")


def _range(found: Found, metric: Metric, units: render.Units, locale: str) -> str:
    if found.low is not None and found.high is not None:
        return f", usually {render.usual(metric, found.low, found.high, units, locale)}"
    limit = found.high if found.direction == "above" else found.low
    return "" if limit is None else f", the limit is {render.quantity(metric, limit, units, locale)}"


def linked(text: str, base_url: str, path: str) -> str:
    """The text, and below it the address of a page where the server knows its own."""
    return f"{text}\n{base_url.rstrip('/')}{path}" if base_url else text
