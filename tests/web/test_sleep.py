"""The page Sleep: nights at their true length, on their own clock, and nothing that nobody measured."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from place import Place

from healthbox.analytics import baseline
from healthbox.domain.nights import StageSpan, nights
from healthbox.pipeline.fold import night_json
from healthbox.render import duration
from healthbox.store import days
from healthbox.store.series import Registry
from healthbox.web import rhythm
from healthbox.web.slots import slotted

BERLIN = ZoneInfo("Europe/Berlin")
DAY = dt.timedelta(days=1)
MINUTE = 60_000
TODAY = dt.date(2026, 11, 20)
CYCLE = (("core", 60), ("deep", 50), ("rem", 40), ("awake", 10), ("core", 120), ("deep", 20), ("rem", 60), ("awake", 5), ("core", 60))


@pytest.fixture
def place(place: Place) -> Place:
    place.clock.at = ms(TODAY, 8)
    return place


def ms(date: dt.date, hour: int, minute: int = 0, zone: ZoneInfo = BERLIN) -> int:
    return int(dt.datetime.combine(date, dt.time(hour, minute), zone).timestamp()) * 1000


def slept(date: dt.date, *, start: int | None = None, cycle: Iterable[tuple[str, int]] = CYCLE, zone: ZoneInfo = BERLIN,
          name: str = "Watch", in_bed: bool = True, scale: float = 1.0) -> dict[str, object]:  # fmt: skip
    """A night as the fold writes it, begun at 23:30 of its own zone unless ``start`` says when."""
    at = begun = ms(date - DAY, 23, 30, zone) if start is None else start
    spans = []
    for stage, minutes in cycle:
        end = at + round(minutes * scale) * MINUTE
        spans.append(StageSpan(source=1, name=f"{name}\x00watch", rank=1, start=at, end=end, stage=stage, order=1))  # type: ignore[arg-type]
        at = end
    if in_bed:
        spans.append(StageSpan(source=1, name=f"{name}\x00watch", rank=1, start=begun - 10 * MINUTE, end=at, stage="in_bed", order=1))
    (night,) = nights(spans, lambda instant: dt.datetime.fromtimestamp(instant / 1000, zone))
    return night_json(night, str(zone))


def keep(place: Place, *found: dict[str, object], name: str = "Alice") -> None:
    with place.database.writing() as c:
        days.put_nights(c, place.persons[name], {str(night["date"]): night for night in found}, [])


def live(place: Place, count: int, name: str = "Alice", *, but: Iterable[int] = (), last: dt.date = TODAY) -> None:
    keep(place, *(slept(last - DAY * back, scale=1 + back % 5 / 50) for back in range(count) if back not in but), name=name)


def beat(place: Place, start: int, end: int, *, every: int = 300, name: str = "Alice") -> None:
    """A pulse every ``every`` seconds, 60 but for one reading of 47."""
    with place.database.writing() as c:
        person = place.persons[name]
        source = c.exec_driver_sql(
            "INSERT INTO source (person_id, name, kind, created_at) VALUES (?, 'Watch', 'watch', 0) RETURNING id", (person,)
        ).scalar_one()
        series = Registry(c, person).series("heart_rate", source)
        times = list(range(start // 1000, end // 1000, every))
        rows = [(series, at, at, "", 47 if index == 20 else 60, 1) for index, at in enumerate(times)]
        c.exec_driver_sql('INSERT INTO sample (series_id, start, "end", tag, value, batch_id) VALUES (?,?,?,?,?,?)', rows)


def page(place: Place, path: str = "/sleep", login: str = "alice") -> str:
    answer = place.browser(login).client.get(path)
    assert answer.status_code == 200, answer.text
    assert not re.search(r"\b(None|nan|NaN|undefined)\b", answer.text)
    assert " style=" not in answer.text
    return unescape(answer.text).replace("\xa0", " ")


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def card(html: str, name: str) -> str:
    found = re.search(rf'<section class="card[^"]*" aria-labelledby="{name}-h".*?</section>', html, re.DOTALL)
    assert found, name
    return found[0]


def test_the_night_says_what_the_api_says(place: Place) -> None:
    live(place, 60)
    beat(place, ms(TODAY - DAY, 23, 30), ms(TODAY, 6, 35))
    night = place.client().get("/api/v1/nights?from=2026-11-20&to=2026-11-20", headers=place.bearer("Alice")).json["nights"][0]
    html = page(place)
    assert f"<h1>{duration(night['asleep'])} asleep, " in html
    shown = words(card(html, "night"))
    assert "Fell asleep 23:30 10 min after lying down" in shown
    assert f"Efficiency {round(night['efficiency'] * 100)} % of {duration(night['in_bed'])} in bed" in shown
    assert f"Woke in between 2 times {duration(night['stages']['awake'])} in all" in shown
    assert "Lowest pulse 47 bpm" in shown
    assert "Measured by Watch ." in shown
    stages = words(card(html, "stages"))
    for stage in ("deep", "core", "rem", "awake"):
        hours, _, unit = duration(night["stages"][stage]).rpartition(" ")
        assert f"{hours} {unit}" in stages


def test_the_table_of_the_hypnogram_is_the_spans_of_the_api(place: Place) -> None:
    live(place, 1)
    spans = place.client().get("/api/v1/nights?from=2026-11-20&to=2026-11-20", headers=place.bearer("Alice")).json["nights"][0]["spans"]
    assert len(re.findall(r"<tr data-x", card(page(place), "night"))) == len(spans) == len(CYCLE)


def test_pulse_and_stages_share_the_axis_and_a_pause_is_a_gap(place: Place) -> None:
    live(place, 20)
    start, end = ms(TODAY - DAY, 23, 30), ms(TODAY, 6, 35)
    beat(place, start, start + 120 * MINUTE)
    with place.database.writing() as c:
        c.exec_driver_sql("DELETE FROM sample WHERE start BETWEEN ? AND ?", (start // 1000 + 3600, start // 1000 + 5400))
    html = card(page(place), "night")
    pulse = html[html.index('id="pul"') :]
    assert len(re.findall(r'class="ln heart"', pulse)) == 2, "the line breaks where nothing was measured"
    assert pulse.count('class="nodata" x=') == 2 + 1, "the pause, the rest of the night, and the key"
    hours = re.findall(r'<text class="m?" x="([\d.]+)%"[^>]*>(\d\d:00)</text>', html)
    assert len(hours) > 6
    assert hours[: len(hours) // 2] == hours[len(hours) // 2 :]
    assert "no readings" in words(pulse)
    assert end > start


def test_the_pulse_of_a_second_by_second_strap_stays_bounded(place: Place) -> None:
    live(place, 20)
    beat(place, ms(TODAY - DAY, 23, 30), ms(TODAY, 6, 35), every=1)
    html = card(page(place), "night")
    assert len(re.findall(r"<tr data-x", html)) < 100
    assert "Lowest pulse 47 bpm" in words(html)


def test_a_night_over_a_clock_change_has_its_true_length(place: Place) -> None:
    place.clock.at = ms(dt.date(2026, 10, 25), 9)
    keep(place, slept(dt.date(2026, 10, 25)))
    html = page(place, "/sleep/2026-10-25")
    assert "The clocks went back that night; it is drawn at its true length." in html
    shown = card(html, "night")
    marks = re.findall(r'<text class="m?" x="([\d.]+)%"[^>]*>02:00</text>', shown)
    length = sum(minutes for _, minutes in CYCLE) - 0
    assert [float(at) for at in marks] == [pytest.approx(100 * minutes / length, abs=0.01) for minutes in (150, 210)]
    assert "Asleep 23:30–05:35" in shown, "seven hours and five minutes, an hour less on the clock"


def test_a_night_elsewhere_is_told_on_its_own_clock(place: Place) -> None:
    keep(place, slept(TODAY, zone=ZoneInfo("Asia/Tokyo"), start=ms(TODAY - DAY, 23, 30, ZoneInfo("Asia/Tokyo"))))
    html = page(place)
    assert "Times are on the clock of that night (Tokyo)." in html
    assert "Asleep 23:30–06:35" in html


def test_a_source_without_stages_has_no_empty_lanes(place: Place) -> None:
    keep(place, slept(TODAY, cycle=(("asleep_unspecified", 200), ("awake", 10), ("asleep_unspecified", 180))))
    html = page(place)
    assert "the source tells no stages" in html
    lanes = card(html, "night")
    assert ">Deep<" not in lanes
    assert ">REM<" not in lanes
    assert lanes.count('class="track"') == 2


def test_without_time_in_bed_there_is_a_reason_not_an_efficiency(place: Place) -> None:
    keep(place, slept(TODAY, in_bed=False))
    shown = words(card(page(place), "night"))
    assert "Efficiency time in bed not recorded" in shown
    assert "Lowest pulse no pulse was measured" in shown


def test_other_sources_of_the_night_are_named_with_the_rule(place: Place) -> None:
    night = slept(TODAY)
    night["alternates"] = [["Oura", 421.0, night["start"], night["end"]]]
    keep(place, night)
    assert "Oura measured too (7 h 01 min asleep). One source counts per night" in words(card(page(place), "night"))


def test_a_stated_night_shows_what_is_stated_and_no_more(place: Place) -> None:
    live(place, 60, but=[0])
    night = slept(TODAY) | {"stated": True, "spans": [], "start": None, "end": None, "midpoint_ms": None, "zone": "", "efficiency": None,
                            "latency": None, "in_bed": None, "bed_start": None, "bed_end": None}  # fmt: skip
    keep(place, night)
    html = page(place)
    assert "Watch states this night as a whole; it tells no course of the night." in html
    assert 'id="hyp"' not in html
    shown = words(card(html, "night"))
    assert "Fell asleep not stated" in shown
    assert "Efficiency time in bed not stated" in shown
    assert "no data, or no times stated" in words(card(html, "nights"))


def test_a_missing_night_is_hatched_with_the_reason(place: Place) -> None:
    live(place, 60, but=[4])
    html = page(place, "/sleep/2026-11-16")
    assert "<h1>No sleep was recorded for this night.</h1>" in html
    assert "Watch sent nothing from that night." in html
    assert 'class="nodata" x="0.0%" width="100.0%"' in card(html, "night")
    assert 'id="stages"' not in html
    assert "no times this night" in words(card(html, "rhythm"))


def test_last_night_may_not_be_here_yet(place: Place) -> None:
    live(place, 60, but=[0])
    html = page(place)
    assert "<h1>No data for last night yet.</h1>" in html
    assert 'href="/sleep/2026-11-19">Latest night: ' in html


def test_a_pulse_without_sleep_says_that_the_watch_was_worn(place: Place) -> None:
    live(place, 30, but=[4])
    beat(place, ms(TODAY - 5 * DAY, 23), ms(TODAY - 4 * DAY, 6))
    assert "Watch measured a pulse that night, but nothing told sleep." in page(place, "/sleep/2026-11-16")


def test_missing_nights_are_hatched_among_the_fourteen(place: Place) -> None:
    live(place, 60, but=[4, 9])
    html = card(page(place), "nights")
    assert html.count('class="nodata" x=') == 2 + 1, "two nights and the key"
    assert html.count('class="bar sleep') == 13 - 1 + 1, "twelve nights and the swatch of the key"
    assert html.count("<td>no data</td>") == 4
    assert "12 of 14 nights" in html


def test_learning_shows_how_far_and_no_band(place: Place) -> None:
    live(place, 9)
    html = page(place)
    assert "Learning your usual: 9 of 14 nights" in html
    assert 'class="bandf" width="100%"' not in card(html, "nights")
    assert "Learning your usual: 9 of 14 nights" in words(card(html, "stages"))


def test_without_any_night_the_page_says_where_they_come_from(place: Place) -> None:
    html = page(place)
    assert "No night has arrived yet." in html
    assert "<figure" not in html


def test_bob_never_sees_a_night_of_alice(place: Place) -> None:
    live(place, 40)
    assert "No night has arrived yet." in page(place, "/sleep/2026-11-20", "bob")
    live(place, 1, "Bob")
    html = page(place, "/sleep", "bob")
    assert "1 of 14 nights" in html


@pytest.mark.parametrize("path", ["/sleep/2026-11-21", "/sleep/2027-01-01", "/sleep/yesterday", "/sleep/2026-13-01", "/sleep/0001-01-01"])
def test_nights_that_cannot_be_are_not_found(place: Place, path: str) -> None:
    live(place, 3)
    assert place.browser().client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("kind", "bars", "heading"), [("90d", 60, "Ninety nights"), ("year", 9, "A year of weeks"), ("all", 3, "All months")]
)
def test_the_tabs_are_links_to_longer_ranges(place: Place, kind: str, bars: int, heading: str) -> None:
    live(place, 60)
    html = card(page(place, f"/sleep?range={kind}"), "nights")
    assert heading in html
    assert html.count('class="bar sleep') == bars + 1, "the bars and the swatch of the key"
    assert f'href="/sleep/2026-11-20?range={kind}" aria-current="true"' in html


def test_an_unknown_range_is_the_usual_one(place: Place) -> None:
    live(place, 3)
    assert "Fourteen nights" in page(place, "/sleep?range=7w")


def test_naps_are_counted_where_something_was_recorded(place: Place) -> None:
    night = slept(TODAY)
    night["naps"] = [[ms(TODAY, 7), ms(TODAY, 7, 34), 34.0]]
    live(place, 20, but=[0])
    keep(place, night)
    assert "Naps, 14 days 1 34 min in all" in words(card(page(place), "rhythm"))
    assert "Nap: 07:00 to 07:34." in page(place)


def test_a_day_of_naps_alone_is_no_night(place: Place) -> None:
    live(place, 20, but=[0])
    keep(place, slept(TODAY, start=ms(TODAY, 13), cycle=(("core", 40),), in_bed=False))
    place.clock.at = ms(TODAY, 15)
    html = page(place)
    assert "<h1>Only naps were recorded for this day.</h1>" in html
    assert "Nap: 13:00 to 13:40." in html
    assert 'class="nodata" x="0.0%" width="100.0%"' in card(html, "night")


def test_time_in_bed_alone_is_not_called_sleep(place: Place) -> None:
    live(place, 20, but=[0])
    keep(place, slept(TODAY, cycle=(("in_bed", 480),), in_bed=False))
    html = page(place)
    assert "<h1>8 h 00 min in bed. Sleep itself was not measured.</h1>" in html
    assert "In bed 23:30 to 07:30" in words(card(html, "night"))
    assert 'id="stages"' not in html
    assert "13 of 14 nights" in html


def test_the_title_and_the_address_carry_no_value(place: Place) -> None:
    live(place, 20)
    assert "<title>Sleep · healthbox</title>" in page(place)


def test_identical_nights_are_perfectly_regular() -> None:
    on = dt.date(2026, 10, 24)
    held = {on - DAY * back: slept(on - DAY * back) for back in range(28)}
    assert rhythm.sleep_regularity(held, on, ms(on - DAY * 28, 12)) == pytest.approx(100)
    few = {date: night for date, night in held.items() if date > on - DAY * 5}
    assert rhythm.sleep_regularity(few, on, ms(on - DAY * 28, 12)) is None


def test_a_clock_change_is_hardly_an_irregularity() -> None:
    held = {TODAY - DAY * back: slept(TODAY - DAY * back) for back in range(28)}
    assert rhythm.sleep_regularity(held, TODAY, ms(TODAY - DAY * 28, 12)) == pytest.approx(100, abs=1)


def test_minutes_count_from_the_noon_before() -> None:
    assert rhythm.minute(dt.datetime(2026, 11, 19, 23, 41, tzinfo=BERLIN), TODAY) == 701
    assert rhythm.minute(dt.datetime(2026, 11, 20, 7, 5, tzinfo=BERLIN), TODAY) == 1145


def test_drift_needs_two_full_months() -> None:
    moved = [(TODAY - DAY * back, 700.0 if back >= 28 else 731.0) for back in range(56)]
    assert rhythm.drift(moved, TODAY) == 31
    assert rhythm.drift(moved[:40], TODAY) is None


def test_the_place_in_the_usual_has_five_words() -> None:
    usual = baseline.Baseline(42, 400.0, 20.0, 360.0, 440.0, learning=False)
    assert [rhythm.place(value, usual) for value in (350, 365, 400, 435, 450)] == ["below", "short", "usual", "long", "above"]


def test_a_slot_is_as_wide_as_the_source_is_slow() -> None:
    readings = [(minute * MINUTE, 60.0) for minute in range(0, 240, 20)]
    slots = slotted(readings, 0, 480 * MINUTE, least=5 * MINUTE)
    assert slots.values[: 4 * 60 * MINUTE // slots.step - 1].count(None) == 0
    assert slots.values[-1] is None
    assert slotted([], 0, MINUTE, least=MINUTE).values == (None,)
