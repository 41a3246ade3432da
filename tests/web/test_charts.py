"""Geometry by number: what is drawn where, and that nothing is drawn where nothing was measured."""

import pytest

from healthbox.web import charts


def test_a_line_breaks_where_a_day_is_missing() -> None:
    plot = charts.line([50, 52, None, None, 51, 53], (48, 56), smooth=False)
    assert len(plot.lines) == 2
    assert plot.gaps == (charts.Span(33.33, 33.33),)
    assert [path.count("L") for path in plot.lines] == [1, 1]


def test_hatched_marks_count_the_missing_days() -> None:
    values = [None, 4.0, None, None, 5.0, None]
    assert sum(count for _, count in charts.holes(values)) == values.count(None)
    assert charts.holes(values) == [(0, 1), (2, 2), (5, 1)]


def test_a_lone_reading_between_gaps_is_still_seen() -> None:
    assert charts.runs([None, (500.0, 20.0), None]) == ("M500 20L500 20",)


def test_the_running_median_never_fills_a_missing_day() -> None:
    assert charts.running_median([1, None, 9, 2], window=3) == [1, None, 5.0, 5.5]


def test_the_band_is_drawn_to_the_same_scale_as_the_values() -> None:
    plot = charts.line([52.0, 57.0], (52.0, 57.0), smooth=False)
    (band,) = plot.bands
    assert plot.dots[-1].y == band.at
    assert plot.lines == (f"M250 {band.at + band.size:g}L750 {band.at:g}",)


@pytest.mark.parametrize(("value", "state"), [(51.9, "below"), (52, "usual"), (57, "usual"), (57.1, "above")])
def test_a_reading_stands_above_in_or_below_the_usual(value: float, state: str) -> None:
    assert charts.strip(value, (52, 57)).state == state
    assert charts.line([55, value], (52, 57)).dots[-1].state == state


def test_bands_of_different_readings_stand_in_line_and_far_values_stay_on_the_track() -> None:
    pulse, oxygen = charts.strip(500, (52, 57)), charts.strip(80, (95, 98))
    assert pulse.band == oxygen.band
    assert (pulse.mark, oxygen.mark) == (97.0, 3.0)


def test_a_missing_reading_has_no_mark() -> None:
    so_far = charts.strip(30, (52, 57), partial=True)
    assert (so_far.state, so_far.mark, len(so_far.past)) == ("partial", None, 1), "a day that is not over is marked, not judged"
    nothing = charts.strip(None, (52, 57))
    assert (nothing.state, nothing.mark) == ("none", None)
    assert charts.strip(None, None).state == "none"


def test_while_learning_the_past_nights_stand_as_dots_without_a_band() -> None:
    learning = charts.strip(55, None, [53, None, 57])
    assert (learning.state, learning.band, len(learning.past)) == ("learning", None, 2)
    assert learning.mark is not None
    assert learning.past[0] < learning.mark < learning.past[1]


def test_a_first_ever_reading_stands_in_the_middle() -> None:
    assert charts.strip(55, None).mark == 50.0


def test_bars_start_at_zero_and_a_covered_day_with_nothing_is_no_gap() -> None:
    plot = charts.bars([100.0, 0.0, None, 50.0])
    first, nothing, last = plot.bars
    assert first.y + first.height == pytest.approx(plot.bottom)
    assert (nothing.height, nothing.y) == (0.0, plot.bottom)
    assert last.height == pytest.approx(first.height / 2, abs=0.1)
    assert plot.gaps == (charts.Span(50.0, 25.0),)


def test_a_running_day_is_hollow_and_a_finished_one_is_not() -> None:
    assert charts.bars([1.0, 2.0], partial=True).bars[-1].state == "partial"
    assert charts.bars([1.0, 2.0]).bars[-1].state == "last"
    assert charts.line([1.0, 2.0], partial=True).dots[-1].state == "partial"


def test_a_usual_that_differs_by_weekday_is_stepped_and_one_that_does_not_is_a_band() -> None:
    stepped = charts.bars([1.0, 2.0, 3.0], [(1, 2), (1, 3), None])
    assert (stepped.bands, stepped.area.count("M"), stepped.edge.count("M")) == ((), 2, 4)
    level = charts.bars([1.0, 2.0], [(1, 2), (1, 2)])
    assert (len(level.bands), level.area) == (1, "")


def test_ranges_reach_from_least_to_most_around_the_mean() -> None:
    plot = charts.minmax([(48, 66, 151), None, (50, 70, 120)])
    bar, dot = plot.bars[0], plot.dots[0]
    assert bar.y < dot.y < bar.y + bar.height
    assert len(plot.bars) == 2
    assert len(plot.gaps) == 1


def test_rare_readings_are_joined_and_long_silences_are_dotted() -> None:
    values: list[float | None] = [None] * 40
    values[0], values[3], values[30] = 78.0, 77.8, 77.0
    plot = charts.readings(values)
    assert len(plot.dots) == 3
    assert plot.gaps == ()
    assert len(plot.broken) == 1
    assert plot.lines[0].count("L") == 1


@pytest.mark.parametrize("bounds", [(0, 11_000), (46.2, 71.9), (-0.6, 0.7), (0, 0.003), (95, 95.5), (0, 1e7)])
def test_an_axis_has_two_to_four_round_values_inside(bounds: tuple[float, float]) -> None:
    steps = charts.round_steps(*bounds)
    assert 2 <= len(steps) <= 4
    assert all(bounds[0] <= step <= bounds[1] for step in steps)


def test_equal_values_still_have_a_scale_to_stand_on() -> None:
    low, high = charts.fitted([60, 60], least=2)
    assert low < 59.1 < 60.9 < high
    assert charts.line([60.0, 60.0]).dots[0].y == pytest.approx(charts.line([7.0, 7.0]).dots[0].y)


@pytest.mark.parametrize("values", [[], [None], [None, None]])
def test_nothing_measured_draws_nothing(values: list[float | None]) -> None:
    for plot in (charts.spark(values), charts.line(values), charts.bars(values), charts.readings(values)):
        assert (plot.lines, plot.dots, plot.bars) == ((), (), ())


def test_a_spark_is_hatched_from_neighbour_to_neighbour_where_days_are_missing() -> None:
    assert charts.spark([1.0, None, None, 4.0, None]).gaps == (charts.Span(0, 75), charts.Span(75, 25))
    assert charts.spark([1.0, 2.0, 3.0]).gaps == ()
    assert charts.spark([None, None]).gaps == (), "nothing at all is no gap in something"


def test_a_spark_whose_last_day_is_missing_marks_no_last_value() -> None:
    assert charts.spark([1.0, 2.0, None]).dots == ()


def test_labels_thin_out_from_the_last_one() -> None:
    thin = charts.thinned([str(day) for day in range(1, 31)], most=8)
    assert [text for text in thin if text] == ["2", "6", "10", "14", "18", "22", "26", "30"]
