"""Ready: a block of samples with everything settled that needs no database: metric, canonical values, whole seconds, order.

Pure, so that the process which reads a big file does it too, beside the one that stores.
"""

import math
import sys
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter, lt, sub

import msgspec

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.records import Naming, SampleBlock, SourceRef, metadata_text
from healthbox.domain.units import conversion

LONGEST_MS = 400 * 86_400_000
_MOST = sys.float_info.max
_NEAR_S = 20 * 3600  # rows nearer than that have no whole day between them
_when = itemgetter(0, 1)

Row = tuple[str, int, int, float | str | None, str | None, dict[str, object] | None]
BareRow = tuple[int, int, float]
# start and end in whole seconds by floor, value; then ms as in ``Incoming``, zone, number of its metadata
ReadyRow = tuple[int, int, float, int | None, str | None, int | None]


class Ready(msgspec.Struct, array_like=True):
    """``bare`` and ``full`` rows are each by (start, end), values in the metric's canonical unit; ``longest`` of them in seconds.
    ``distinct``: no two share both. ``spans``: stretches of seconds, gaps in which are shorter than a day; empty where a row has a
    zone of its own. ``rest``: rows of the block as it came that have something wrong with them; the other fields are the block's."""

    key: str
    metric: str
    naming: Naming
    unit: str | None
    source: SourceRef
    bare: list[BareRow]
    full: list[ReadyRow]
    metas: list[str]
    longest: int
    distinct: bool
    spans: list[tuple[int, int]]
    rest: list[Row]

    @property
    def weight(self) -> int:
        return len(self.bare) + len(self.full) + len(self.rest)

    def said(self) -> Iterator[BareRow]:
        """Start, end and value of every row."""
        yield from self.bare
        yield from (row[:3] for row in self.full)


def ready(block: SampleBlock, catalogue: Catalogue) -> Ready | None:
    """None for a block that is not of quantities of a known metric in a known unit: its samples are looked at one by one."""
    metric = catalogue.find(block.naming, block.metric, block.unit)
    if metric is None or metric.kind != "quantity":
        return None
    try:
        convert = conversion(metric, block.unit)
    except ValueError:
        return None
    low, high = (-_MOST if metric.low is None else metric.low), (_MOST if metric.high is None else metric.high)
    bare: list[BareRow] = []
    full: list[ReadyRow] = []
    rest: list[Row] = []
    metas: list[str] = []
    numbers: dict[int, int] = {}  # records that say the same share one object
    factor, offset = convert or (1.0, 0.0)
    zoned = False
    for row in block.rows:
        _, start, end, said, zone, data = row
        value = said if type(said) is float else _number(said)
        if convert is not None:
            value = value * factor + offset
        if not low <= value <= high or not 0 <= end - start <= LONGEST_MS:  # what is not a number fails too
            rest.append(row)
            continue
        number = None
        if data:
            number = numbers.get(id(data))
            if number is None:
                number = numbers[id(data)] = len(metas)
                metas.append(metadata_text(data))
        ms = (start % 1000) * 1000 + end % 1000
        if zone or ms or number is not None:
            zoned = zoned or bool(zone)
            full.append((start // 1000, end // 1000, value, ms or None, zone or None, number))
        else:
            bare.append((start // 1000, end // 1000, value))
    starts, ends, distinct = _in_order(bare, full)
    return Ready(
        metric.key, block.metric, block.naming, block.unit, block.source, bare, full, metas,
        longest=max(map(sub, ends, starts), default=0), distinct=distinct, spans=[] if zoned else _spans(starts, ends), rest=rest,
    )  # fmt: skip


def _in_order(bare: list[BareRow], full: list[ReadyRow]) -> tuple[list[int], list[int], bool]:
    """Both put in order; starts and ends of all their rows in one order, and whether no two share both."""
    if not (bare and full):  # nearly always, and then mostly in order as it comes
        starts, ends = [row[0] for row in bare or full], [row[1] for row in bare or full]
        if all(map(lt, starts, islice(starts, 1, None))):
            return starts, ends, True
    bare.sort(key=_when)
    full.sort(key=_when)
    keys = sorted([*map(_when, bare), *map(_when, full)])
    return [start for start, _ in keys], [end for _, end in keys], len(set(keys)) == len(keys)


def _number(said: float | str | None) -> float:
    try:
        return float(said)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan


def _spans(starts: list[int], ends: list[int]) -> list[tuple[int, int]]:
    if not starts:
        return []
    spans: list[tuple[int, int]] = []
    low, high = starts[0], ends[0]
    for start, end in zip(starts, ends, strict=True):
        if start > high + _NEAR_S:
            spans.append((low, high))
            low, high = start, end
        elif end > high:
            high = end
    return [*spans, (low, high)]
