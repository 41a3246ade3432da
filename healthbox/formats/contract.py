"""What a format sees and what it gives: see the package's docstring."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from healthbox.domain.records import Record, SampleBlock


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


# How a reader tells how far along it is: the share of the file (0 to 1) behind what it gives next.
Tell = Callable[[float], object]


def untold(share: float) -> None:
    """For a reader that nobody watches."""


# Codes of a ``Rejected`` that says that a part of the file could not be read, whatever it held.
UNREADABLE = frozenset({"not_xml", "not_closed", "too_deep", "too_long", "truncated"})


class FileFormat(msgspec.Struct, frozen=True):
    """A format too large or too binary for a decoded body: it reads a file. Such a module exports it as ``FILE_FORMAT``.

    ``claims`` is cheap: the first bytes, the directory of a zip. ``records(path, envelope, tell)`` yields in an order that the
    file alone decides, with bounded memory, and tells now and then how far it is; ``tell`` may be left out. Both raise ``Invalid``
    or ``TooLarge`` for a file that is damaged or a trap; what one record alone has wrong is a ``Rejected``.

    ``whole``: the file holds everything its phone knows of the sources and dates it speaks of, so what it lacks is superseded.
    The ``as_of`` of its stages and workouts is then the time of the export; a file that does not say that time supersedes nothing,
    nor does one with a rejection of a code in ``UNREADABLE``."""

    name: str
    looks_for: str
    claims: Callable[[Path], bool]
    records: Callable[..., Iterator[Record | SampleBlock]]
    whole: bool = False
