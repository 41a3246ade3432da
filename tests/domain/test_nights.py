"""Nights out of stages: sessions, sources, dates, naps, and the numbers of the night."""

import datetime as dt
import random
from zoneinfo import ZoneInfo

import pytest

from healthbox.domain.nights import Night, StageSpan, nights, stated_night

BERLIN = ZoneInfo("Europe/Berlin")
RANKS = {"watch": 1, "ring": 2, "phone": 3}


def local(ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ms / 1000, BERLIN)


def at(text: str, fold: int = 0) -> int:
    return int(dt.datetime.fromisoformat(f"2026-{text}").replace(tzinfo=BERLIN, fold=fold).timestamp() * 1000)


def span(name: str, start: str, end: str, stage: str, order: int = 0) -> StageSpan:
    return StageSpan(list(RANKS).index(name), name, RANKS[name], at(start), at(end), stage, order)  # type: ignore[arg-type]


def only(*spans: StageSpan) -> Night:
    found = nights(spans, local)
    assert len(found) == 1
    return found[0]


ALICE = [
    span("watch", "03-10 22:30", "03-11 07:00", "in_bed"),
    span("watch", "03-10 23:00", "03-11 01:00", "core"),
    span("watch", "03-11 01:00", "03-11 02:00", "deep"),
    span("watch", "03-11 02:00", "03-11 02:30", "awake"),
    span("watch", "03-11 02:30", "03-11 03:30", "rem"),
    span("watch", "03-11 03:30", "03-11 06:30", "core"),
]


def test_a_night_over_midnight_stands_on_its_wake_up_date() -> None:
    night = only(*ALICE)
    assert (night.date, night.source, night.name) == (dt.date(2026, 3, 11), 0, "watch")
    assert (night.start, night.end) == (at("03-10 23:00"), at("03-11 06:30"))
    assert (night.asleep, night.core, night.deep, night.rem, night.unspecified, night.awake) == (420, 300, 60, 60, 0, 30)
    assert (night.bed_start, night.bed_end, night.in_bed, night.latency) == (at("03-10 22:30"), at("03-11 07:00"), 510, 30)
    assert night.efficiency == pytest.approx(420 / 510)
    assert night.midpoint_ms == at("03-11 02:45")
    assert [stage for _, _, stage in night.spans] == ["core", "deep", "awake", "rem", "core"]
    assert (night.naps, night.alternates, night.estimated, night.stated) == ([], [], False, False)


def test_without_time_in_bed_efficiency_and_latency_are_unknown() -> None:
    night = only(*ALICE[1:])
    assert (night.efficiency, night.latency, night.in_bed, night.bed_start, night.asleep) == (None, None, None, None, 420)


def test_one_block_of_plain_sleep_knows_no_stages_and_no_waking() -> None:
    night = only(span("ring", "03-10 23:00", "03-11 06:00", "asleep_unspecified"))
    assert (night.asleep, night.unspecified, night.core, night.deep, night.rem, night.awake) == (420, 420, None, None, None, None)


def test_a_stage_outranks_the_wrapper_around_it() -> None:
    night = only(span("watch", "03-10 23:00", "03-11 06:00", "asleep_unspecified", 9), span("watch", "03-11 01:00", "03-11 02:00", "awake"))
    assert (night.asleep, night.awake) == (360, 60)


def test_the_later_statement_of_one_source_corrects_the_earlier() -> None:
    night = only(span("watch", "03-10 23:00", "03-11 06:00", "core", 2), span("watch", "03-11 01:00", "03-11 03:00", "deep", 1))
    assert (night.core, night.deep) == (420, 0)
    night = only(span("watch", "03-10 23:00", "03-11 06:00", "core", 1), span("watch", "03-11 01:00", "03-11 03:00", "deep", 2))
    assert (night.core, night.deep) == (300, 120)


def test_two_sources_of_one_night_are_never_stitched() -> None:
    ring = [span("ring", "03-10 22:00", "03-11 08:00", "asleep_unspecified"), span("ring", "03-10 21:45", "03-11 08:10", "in_bed")]
    night = only(*ALICE[1:], *ring)
    assert (night.name, night.asleep, night.in_bed) == ("watch", 420, None)
    assert night.alternates == [("ring", 600, at("03-10 22:00"), at("03-11 08:00"))]


def test_stages_win_over_rank() -> None:
    night = only(
        span("watch", "03-10 23:00", "03-11 06:00", "asleep_unspecified"),
        span("ring", "03-10 23:10", "03-11 05:00", "core"),
        span("ring", "03-11 05:00", "03-11 06:00", "rem"),
    )
    assert (night.name, night.rem) == ("ring", 60)


def test_pauses_of_ninety_minutes_are_the_same_sleep() -> None:
    night = only(span("watch", "03-10 23:00", "03-11 02:00", "core"), span("watch", "03-11 03:30", "03-11 06:00", "core"))
    assert (night.asleep, night.awake) == (330, 90)


def test_a_night_broken_for_under_three_hours_is_one_night() -> None:
    night = only(
        span("watch", "03-10 23:00", "03-11 02:00", "core"),
        span("watch", "03-11 02:00", "03-11 04:30", "awake"),
        span("watch", "03-11 04:30", "03-11 08:00", "core"),
    )
    assert (night.asleep, night.awake, night.naps) == (390, 150, [])


def test_a_longer_break_makes_the_shorter_part_a_nap() -> None:
    night = only(span("watch", "03-10 22:00", "03-11 00:30", "core"), span("watch", "03-11 04:00", "03-11 09:00", "core"))
    assert (night.asleep, night.naps) == (300, [(at("03-10 22:00"), at("03-11 00:30"), 150)])


def test_a_nap_in_the_afternoon_stands_apart() -> None:
    night = only(*ALICE, span("watch", "03-11 14:00", "03-11 14:40", "core"))
    assert (night.asleep, night.naps) == (420, [(at("03-11 14:00"), at("03-11 14:40"), 40)])


def test_a_date_with_only_naps_has_no_night() -> None:
    night = only(span("watch", "03-11 10:00", "03-11 10:30", "core"), span("watch", "03-11 14:00", "03-11 14:40", "core"))
    assert (night.source, night.asleep, len(night.naps), night.spans) == (None, None, 2, [])


def test_a_shift_worker_sleeps_by_day() -> None:
    night = only(span("watch", "03-11 09:30", "03-11 16:00", "core"))
    assert (night.asleep, night.naps) == (390, [])


def test_time_in_bed_alone_is_an_estimate_without_sleep() -> None:
    night = only(span("phone", "03-10 22:30", "03-11 02:00", "in_bed"), span("phone", "03-11 02:20", "03-11 06:30", "in_bed"))
    assert (night.estimated, night.asleep, night.efficiency, night.in_bed) == (True, None, None, 460)
    assert (night.start, night.end) == (at("03-10 22:30"), at("03-11 06:30"))


def test_time_in_bed_makes_no_night_where_somebody_saw_sleep() -> None:
    assert only(*ALICE, span("phone", "03-10 23:30", "03-11 06:00", "in_bed")).name == "watch"


def test_one_stay_in_bed_is_not_lent_to_two_sleeps_at_once() -> None:
    evening, night = nights(
        [
            span("watch", "03-10 19:00", "03-11 07:00", "in_bed"),
            span("watch", "03-10 19:30", "03-10 20:00", "core"),
            span("watch", "03-11 00:00", "03-11 07:00", "core"),
        ],
        local,
    )
    assert (evening.date.day, evening.asleep, len(evening.naps)) == (10, None, 1)
    assert night.bed_start == at("03-10 20:00")


def test_nonsense_spans_are_dropped() -> None:
    odd = [span("watch", "03-11 06:00", "03-11 06:00", "core"), span("watch", "03-11 07:00", "03-13 08:00", "core")]
    assert nights([*ALICE, *odd], local) == nights(ALICE, local)


@pytest.mark.parametrize(("evening", "morning", "asleep"), [("03-28 23:00", "03-29 07:00", 420), ("10-24 23:00", "10-25 07:00", 540)])
def test_clock_changes_are_slept_through_in_elapsed_time(evening: str, morning: str, asleep: float) -> None:
    night = only(span("watch", evening, morning, "core"))
    assert (night.asleep, night.date) == (asleep, local(at(morning)).date())


def test_years_of_two_sources_in_any_order() -> None:
    first = at("01-01 23:00")
    spans = [
        StageSpan(source, name, RANKS[name], begin, begin + 7 * 3_600_000, "core", 0)
        for night in range(400)
        for source, name, begin in ((0, "watch", first + night * 86_400_000), (1, "ring", first + night * 86_400_000 + 600_000))
    ]
    expected = nights(spans, local)
    assert len(expected) == 400
    assert all(night.name == "watch" and len(night.alternates) == 1 for night in expected)
    random.Random(3).shuffle(spans)
    assert nights(spans, local) == expected


def test_a_window_gives_the_same_night_as_the_whole() -> None:
    more = [span("watch", "03-11 23:10", "03-12 06:10", "core"), span("watch", "03-09 23:10", "03-10 06:10", "core")]
    assert next(n for n in nights([*ALICE, *more], local) if n.date == dt.date(2026, 3, 11)) == only(*ALICE)


def test_a_stated_night_keeps_what_was_said_and_invents_nothing() -> None:
    said = stated_night(
        dt.date(2026, 3, 11),
        "export",
        start=at("03-10 23:00"),
        end=at("03-11 06:30"),
        in_bed_start=at("03-10 22:45"),
        in_bed_end=at("03-11 06:45"),
        core=300,
        deep=60,
        rem=60,
    )
    assert said is not None
    assert (said.asleep, said.in_bed, said.latency, said.awake, said.stated) == (420, 480, 15, None, True)
    assert said.efficiency == pytest.approx(420 / 480)
    bare = stated_night(dt.date(2026, 3, 11), "export", start=at("03-10 23:00"), end=at("03-11 06:30"))
    assert bare is not None
    assert (bare.asleep, bare.efficiency, bare.in_bed, bare.latency) == (None, None, None, None)
    assert stated_night(dt.date(2026, 3, 11), "export", start=None, end=None, asleep=400) is None
