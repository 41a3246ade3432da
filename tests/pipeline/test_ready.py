"""A block that is ready for the store: in order, with the stretches in which no whole day goes by, however its rows came."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.records import SampleBlock, SourceRef
from healthbox.pipeline.ready import Ready, ready

CATALOGUE = Catalogue.load()
DAY_S = 86_400
ROW = st.tuples(
    st.integers(0, 6 * DAY_S),
    st.sampled_from([0, 60, 7_200, 30 * 3600]),
    st.floats(0, 1000),
    st.sampled_from([None, {"HKMetadataKeyHeartRateMotionContext": "1"}]),
)


def block(rows: list[tuple[int, int, float, dict[str, Any] | None]]) -> Ready:
    wire = [(str(at), start * 1000, (start + length) * 1000, value, None, data) for at, (start, length, value, data) in enumerate(rows, 1)]
    source = SourceRef("Alice's Watch")
    steps = SampleBlock(metric="HKQuantityTypeIdentifierStepCount", naming="healthkit", unit="count", source=source, rows=wire)
    made = ready(steps, CATALOGUE)
    assert made is not None
    return made


@given(st.lists(ROW, max_size=12))
def test_rows_are_in_order_and_all_there(rows: list[tuple[int, int, float, dict[str, Any] | None]]) -> None:
    made = block(rows)
    assert sorted(made.said()) == sorted((start, start + length, value) for start, length, value, _ in rows)
    keys = [row[:2] for row in made.said()]
    for part in (made.bare, made.full):
        assert [row[:2] for row in part] == sorted(row[:2] for row in part)
    assert made.distinct == (len(set(keys)) == len(keys))
    assert made.longest == max((end - start for start, end in keys), default=0)


@given(st.lists(ROW, max_size=12))
def test_spans_cover_every_row_and_hold_no_day_without_one(rows: list[tuple[int, int, float, dict[str, Any] | None]]) -> None:
    made = block(rows)
    keys = [row[:2] for row in made.said()]
    assert all(any(low <= start and end <= high for low, high in made.spans) for start, end in keys)
    assert all(high < low for (_, high), (low, _) in pairwise(made.spans))
    for low, high in made.spans:
        for day in range(low - low % DAY_S + DAY_S, high - DAY_S + 1, DAY_S):
            assert any(start < day + DAY_S and end >= day for start, end in keys), "a day in the middle that nothing touches"
