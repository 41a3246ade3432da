"""Which of the workouts that several sources recorded counts: the same for any order, and for any row ids."""

from __future__ import annotations

import random

import pytest

from healthbox.store.workouts import Telling, told_again

MINUTE = 60_000
WATCH, STRAVA, PHONE, KOMOOT = 1, 2, 3, 4
RANK = {WATCH: 1, PHONE: 4, STRAVA: 6, KOMOOT: 6}


def told(row: int, source: int, start: float, end: float, activity: str = "running", more: int = 0) -> Telling:
    """A workout from minute ``start`` to ``end``."""
    begun, done = round(start * MINUTE), round(end * MINUTE)
    return Telling(row, source, activity, begun, done, (RANK[source], -more, begun, str(source), done, activity, row))


def test_the_better_source_counts() -> None:
    assert told_again([told(1, STRAVA, 0.05, 29.8), told(2, WATCH, 0, 30)]) == {1: 2}


def test_of_equal_sources_the_one_that_tells_more_counts_then_the_earlier_one() -> None:
    assert told_again([told(1, STRAVA, 0, 30), told(2, KOMOOT, 1, 30, more=1)]) == {1: 2}
    assert told_again([told(1, STRAVA, 1, 30), told(2, KOMOOT, 0, 30)]) == {1: 2}


@pytest.mark.parametrize(("minutes", "same"), [(24, True), (23.9, False), (37.5, True), (37.6, False)])
def test_four_fifths_of_the_longer_time_are_one_workout(minutes: float, same: bool) -> None:
    assert (told_again([told(1, WATCH, 0, 30), told(2, STRAVA, 0, minutes)]) == {2: 1}) is same


def test_an_unnamed_activity_is_any_and_another_is_none() -> None:
    assert told_again([told(1, WATCH, 0, 30), told(2, STRAVA, 0, 30, "other")]) == {2: 1}
    assert told_again([told(1, WATCH, 0, 30), told(2, STRAVA, 0, 30, "yoga")]) == {}


def test_one_source_never_tells_the_same_twice() -> None:
    assert told_again([told(1, WATCH, 0, 30), told(2, WATCH, 0.1, 30)]) == {}


def test_what_does_not_count_takes_nothing_else_with_it() -> None:
    """The phone's run is near enough to Strava's only, which does not count: so it does."""
    assert told_again([told(1, WATCH, 0, 30), told(2, STRAVA, 5, 35), told(3, PHONE, 10, 40)]) == {2: 1}
    assert told_again([told(1, WATCH, 0, 30), told(2, STRAVA, 5, 35, "other"), told(3, PHONE, 5, 35, "yoga")]) == {2: 1}


def test_moments_without_length_are_one_at_one_instant_only() -> None:
    assert told_again([told(1, WATCH, 5, 5), told(2, STRAVA, 5, 5)]) == {2: 1}
    assert told_again([told(1, WATCH, 5, 5), told(2, STRAVA, 5.1, 5.1)]) == {}


@pytest.mark.parametrize("seed", range(60))
def test_any_order_and_any_ids_give_the_same(seed: int) -> None:
    made = random.Random(seed)
    spans = [(start, start + made.randint(0, 60)) for start in (made.randint(0, 90) for _ in range(30))]
    rows = [
        told(row, made.choice(list(RANK)), *span, made.choice(["running", "other", "yoga"]), made.randint(0, 2))
        for row, span in enumerate(spans)
    ]
    found = told_again(rows)
    by_id = {row.id: row for row in rows}
    assert not set(found) & set(found.values()), "who stands for another one counts"
    for one, other in found.items():
        assert by_id[one].order > by_id[other].order
        assert by_id[one].source_id != by_id[other].source_id
    counting = [row for row in rows if row.id not in found]
    assert told_again(counting) == {}, "no two that count are the same"
    for _ in range(5):
        mixed = made.sample(rows, len(rows))
        assert told_again(mixed) == found
        ids = dict(zip(by_id, made.sample(range(1000), len(by_id)), strict=True))
        assert told_again(row._replace(id=ids[row.id]) for row in mixed) == {ids[one]: ids[other] for one, other in found.items()}
