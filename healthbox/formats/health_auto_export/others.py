"""The kinds that are kept whole: moods, medications, symptoms, cycles, ECGs, heart notifications and what comes next."""

import re
from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Clinical, Record
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


def clinical(section: str, items: Any, at: str, zone: str) -> Iterator[Record]:
    """Every object of a section as a ``Clinical``; a section that is not known here keeps its own name in snake_case."""
    kind = KINDS.get(section) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", section).lower()[:100]

    def keep(item: dict[str, Any], position: str) -> Iterator[Record]:
        start, end = (optional_ms(next((item[key] for key in keys if item.get(key)), None), zone) for keys in (_START, _END))
        ident = uuid(item.get("id")) or uuid(item.get("uuid"))
        yield Clinical(position=position, kind=kind, data=item, start=start, end=end, uuid=ident, source=named_source(item.get("source")))

    yield from each(items, at, keep)
