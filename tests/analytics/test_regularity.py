"""The sleep regularity index on days that can be checked by hand."""

import json
from pathlib import Path

import pytest

from healthbox.analytics.regularity import DAY, epochs, sri

NIGHT = [1] * 8 + [0] * 16
LATER = [0] + [1] * 8 + [0] * 15
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([NIGHT] * 7, 100),
        ([NIGHT, LATER] * 4, 100 - 200 * 2 / 24),
        ([[0] * 12 + [1] * 12, [1] * 12 + [0] * 12] * 3, -100),
    ],
)
def test_known_weeks(days: list[list[int]], expected: float) -> None:
    assert sri(days) == pytest.approx(expected, abs=1e-9)


def test_the_shared_vectors() -> None:
    path = Path(__file__).parents[3] / "shared/spec/sri_vectors.json"
    if not path.exists():
        pytest.skip("the shared vectors are not beside this checkout")
    for case in json.loads(path.read_text()):
        assert sri(case["days"]) == pytest.approx(case["expected"], abs=1e-6), case["name"]


def test_five_pairs_are_needed_and_a_missing_day_breaks_two() -> None:
    assert sri([NIGHT] * 5) is None
    assert sri([NIGHT] * 6) == 100
    assert sri([NIGHT, NIGHT, None, NIGHT, NIGHT, NIGHT, NIGHT]) is None
    assert sri([]) is None


def test_unknown_epochs_are_not_compared() -> None:
    unknown = [None, *NIGHT[1:]]
    assert sri([NIGHT, unknown] * 3) == 100


def test_days_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        sri([NIGHT, NIGHT[:-1]])


def test_rows_from_times_asleep() -> None:
    noon = 1_000 * DAY
    slept = [(noon + day * DAY + 11 * HOUR, noon + day * DAY + 18 * HOUR) for day in (0, 1, 3)] + [(noon + 2 * HOUR, noon + 3 * HOUR)]
    rows = epochs(slept, noon, 4, minutes=60)
    assert rows[0] == [0, 0, 1] + [0] * 8 + [1] * 7 + [0] * 6
    assert rows[1] == rows[3] == [0] * 11 + [1] * 7 + [0] * 6
    assert rows[2] is None
    assert all(row is None or len(row) == 1440 for row in epochs(slept, noon, 4))
