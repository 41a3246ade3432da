"""Plain days from columns: the number is the one that their readings give, to the last bit, and what is not plain is left alone."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from healthbox.domain.columns import HOUR, Average, Run, averaged, hours_held, last_said, merged, stretched
from healthbox.domain.days import fold
from healthbox.domain.merge import Piece, Share, merge

LOW = 1_772_319_600_000  # a midnight in Berlin
MIDNIGHTS = [0, 24, 47, 72]  # hours; the second day has 23
NAMES = ("Alice's Watch\x00watch", "Alice's iPhone\x00phone", "Rings\x00app", "Alice's iPhone\x00phone")
RANKS = (1, 2, 3, 2)
VALUE = st.floats(min_value=0.0, max_value=1e6, allow_subnormal=False)
DAY = (LOW, LOW + 24 * HOUR)


def run(rows: list[tuple[int, int, float]], source: int = 0) -> Run:
    starts, ends, values = zip(*sorted(rows), strict=True)
    return Run(source, NAMES[source], RANKS[source], starts, ends, values)


@st.composite
def seen_by(draw: st.DrawFn, like: str) -> list[tuple[int, int, float]]:
    """What one source saw around three days: points, intervals that follow each other, or anything."""
    at = LOW - draw(st.integers(0, 3)) * HOUR
    rows = []
    for _ in range(draw(st.integers(1, 40))):
        kind = draw(st.sampled_from(["points", "following", "overlapping"])) if like == "any" else like
        length = 0 if kind == "points" else draw(st.one_of(st.integers(1, 900_000), st.integers(1, 30 * HOUR)))
        rows.append((at, at + length, draw(VALUE)))
        at += (length if kind == "following" else 0) + draw(st.one_of(st.just(0), st.integers(0, 3 * HOUR)))
    return rows


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, list[tuple[int, int, float]]]]:
    sources = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True))
    return [(source, draw(seen_by(draw(st.sampled_from(["points", "following", "any"]))))) for source in sources]


def touching(history: list[tuple[int, list[tuple[int, int, float]]]], low: int, high: int) -> list[Run]:
    found = [(source, [row for row in rows if row[0] < high and (row[1] > low or row[0] >= low)]) for source, rows in history]
    return [run(rows, source) for source, rows in found if rows]


@given(histories(), st.sampled_from(["sum", "duration", "mean", "min_max_mean", "count", "last"]))
def test_columns_and_readings_give_the_same_day(history: list[tuple[int, list[tuple[int, int, float]]]], aggregation: str) -> None:
    for low, high in pairwise(LOW + hour * HOUR for hour in MIDNIGHTS):
        runs = touching(history, low, high)
        readings = [reading for one in runs for reading in one.readings()]
        assert fold(aggregation, (low, high), runs, [], []) == fold(aggregation, (low, high), readings, [], [])


@given(st.lists(seen_by("following"), min_size=1, max_size=3))
def test_sources_in_layers_give_what_the_sweep_gives(seen: list[list[tuple[int, int, float]]]) -> None:
    for low, high in pairwise(LOW + hour * HOUR for hour in MIDNIGHTS):
        runs = touching(list(enumerate(seen)), low, high)
        if runs:
            day = merged(runs, (low, high))
            swept = merge([reading for one in runs for reading in one.readings()], (low, high))
            assert day is not None
            assert (day.value, day.n, day.shares) == (swept.value, swept.n, swept.shares)


def test_the_worse_source_fills_what_the_better_leaves_and_edges_are_cut() -> None:
    watch = run([(LOW - HOUR, LOW + HOUR, 100.0), (LOW + 2 * HOUR, LOW + 3 * HOUR, 50.0)])
    phone = run([(LOW, LOW + 4 * HOUR, 400.0), (LOW + 23 * HOUR, LOW + 25 * HOUR, 20.0)], 1)
    day = merged([phone, watch], DAY)
    assert day is not None
    assert (day.value, day.n) == (50.0 + 50.0 + 200.0 + 10.0, 4)
    assert day.shares == [Share(0, NAMES[0], 100.0, 100.0, 0.0), Share(1, NAMES[1], 210.0, 410.0, 200.0)]


def test_means_weigh_intervals_by_their_time_and_points_alike() -> None:
    assert averaged(run([(LOW + at, LOW + at, 60.0 + at) for at in range(3)]), DAY) == Average(61.0, 60.0, 62.0, 3)
    noise = run([(LOW, LOW + HOUR, 50.0), (LOW + HOUR, LOW + 4 * HOUR, 70.0)])
    assert averaged(noise, DAY) == Average(65.0, 50.0, 70.0, 2)


def test_readings_without_length_last_until_the_next_one_and_ten_minutes_at_most() -> None:
    minute = 60_000
    seen = run([(LOW + at * minute, LOW + at * minute, 1.0) for at in (0, 5, 60)] + [(DAY[1] - minute, DAY[1] - minute, 1.0)])
    lasting = stretched(seen, DAY[1])
    assert [end - start for start, end in zip(lasting.starts, lasting.ends, strict=True)] == [5 * minute, 10 * minute, 10 * minute, minute]
    assert (lasting.starts, lasting.values) == (seen.starts, seen.values)
    for kept in (run([(LOW, LOW, 1.0), (LOW, LOW, 2.0)]), run([(LOW, LOW, 1.0), (LOW + 1, LOW + minute, 2.0)])):
        assert stretched(kept, DAY[1]) == kept, "several at one instant, or some that say how long they took"


def test_what_a_source_says_again_while_it_grows_counts_once() -> None:
    walk = [(LOW, LOW + HOUR, 500.0), (LOW, LOW + 2 * HOUR, 900.0), (LOW, LOW + 2 * HOUR, 800.0), (LOW + HOUR, LOW + 2 * HOUR, 400.0)]
    assert last_said(run(walk)) == run([walk[1], walk[3]])
    assert last_said(run([(LOW, LOW, 3000.0), (LOW, LOW, 9000.0)])) == run([(LOW, LOW, 9000.0)])
    less = run([(LOW, LOW + HOUR, 900.0), (LOW, LOW + 12 * HOUR, 300.0)])
    assert last_said(less) == less, "what says less says it not again"
    following = run([(LOW + at * HOUR, LOW + (at + 1) * HOUR, 1.0) for at in range(5)])
    assert last_said(following) is following


def test_what_is_not_plain_is_left_to_the_general_way() -> None:
    overlapping = run([(LOW, LOW + 2 * HOUR, 1.0), (LOW + HOUR, LOW + 3 * HOUR, 1.0)])
    same = [run([(LOW, LOW + HOUR, 5.0)], source) for source in (1, 3)]
    assert merged([overlapping], DAY) is None
    assert merged([run([(LOW, LOW, 1.0)])], DAY) is None
    assert merged(same, DAY) is None, "equal in everything that decides"
    assert averaged(run([(LOW, LOW, 1.0), (LOW + 1, LOW + HOUR, 1.0)]), DAY) is None
    assert averaged(run([(DAY[1] - 1, DAY[1] + 1, 1.0)]), DAY) is None


def test_an_hour_is_held_by_what_begins_in_it_reaches_into_it_or_spans_it() -> None:
    day = (0, 24 * HOUR)
    assert hours_held([], [], day) == 0.0
    assert hours_held([0], [HOUR], day) == 1 / 24, "an end is not held"
    assert hours_held([HOUR], [HOUR], day) == 1 / 24, "a point is"
    assert hours_held([-HOUR], [30 * HOUR], day) == 1.0
    assert hours_held([HOUR - 1, 3 * HOUR], [HOUR + 1, 3 * HOUR + 1], day) == 3 / 24


@given(st.lists(st.tuples(st.integers(-2 * HOUR, 24 * HOUR - 1), st.one_of(st.just(0), st.integers(1, 4 * HOUR)))))
def test_many_hold_the_hours_that_they_hold_one_by_one(spans: list[tuple[int, int]]) -> None:
    day = (0, 24 * HOUR)
    spans = [(start, start + length) for start, length in spans if start + length > 0 or start >= 0]
    held = {hour for start, end in spans for hour in range(24) if start < (hour + 1) * HOUR and (end > hour * HOUR or start >= hour * HOUR)}
    many = spans * 30
    assert hours_held([start for start, _ in many], [end for _, end in many], day) == len(held) / 24
    assert hours_held([start for start, _ in spans], [end for _, end in spans], day) == len(held) / 24


def test_a_run_gives_its_readings_back() -> None:
    assert run([(LOW, LOW + 1, 2.0)]).readings() == [Piece(0, NAMES[0], 1, LOW, LOW + 1, 2.0)]
