"""The kinds that are kept whole: moods, medications, symptoms, cycles, ECGs, heart notifications and what comes next.

Kept so that they are the same in every export: instants in ms, for their offset is the exporting phone's, and one spelling of a source.
"""

import re
from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Clinical, Record
from healthbox.domain.sources import normalise_name
from healthbox.formats.routes import instant
from healthbox.formats.wire import each, named_source, optional_ms, uuid

KINDS = {
    "stateOfMind": "state_of_mind",
    "medications": "medication",
    "symptoms": "symptom",
    "cycleTracking": "cycle",
    "ecg": "ecg",
    "heartRateNotifications": "heart_notification",
}
_START = ("start", "startDate", "date", "scheduledDate")
_END = ("end", "endDate")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d?:\d\d.*")


def clinical(section: str, items: Any, at: str, zone: str) -> Iterator[Record]:
    """Every object of a section as a ``Clinical``; a section that is not known here keeps its own name in snake_case."""
    kind = KINDS.get(section) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", section).lower()[:100]

    def keep(item: dict[str, Any], position: str) -> Iterator[Record]:
        start, end = (optional_ms(next((item[key] for key in keys if item.get(key)), None), zone) for keys in (_START, _END))
        ident = uuid(item.get("id")) or uuid(item.get("uuid"))
        data = {name: _steady(name, value, zone) for name, value in item.items()}
        yield Clinical(position=position, kind=kind, data=data, start=start, end=end, uuid=ident, source=named_source(item.get("source")))

    yield from each(items, at, keep)


def _steady(name: str, value: Any, zone: str) -> Any:
    if isinstance(value, dict):
        return {inner: _steady(inner, said, zone) for inner, said in value.items()}
    if isinstance(value, list):
        return [_steady(name, said, zone) for said in value]
    if not isinstance(value, str):
        return value
    if name == "source":
        return normalise_name(value)
    at = instant(value, zone) if _STAMP.fullmatch(value) else None
    return value if at is None else at
