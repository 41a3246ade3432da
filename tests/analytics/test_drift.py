"""Why our day and the stated one differ: only what the facts can account for, and never a guess."""

import datetime as dt

import pytest

from healthbox.analytics import drift
from healthbox.analytics.drift import Cause, Day, Part, Statement

DATE = dt.date(2025, 11, 18)
NOON = 1_763_460_000_000
WATCH, PHONE = Part("Apple Watch", 3000, 3000, 0), Part("iPhone", 800, 2040, 1240)


def day(ours: float, stated: float, *, final: bool = True, as_of: int | None = NOON, sources: tuple[str, ...] = (), **more) -> Day:
    return Day(date=DATE, ours=ours, stated=Statement("health-auto-export", stated, as_of, final, sources), **more)


def codes(told: Day) -> list[str]:
    return [cause.code for cause in drift.causes(told)]


def test_equal_numbers_need_no_cause():
    assert drift.causes(day(8990, 8990, final=False, zones=("Europe/Berlin", "Asia/Tokyo"), hours=16)) == []


@pytest.mark.parametrize("stated", [1001, 1005, 995.1])
def test_less_than_half_a_percent_is_rounding_and_nothing_else(stated):
    assert drift.causes(day(1000, stated, final=False, coverage=0.1)) == [Cause("rounding")]


def test_just_over_half_a_percent_is_not_rounding():
    assert codes(day(1000, 1006)) == ["unknown"]


def test_a_statement_made_before_the_days_end_explains_that_we_count_more():
    assert drift.causes(day(1000, 700, final=False)) == [Cause("early", at=NOON)]


def test_a_statement_made_before_the_days_end_does_not_explain_that_we_count_less():
    assert codes(day(700, 1000, final=False)) == ["unknown"]


def test_of_a_mean_an_early_statement_explains_either_way():
    assert codes(day(60, 66, final=False, added=False)) == codes(day(66, 60, final=False, added=False)) == ["early"]


def test_a_journey_is_named_with_both_zones():
    assert drift.causes(day(1000, 1200, hours=16, zones=("Europe/Berlin", "Asia/Tokyo"))) == [
        Cause("zone", name="Europe/Berlin → Asia/Tokyo")
    ]


@pytest.mark.parametrize("hours", [23.0, 25.0])
def test_the_day_on_which_clocks_change_is_named_with_its_hours(hours):
    assert drift.causes(day(1000, 1200, hours=hours, zones=("Europe/Berlin",))) == [Cause("clock", value=hours)]


def test_both_sources_added_up_is_recognised():
    assert drift.causes(day(3800, 5040, parts=[WATCH, PHONE])) == [Cause("doubled", value=1240)]


def test_one_source_alone_is_recognised():
    assert drift.causes(day(3800, 3000, parts=[WATCH, PHONE])) == [Cause("alone", name="Apple Watch", value=3000)]
    assert drift.causes(day(3800, 2040, parts=[WATCH, PHONE])) == [Cause("alone", name="iPhone", value=2040)]


def test_what_overlapped_is_named_with_how_much_was_left_out():
    assert drift.causes(day(3800, 4600, parts=[WATCH, PHONE])) == [Cause("overlap", name="iPhone", value=1240)]


def test_a_source_that_gave_nothing_was_left_out_by_rank():
    parts = [WATCH, Part("Oura", 0, 2500, 2500)]
    assert drift.causes(day(3000, 4500, parts=parts)) == [Cause("left_out", name="Oura", value=2500)]


def test_too_small_an_overlap_does_not_explain_a_large_gap():
    assert codes(day(3800, 9000, parts=[WATCH, PHONE])) == ["unknown"]


def test_an_overlap_does_not_explain_that_we_count_more():
    assert codes(day(3800, 3400, parts=[WATCH, PHONE])) == ["unknown"]


def test_a_single_source_is_neither_alone_nor_doubled():
    assert codes(day(3000, 3600, parts=[WATCH])) == ["unknown"]


def test_a_source_only_the_statement_names_is_missing_here():
    assert drift.causes(day(3000, 4000, parts=[WATCH], sources=("Apple Watch", "Oura"))) == [Cause("missing", name="Oura")]


def test_a_missing_source_does_not_explain_that_we_count_more():
    assert codes(day(4000, 3600, parts=[WATCH], sources=("Apple Watch", "Oura"))) == ["unknown"]


def test_a_source_only_we_count_is_named_with_its_part():
    found = drift.causes(day(3800, 3200, parts=[WATCH, PHONE], sources=("Apple Watch",)))
    assert found == [Cause("extra", name="iPhone", value=800)]


def test_a_source_that_gave_a_hair_is_no_reason_for_a_gulf():
    parts = [WATCH, Part("iPhone", 20, 20, 0)]
    assert codes(day(3020, 1500, parts=parts, sources=("Apple Watch",))) == ["unknown"]


def test_a_statement_without_names_says_nothing_of_sources():
    assert codes(day(3000, 4000, parts=[WATCH], sources=())) == ["unknown"]


def test_fewer_hours_than_usual_explain_that_we_count_less():
    assert drift.causes(day(500, 1000, coverage=0.3, usual_coverage=0.7)) == [Cause("coverage", share=0.3, usual=0.7)]


def test_fewer_hours_do_not_explain_that_we_count_more():
    assert codes(day(1000, 500, coverage=0.3, usual_coverage=0.7)) == ["unknown"]


def test_a_usual_night_without_steps_is_no_gap():
    assert codes(day(500, 1000, coverage=0.65, usual_coverage=0.7)) == ["unknown"]


def test_where_the_numbers_fit_few_hours_explain_nothing_more():
    assert codes(day(3800, 5040, parts=[WATCH, PHONE], coverage=0.1, usual_coverage=0.7)) == ["doubled"]


def test_without_a_usual_less_than_half_a_day_counts_as_a_gap():
    assert drift.causes(day(500, 1000, coverage=0.4)) == [Cause("coverage", share=0.4)]
    assert codes(day(500, 1000, coverage=0.6)) == ["unknown"]


def test_readings_passed_over_are_counted_for_a_mean():
    parts = [Part("Apple Watch", 200, 200, 0), Part("Oura", 3, 15, 12), Part("Strap", 0, 4, 4)]
    found = drift.causes(day(60, 66, added=False, parts=parts))
    assert found == [Cause("overlap", name="Oura", value=12), Cause("left_out", name="Strap", value=4)]


def test_another_app_that_agrees_with_us_is_named():
    other = Statement("healthsave", 1003)
    assert drift.causes(day(1000, 1300, others=[other])) == [Cause("other", name="healthsave", value=1003)]
    assert codes(day(1000, 1300, others=[Statement("healthsave", 1290)])) == ["unknown"]


def test_naps_in_a_stated_night_are_recognised():
    assert drift.causes(day(400, 440, naps=40)) == [Cause("naps", value=40)]
    assert codes(day(400, 470, naps=40)) == ["unknown"]


def test_several_facts_stand_together_the_most_telling_first():
    told = day(1000, 1500, hours=23, coverage=0.2, usual_coverage=0.6, parts=[WATCH], sources=("Oura",))
    assert codes(told) == ["clock", "missing", "coverage"]


def test_nothing_stated_has_no_share_but_a_cause():
    assert drift.share(1000, 0) is None and drift.share(0, 0) == 0.0
    assert codes(day(1000, 0, final=False)) == ["early"]
    assert codes(day(1000, 0)) == ["unknown"]


def test_the_share_is_of_what_was_stated():
    assert drift.share(900, 1000) == pytest.approx(-0.1)
    assert drift.share(-0.5, -1.0) == pytest.approx(0.5)


def test_the_summary_counts_what_lies_within_one_percent():
    assert drift.summary([0.0, 0.01, -0.0101, 0.5]) == drift.Summary(4, 2, pytest.approx(0.005))
    assert drift.summary([None, -0.2]) == drift.Summary(2, 0, -0.2)
    assert drift.summary([]) == drift.Summary(0, 0, None)


def test_coverage_is_usual_from_seven_days_on():
    assert drift.usual_coverage([0.5] * 6) is None
    assert drift.usual_coverage([0.5, 0.6, 0.7, 0.7, 0.8, 0.9, 0.7, None]) == 0.7
