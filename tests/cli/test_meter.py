"""How far an import is, as the terminal says it: a line that changes, or plain ones for a log."""

from __future__ import annotations

import io

from healthbox.cli.meter import Meter


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def run(out: io.StringIO, looks: list[tuple[float, int, float | None]]) -> tuple[Meter, Clock]:
    clock = Clock()
    meter = Meter(out, clock)
    for clock.at, read, share in looks:
        meter.reading(read, share)
    return meter, clock


def test_a_log_gets_a_plain_line_now_and_then_with_pace_and_time_left() -> None:
    out = io.StringIO()
    run(out, [(second, 4_000 * second, second / 100) for second in range(31)])
    assert out.getvalue().splitlines() == [
        "10 %, 40,000 records, 4,000 a second, 2 min left",
        "20 %, 80,000 records, 4,000 a second, 80 s left",
        "30 %, 120,000 records, 4,000 a second, 70 s left",
    ]


def test_a_screen_gets_one_line_that_changes_and_an_end() -> None:
    out = Screen()
    meter, clock = run(out, [(second / 2, 500 * second, second / 20) for second in range(11)])
    *_, last = out.getvalue().split("\r")
    assert last == "[############............] 50 %, 5,000 records, 1,000 a second, 5 s left\x1b[K"
    assert "\n" not in out.getvalue()
    clock.at = 9
    meter.read()
    assert out.getvalue().endswith("\r\x1b[K5,000 records read in 9 s.\n")


def test_the_pace_is_that_of_the_last_ten_seconds() -> None:
    out = io.StringIO()
    run(out, [(second, 100_000 * min(second, 20) + 10 * max(second - 20, 0), None) for second in range(41)])
    assert out.getvalue().splitlines()[-1] == "2,000,200 records, 10 a second", "and nothing is said about an end that nobody knows"


def test_what_was_read_before_counts_neither_for_the_pace_nor_for_the_time() -> None:
    out = io.StringIO()
    meter, _ = run(out, [(0, 700_000, 0.7), (10, 700_000, 0.7), (20, 710_000, 0.71)])
    assert out.getvalue().splitlines() == ["70 %, 700,000 records", "71 %, 710,000 records, 1,000 a second, 5 min left"]
    meter.read()
    assert out.getvalue().splitlines()[-1] == "710,000 records read."


def test_days_that_are_still_to_be_counted_are_said_and_a_moments_work_is_not() -> None:
    out = io.StringIO()
    meter, clock = run(out, [(0, 1, 1.0)])
    meter.counting(3)
    meter.counted()
    assert out.getvalue() == ""
    clock.at = 11
    meter.counting(1_312)
    meter.counted()
    assert out.getvalue().splitlines() == ["Counting days: 1,312 left", "Days counted."]


def test_a_copy_that_takes_long_is_said_and_a_moments_copy_is_not() -> None:
    out, clock = Screen(), Clock()
    meter = Meter(out, clock)
    for clock.at, share in ((0.1, 0.4), (0.5, 0.6), (0.6, 1.0)):
        meter.keeping(share)
    assert out.getvalue().count("\r") == 1
    assert "[##############..........] Keeping a copy: 60 %" in out.getvalue()
