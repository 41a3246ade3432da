"""What people build with iOS Shortcuts: parallel lists, daily dictionaries, lists of samples.

    {"type", "dates", "values", "ends"?, "sources"?, "unit"?, "tz"?}     lists, newline-joined text or one text (``lists``)
    {"hrDates", "hrValues"}                                              the same for the heart rate, older
    {"timestamps": [...]}, {"step_samples": [{"start", "end", "value"}]}
    {"date", "steps": "8,412", "resting_heart_rate": 58, ...}            one day, flat (``days``) or under "metrics" or "record"

All values may be text. Types are the names that the phone shows: one in a language that is not known here stays as it is and
becomes an unknown metric. A value whose unit is not said, in a metric that phones show in several, is kept under a name of its
own ("Cycling Distance, no unit") until a person says what it is: nothing is guessed and nothing is lost.
"""

from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Record
from healthbox.formats.contract import Envelope, Format
from healthbox.formats.shortcuts import days, lists

_FOREIGN = {"data", "batch", "samples", "metric", "provider", "sdkVersion", "anchor_token", "is_final_chunk", "exportDate", "app_version"}


def claims(body: Any, envelope: Envelope) -> bool:
    if not isinstance(body, dict) or not _FOREIGN.isdisjoint(body):
        return False
    return lists.claims(body) or days.claims(body)


def records(body: Any, envelope: Envelope) -> Iterator[Record]:
    yield from (lists.records if lists.claims(body) else days.records)(body, envelope.zone)


FORMAT = Format(
    name="shortcuts",
    looks_for='"type" with "dates" and "values", "step_samples", or "date" with a day\'s values by name',
    claims=claims,
    records=records,
)
