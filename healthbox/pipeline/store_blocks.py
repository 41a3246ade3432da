"""A block of samples into the store: what all its rows share is resolved once."""

import math
import sys
from typing import TYPE_CHECKING

from healthbox.domain.catalogue import Metric
from healthbox.domain.records import Rejected, Sample, SampleBlock
from healthbox.domain.units import conversion
from healthbox.store import bulk
from healthbox.store.bulk import BulkRow
from healthbox.store.standing import Incoming

if TYPE_CHECKING:
    from healthbox.pipeline.store_records import Step

LONGEST_MS = 400 * 86_400_000
MOST = sys.float_info.max


def store_block(step: "Step", block: SampleBlock) -> None:
    """Bulk for quantities of a known metric; every other row goes the way of a single sample."""
    metric = step.catalogue.find(block.naming, block.metric)
    try:
        convert = conversion(metric, block.unit) if metric is not None and metric.kind == "quantity" else None
    except ValueError:
        metric = None
    if metric is None or metric.kind != "quantity":
        for at in range(len(block.rows)):
            step.take(single(block, at))
        return
    rows: list[BulkRow] = []
    meta, zone = step.registry.meta, step.registry.zone
    factor, offset = convert or (1.0, 0.0)
    low, high = (-MOST if metric.low is None else metric.low), (MOST if metric.high is None else metric.high)
    for at, (_, start, end, said, zone_name, data) in enumerate(block.rows):
        value = said if type(said) is float else _number(said)
        if convert is not None:
            value = value * factor + offset
        if not low <= value <= high or not 0 <= end - start <= LONGEST_MS:  # not a number fails too
            step.take(single(block, at))  # it says what is wrong
            continue
        ms = (start % 1000) * 1000 + end % 1000 or None
        rows.append((start // 1000, end // 1000, value, ms, zone(zone_name) if zone_name else None, meta(data) if data else None))
    if rows:
        _settle(step, block, metric, rows)


def _number(said: float | str | None) -> float:
    try:
        return float(said)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan


def _settle(step: "Step", block: SampleBlock, metric: Metric, rows: list[BulkRow]) -> None:
    series_id = step.series(metric.key, block.source)
    settled = bulk.add(step.c, series_id, step.claim.batch_id, rows)
    step.counts["new"] += len(settled.new)
    step.counts["duplicate"] += settled.duplicate
    step.touch_rows(metric.key, settled.new)
    for at in settled.rest:
        start, end, value, ms, zone_id, meta_id = rows[at]
        step.samples.append(Incoming(series_id, start, end, value, ms=ms, zone_id=zone_id, meta_id=meta_id, as_of=step.claim.as_of))


def single(block: SampleBlock, at: int) -> Sample | Rejected:
    position, start, end, value, zone, metadata = block.rows[at]
    return Sample(
        position=position,
        metric=block.metric,
        naming=block.naming,
        start=start,
        end=end,
        value=value,
        unit=block.unit,
        source=block.source,
        zone=zone,
        metadata=metadata,
    )
