"""What a format sees and what it gives: see the package's docstring."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from healthbox.domain.records import Record


class Envelope(msgspec.Struct, frozen=True):
    """What stood around the body. ``zone`` is the zone for times without one (the client's own, else the person's)."""

    zone: str
    accepted_at: int  # ms since the epoch
    headers: dict[str, str] = {}  # lower-case names; only the ones a format may need, never credentials


class Format(msgspec.Struct, frozen=True):
    name: str
    looks_for: str
    claims: Callable[[Any, Envelope], bool]
    records: Callable[[Any, Envelope], Iterator[Record]]
