"""A block of samples into the store: what all its rows share is resolved once."""

from typing import TYPE_CHECKING

from healthbox.domain.records import Sample, SampleBlock
from healthbox.pipeline.ready import Ready, Row, ready
from healthbox.store import bulk
from healthbox.store.bulk import BulkRow
from healthbox.store.standing import Incoming

if TYPE_CHECKING:
    from healthbox.pipeline.store_records import Step


def store_block(step: "Step", block: SampleBlock | Ready) -> None:
    """Bulk for quantities of a known metric; every other row goes the way of a single sample."""
    made = block if isinstance(block, Ready) else ready(block, step.catalogue)
    if made is None:
        assert isinstance(block, SampleBlock)  # noqa: S101 - what is ready needs no second look
        for row in block.rows:
            step.take(single(block, row))
        return
    for row in made.rest:
        step.take(single(made, row))  # it says what is wrong
    if made.rows:
        _settle(step, made)


def _settle(step: "Step", made: Ready) -> None:
    series_id = step.series(made.key, made.source)
    rows = _numbered(step, made)
    settled = bulk.add(step.c, series_id, step.claim.batch_id, rows, distinct=made.distinct)
    step.counts["new"] += len(settled.new)
    step.counts["duplicate"] += settled.duplicate
    if made.spans and len(settled.new) == len(rows):
        step.touch_spans(made.key, made.spans)
    else:
        step.touch_rows(made.key, settled.new)
    for at in settled.rest:
        start, end, value, ms, zone_id, meta_id = rows[at]
        step.samples.append(Incoming(series_id, start, end, value, ms=ms, zone_id=zone_id, meta_id=meta_id, as_of=step.claim.as_of))


def _numbered(step: "Step", made: Ready) -> list[BulkRow]:
    """The rows with the numbers that their zones and metadata have in the store."""
    if not made.metas and made.spans:
        return made.rows  # type: ignore[return-value]  # no row has a zone or metadata
    zone, metas = step.registry.zone, [step.registry.meta(data) for data in made.metas]
    return [
        (start, end, value, ms, zone(name) if name else None, None if number is None else metas[number])
        for start, end, value, ms, name, number in made.rows
    ]


def single(block: SampleBlock | Ready, row: Row) -> Sample:
    position, start, end, value, zone, metadata = row
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
