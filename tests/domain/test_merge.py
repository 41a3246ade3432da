"""Totals of overlapping sources: what counts, who loses, and that order never matters."""

import json
import time
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import fsum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthbox.domain.merge import Merged, Piece, merge

RANKS = {"manual": 0, "watch": 1, "phone": 2, "app": 3}
DAY = (0, 86_400_000)


def piece(name: str, start: float, end: float, value: float, *, rank: int | None = None, source: int | None = None) -> Piece:
    known = list(RANKS).index(name) if name in RANKS else 9
    return Piece(
        known if source is None else source, name, RANKS.get(name, 3) if rank is None else rank, int(start * 1000), int(end * 1000), value
    )


def day(*pieces: Piece) -> Merged:
    return merge(pieces, DAY)


def days(pieces: Sequence[Piece], bounds: Sequence[int]) -> list[Merged]:
    return [merge(pieces, pair) for pair in pairwise(bounds)]


CASES = [
    ("the watch wins where both walked", [("watch", 0, 600, 900), ("phone", 0, 600, 1000)], [0, 86400], [900]),
    ("the phone fills the time before the watch", [("phone", 0, 1800, 1800), ("watch", 900, 1800, 1000)], [0, 86400], [1900]),
    ("what does not overlap is added", [("watch", 0, 600, 500), ("phone", 1200, 1800, 300)], [0, 86400], [800]),
    ("a short watch sample inside a long one", [("phone", 0, 3600, 3600), ("watch", 1200, 1800, 900)], [0, 86400], [3900]),
    ("midnight splits by time", [("watch", 85800, 87600, 1800)], [0, 86400, 172800], [600, 1200]),
    ("a day of 23 hours", [("watch", 81000, 84600, 600)], [0, 82800, 169200], [300, 300]),
    ("the third only when two are silent", [("watch", 0, 600, 600), ("phone", 600, 1200, 500), ("app", 0, 1800, 1800)], [0, 86400], [1700]),
    ("a point counts unless covered", [("app", 100, 100, 50), ("watch", 0, 600, 600), ("app", 700, 700, 50)], [0, 86400], [650]),
    ("a source overlapping itself", [("watch", 0, 600, 600), ("watch", 300, 900, 600)], [0, 86400], [900]),
    ("what Alice typed wins", [("manual", 0, 3600, 6000), ("watch", 0, 3600, 4000), ("phone", 1800, 5400, 3600)], [0, 86400], [7800]),
]


@pytest.mark.parametrize(("samples", "bounds", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_known_days(samples: list[tuple[str, int, int, float]], bounds: list[int], expected: list[float]) -> None:
    found = days([piece(*sample) for sample in samples], [1000 * b for b in bounds])
    assert [d.value for d in found] == pytest.approx(expected, abs=1e-6)


def test_the_shared_vectors() -> None:
    path = Path(__file__).parents[3] / "shared/spec/merge_vectors.json"
    if not path.exists():
        pytest.skip("the shared vectors are not beside this checkout")
    for case in json.loads(path.read_text()):
        pieces = [Piece(case["priority"][s], s, case["priority"][s], a * 1000, b * 1000, v) for s, a, b, v in case["samples"]]
        found = days(pieces, [1000 * b for b in case["day_bounds"]])
        assert [d.value for d in found] == pytest.approx(case["expected"], abs=1e-6), case["name"]


def test_an_empty_day_is_missing_and_a_still_day_is_zero() -> None:
    assert merge([], DAY) == Merged(None, 0, [], [])
    still = day(piece("watch", 0, 600, 0))
    assert (still.value, still.n) == (0, 1)


def test_shares_explain_what_counted_and_what_was_set_aside() -> None:
    result = day(piece("watch", 900, 1800, 1000), piece("phone", 0, 1800, 1800))
    assert [(s.name, s.value, s.raw, s.discarded) for s in result.shares] == [("watch", 1000, 1000, 0), ("phone", 900, 1800, 900)]
    assert [(lane.start, lane.end, lane.value) for lane in result.lanes] == [(0, 900_000, 900), (900_000, 1_800_000, 1000)]


def test_a_day_of_25_hours_keeps_its_extra_hour() -> None:
    bounds = [0, 25 * 3_600_000, 49 * 3_600_000]
    first, second = days([piece("watch", 24 * 3600, 26 * 3600, 200)], bounds)
    assert (first.value, second.value) == (100, 100)


def test_equal_ranks_go_to_the_larger_day_then_to_the_name_and_never_to_the_id() -> None:
    small = piece("b", 0, 600, 100, source=1), piece("b", 1000, 1600, 50, source=1)
    large = piece("a", 0, 600, 60, source=2), piece("a", 2000, 2600, 500, source=2)
    assert day(*small, *large).value == 60 + 50 + 500
    same = [piece("a", 0, 600, 100, source=7), piece("b", 0, 600, 100, source=1)]
    swapped = [piece("a", 0, 600, 100, source=1), piece("b", 0, 600, 100, source=7)]
    assert [s.name for s in day(*same).shares if s.value] == [s.name for s in day(*swapped).shares if s.value] == ["a"]


def test_points_of_one_source_at_one_instant_all_count() -> None:
    assert day(piece("app", 100, 100, 50), piece("app", 100, 100, 70)).value == 120


def test_points_of_two_sources_at_one_instant_count_once() -> None:
    result = day(piece("app", 100, 100, 50), piece("phone", 100, 100, 40))
    assert result.value == 40
    assert [(s.name, s.discarded) for s in result.shares] == [("phone", 0), ("app", 50)]


@pytest.mark.parametrize(("at", "counted"), [(0, 600), (599, 600), (600, 650)])
def test_an_interval_covers_its_start_but_not_its_end(at: int, counted: float) -> None:
    assert day(piece("watch", 0, 600, 600), piece("app", at, at, 50)).value == counted


def test_a_better_point_counts_inside_a_worse_interval() -> None:
    assert day(piece("phone", 0, 600, 600), piece("manual", 300, 300, 50)).value == 650


def test_a_point_at_midnight_belongs_to_the_day_that_begins() -> None:
    first, second = days([piece("app", 86400, 86400, 5)], [0, 86_400_000, 172_800_000])
    assert (first.value, second.value) == (None, 5)


def test_a_sample_that_ends_before_it_starts_is_ignored() -> None:
    assert day(piece("watch", 600, 0, 100)).value is None


def test_a_sample_that_counts_whole_keeps_its_exact_value() -> None:
    assert day(piece("phone", 0, 7, 0.1), piece("phone", 2, 3, 0.0001, source=2)).value == 0.1


pieces = st.builds(
    lambda source, start, length, value: Piece(source, "abcde"[source], source // 2, start, start + length, float(value)),
    st.integers(0, 4),
    st.integers(-5, 40),
    st.integers(0, 12),
    st.integers(0, 20) | st.floats(0, 1e6),
)
BOUNDS = [0, 10, 21, 30]


@given(st.lists(pieces, max_size=14), st.randoms())
def test_any_order_of_arrival_gives_the_same_bits(given_pieces: list[Piece], random) -> None:
    shuffled = list(given_pieces)
    random.shuffle(shuffled)
    assert days(shuffled, BOUNDS) == days(given_pieces, BOUNDS)


@given(st.lists(pieces, max_size=14))
def test_contributions_add_up_and_lanes_never_overlap(given_pieces: list[Piece]) -> None:
    for low, high in pairwise(BOUNDS):
        merged = merge(given_pieces, (low, high))
        if merged.value is None:
            assert not merged.n
            continue
        assert fsum(s.value for s in merged.shares) == pytest.approx(merged.value, rel=1e-9)
        assert fsum(lane.value for lane in merged.lanes) == merged.value
        assert all(s.discarded >= 0 for s in merged.shares)
        wide = [lane for lane in merged.lanes if lane.end > lane.start]
        assert all(low <= lane.start and lane.end <= high for lane in merged.lanes)
        assert all(a.end <= b.start for a, b in pairwise(wide))


def by_instants(given_pieces: list[Piece], low: int, high: int) -> Fraction:
    """The rule by brute force, one millisecond after another, in fractions; ranks are all different here."""
    total = Fraction(0)
    wide = [p for p in given_pieces if p.end > p.start]
    for t in range(low, high):
        active = [p for p in wide if p.start <= t < p.end]
        best = min((p.rank for p in active), default=99)
        if active:
            total += max(Fraction(p.value) / (p.end - p.start) for p in active if p.rank == best)
        points = [p for p in given_pieces if p.start == p.end == t]
        first = min((p.rank for p in points), default=99)
        total += sum(Fraction(p.value) for p in points if p.rank == first and p.rank < best)
    return total


@given(st.lists(pieces, max_size=14))
def test_it_agrees_with_brute_force_in_fractions(given_pieces: list[Piece]) -> None:
    ranked = [Piece(p.source, p.name, p.source, p.start, p.end, p.value) for p in given_pieces]
    for low, high in pairwise(BOUNDS):
        merged = merge(ranked, (low, high))
        assert float(by_instants(ranked, low, high)) == pytest.approx(merged.value or 0.0, rel=1e-9, abs=1e-12)


def test_ten_thousand_samples_a_day_are_quick() -> None:
    many = [Piece(i % 3, "abc"[i % 3], i % 3, i * 8000, i * 8000 + 60_000, float(i % 50)) for i in range(10_000)]
    began = time.process_time()
    merged = day(*many)
    assert merged.n == 10_000
    assert time.process_time() - began < 1  # generous: the bar is a tenth of it on one quiet core
