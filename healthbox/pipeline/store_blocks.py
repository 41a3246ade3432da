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
    if made.bare or made.full:
        _settle(step, made)


def _settle(step: "Step", made: Ready) -> None:
    series_id = step.series(made.key, made.source)
    rows = bulk.Rows(made.bare, _numbered(step, made), made.longest, made.distinct, zoned=not made.spans)
    settled = bulk.add(step.c, series_id, step.claim.batch_id, rows)
    step.counts["duplicate"] += settled.duplicate
    if settled.new is None and made.spans:
        step.counts["new"] += rows.number
        step.touch_spans(made.key, made.spans)
    else:
        new = rows.all() if settled.new is None else settled.new
        step.counts["new"] += len(new)
        step.touch_rows(made.key, new)
    for start, end, value, ms, zone_id, meta_id in settled.rest:
        step.samples.append(Incoming(series_id, start, end, value, ms=ms, zone_id=zone_id, meta_id=meta_id, as_of=step.claim.as_of))


def _numbered(step: "Step", made: Ready) -> list[BulkRow]:
    """The full rows with the numbers that their zones and metadata have in the store."""
    zone, metas = step.registry.zone, [step.registry.meta_text(text) for text in made.metas]
    return [
        (start, end, value, ms, zone(name) if name else None, None if number is None else metas[number])
        for start, end, value, ms, name, number in made.full
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
