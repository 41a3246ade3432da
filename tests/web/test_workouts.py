"""The pages of workouts: a month of them, and one with its pulse, its way and its splits."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from html import unescape
from statistics import fmean
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from place import Place

from healthbox.domain import ground
from healthbox.domain.clock import ZoneHistory
from healthbox.store import people, sources
from healthbox.store.workouts import pack
from healthbox.web import splits, workout_words
from healthbox.web.wallclock import Reader

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = dt.date(2026, 11, 20)
MINUTE = 60_000
START = int(dt.datetime(2026, 11, 19, 18, 10, tzinfo=BERLIN).timestamp()) * 1000
RUN = {"duration": 1800.0, "distance": 6000.0, "heart_rate_avg": 148.0, "heart_rate_max": 171.0, "energy": 420.0, "elevation_up": 84.0}
BARE = ZoneHistory([(0, "Europe/Berlin")])


@pytest.fixture
def place(place: Place) -> Place:
    place.clock.at = int(dt.datetime(2026, 11, 20, 8, tzinfo=BERLIN).timestamp()) * 1000
    return place


def add(place: Place, name: str = "Alice", *, activity: str = "running", start: int = START, minutes: float = 30, zone: str | None = None,
        totals: dict[str, float] | None = None, series: dict[str, Any] | None = None, route: list[Any] | None = None,
        laps: list[dict[str, Any]] | None = None, source: tuple[str, str] = ("Watch", "watch")) -> int:  # fmt: skip
    with place.database.writing() as c:
        person = place.persons[name]
        made = "INSERT INTO source (person_id, name, kind, created_at) VALUES (?,?,?,0) RETURNING id"
        teller = c.exec_driver_sql("SELECT id FROM source WHERE person_id=? AND name=?", (person, source[0])).scalar()
        teller = teller or c.exec_driver_sql(made, (person, *source)).scalar_one()
        return int(c.exec_driver_sql(
            'INSERT INTO workout (person_id, source_id, activity, start, "end", zone, totals, series, route, laps, as_of, batch_id) '
            "VALUES (?,?,?,?,?,?,?,?,?,?,0,1) RETURNING id",
            (person, teller, activity, start, start + round(minutes * MINUTE), zone, json.dumps(RUN if totals is None else totals),
             pack(series or {}), pack(route or []), json.dumps(laps or [])),
        ).scalar_one())  # fmt: skip


def pulse(*stretches: tuple[int, int], every: int = 5) -> dict[str, Any]:
    """A heart rate every few seconds in the given stretches of seconds."""
    return {"heart_rate": [[START + at * 1000, 140.0 + at % 7] for low, high in stretches for at in range(low, high, every)]}


def north(seconds: int, *, speed: float = 3.0, pause: tuple[int, int] = (0, 0)) -> list[list[float]]:
    """Straight north at ``speed`` m/s, a point a second; nothing is recorded in the pause."""
    points, metres = [], 0.0
    for second in range(seconds + 1):
        if pause[0] < second < pause[1]:
            continue
        points.append([START + second * 1000, 52.5 + metres / ground.EARTH * 57.29577951308232, 13.4, 40.0, speed])
        metres += speed
    return points


def page(place: Place, path: str, login: str = "alice") -> str:
    answer = place.browser(login).client.get(path)
    assert answer.status_code == 200, answer.text
    assert not re.search(r"\b(None|nan|NaN|undefined)\b", answer.text)
    assert " style=" not in answer.text
    return unescape(answer.text).replace("\xa0", " ")


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_list_says_what_the_api_says(place: Place) -> None:
    add(place)
    add(place, activity="cycling", start=START - 3 * 86_400_000, minutes=62, totals={"distance": 25_400.0})
    add(place, activity="yoga", start=START - 5 * 86_400_000, minutes=20, totals={})
    found = place.client().get("/api/v1/workouts", headers=place.bearer("Alice")).json["workouts"]
    html = page(place, "/workouts")
    assert re.findall(r'class="item" href="/workouts/(\d+)"', html) == [str(row["id"]) for row in found]
    said = words(html)
    assert "3 workouts in November so far, 1 h 52 min in all." in said
    assert "30 min · 6.00 km · 148 bpm · Watch" in said
    assert "1 h 02 min · 25.4 km · Watch" in said
    assert "Yoga" in said
    assert "20 min · Watch" in said, "what was not measured is not there"


def test_a_day_of_the_calendar_leads_to_its_workout(place: Place) -> None:
    one = add(place)
    add(place, start=START - 2 * 86_400_000)
    add(place, start=START - 2 * 86_400_000 + 7_200_000, activity="walking")
    html = page(place, "/workouts")
    assert re.search(rf'<td><a href="/workouts/{one}"><span class="vh">[^<]*19[^<]*: Running<', html)
    assert re.search(r'<td><a href="#d17"><span class="vh">[^<]*17[^<]*: Running, Walking<', html)
    assert html.count('id="d17"') == 1
    assert "<td><span>18</span></td>" in html


def test_other_months_are_a_link_away_and_the_future_is_not(place: Place) -> None:
    add(place, start=START - 40 * 86_400_000)
    html = page(place, "/workouts")
    assert "<h1>No workouts in November yet.</h1>" in html
    assert 'href="/workouts?month=2026-10"' in html
    assert "month=2026-12" not in html
    assert "1 workout in October" in page(place, "/workouts?month=2026-10")
    for month in ("2027-06", "november", "2026-13", "1200-01"):
        assert place.browser().client.get(f"/workouts?month={month}").status_code == 404


def test_without_workouts_the_page_says_where_they_come_from(place: Place) -> None:
    assert "No workout has arrived yet." in page(place, "/workouts")


def test_a_workout_is_listed_on_the_day_of_its_own_clock(place: Place) -> None:
    late = int(dt.datetime(2026, 10, 31, 20, 30, tzinfo=ZoneInfo("America/New_York")).timestamp()) * 1000
    add(place, start=late, zone="America/New_York")
    assert "1 workout in October" in page(place, "/workouts?month=2026-10")
    assert "20:30" in page(place, "/workouts?month=2026-10")
    assert "No workouts in November" in page(place, "/workouts")


def test_one_workout_shows_its_totals(place: Place) -> None:
    one = add(place, minutes=32.5, series=pulse((0, 1900)))
    row = place.client().get("/api/v1/workouts", headers=place.bearer("Alice")).json["workouts"][0]
    html = page(place, f"/workouts/{one}")
    assert "<h1>Running, 6.00 km in 30 min.</h1>" in html
    assert "<title>Workout · healthbox</title>" in html
    said = words(html)
    assert f"Mean pulse {row['totals']['heart_rate_avg']:.0f} bpm" in said
    assert f"Highest pulse {row['totals']['heart_rate_max']:.0f} bpm" in said
    assert f"Active energy {row['totals']['energy']:.0f} kcal" in said
    assert "Pace 5:00 /km" in said
    assert "Up 84 m" in said
    assert "2 min paused" in said
    assert "18:10–18:42" in said
    assert "Recorded by Watch" in said


def test_imperial_people_read_miles_and_feet(place: Place) -> None:
    one = add(place, route=north(1800))
    with place.database.writing() as c:
        people.update(c, place.persons["Alice"], units="imperial")
    said = words(page(place, f"/workouts/{one}"))
    assert "Distance 3.73 mi" in said
    assert "Pace 8:03 /mi" in said
    assert "Up 276 ft" in said
    assert "1 mi 8:56 8:56" in said
    assert "3.73 mi" in words(page(place, "/workouts"))


@pytest.mark.parametrize("units", ["metric", "imperial"])
def test_speed_is_the_same_as_a_series_and_with_the_route(place: Place, units: str) -> None:
    """2.5 m/s are 9 km/h and 5.6 mph."""
    with place.database.writing() as c:
        people.update(c, place.persons["Alice"], units=units)
    numbers = []
    for given in ({"series": {"speed": [[START + at * 1000, 2.5] for at in range(0, 1800, 5)]}}, {"route": north(1799, speed=2.5)}):
        body = page(place, f"/workouts/{add(place, **given)}")
        numbers.append(re.findall(r"<td>([\d.]+ (?:km/h|mph))</td>", body))
    assert numbers[0] == numbers[1] and set(numbers[0]) == {"9.0 km/h" if units == "metric" else "5.6 mph"}


def test_a_gap_breaks_the_pulse(place: Place) -> None:
    one = add(place, series=pulse((0, 600), (900, 1800)))
    html = page(place, f"/workouts/{one}")
    assert len(re.findall(r'class="ln heart"', html)) == 2
    assert html.count('class="nodata" x=') == 1 + 1, "the gap and the key"
    assert "<td>no readings</td>" in html


def test_a_workout_without_pulse_says_so_and_draws_nothing(place: Place) -> None:
    html = page(place, f"/workouts/{add(place, activity='yoga', totals={})}")
    assert "No pulse came with this workout." in html
    assert "<figure" not in html
    assert "Mean pulse" not in html


def test_the_way_is_drawn_with_north_and_a_scale_and_no_map(place: Place) -> None:
    one = add(place, route=north(900, pause=(300, 420)))
    html = page(place, f"/workouts/{one}")
    way = html[html.index('class="c route"') :]
    assert way.count('class="ln move"') == 2, "not joined over the pause"
    assert ">N</text>" in way
    assert ">1 km</text>" in way
    assert "recorded in 2 parts" in html
    assert "http" not in re.sub(r"http://(www\.w3\.org|localhost)[^\s\"]*", "", html), "no other host is named"


def test_one_point_is_no_way(place: Place) -> None:
    assert 'class="c route"' not in page(place, f"/workouts/{add(place, route=north(0))}")


def test_splits_follow_the_route(place: Place) -> None:
    one = add(place, route=north(1100, speed=2.5), series=pulse((0, 1100)), totals={"distance": 2750.0, "duration": 1100.0})
    html = page(place, f"/workouts/{one}")
    rows = re.findall(r"<tr><th scope=\"row\">([^<]+)</th><td>([^<]+)</td><td>([^<]+)</td><td>([^<]+)</td>", html)
    assert [row[0] for row in rows] == ["1 km", "2 km", "2.75 km"]
    assert [row[1:3] for row in rows] == [("6:40", "6:40"), ("6:40", "13:20"), ("6:40", "18:20")]
    assert '<th scope="col">Pace /km</th>' in html
    assert rows[0][3] == "143"


def test_stated_laps_are_shown_as_stated(place: Place) -> None:
    laps = [{"duration": 312.0, "distance": 1000.0}, {"start": START, "end": START + 65_000}, {"name": "Cool down"}]
    said = words(page(place, f"/workouts/{add(place, laps=laps)}"))
    assert "1 5:12 1.00 km 2 1:05 not stated Cool down not stated not stated" in said


def test_a_workout_that_a_newer_export_lacks_says_so_under_its_old_link(place: Place) -> None:
    one = add(place)
    said = "A newer export no longer holds this workout"
    assert said not in page(place, f"/workouts/{one}")
    with place.database.writing() as c:
        c.exec_driver_sql("UPDATE workout SET superseded=1")
    assert said in page(place, f"/workouts/{one}")


STRAVA = ("Strava", "app")


def strava_s(place: Place, **told: Any) -> int:
    given = {"start": START + 3_000, "minutes": 29 + 47 / 60, "totals": {"distance": 6020.0}, "source": STRAVA}
    return add(place, **(given | told))


def listed(html: str) -> list[str]:
    return re.findall(r'class="item" href="/workouts/(\d+)"', html)


@pytest.mark.parametrize("strava_first", [False, True])
def test_a_run_that_two_apps_recorded_counts_once(place: Place, strava_first: bool) -> None:
    before = [strava_s(place)] if strava_first else []
    watch = add(place)
    strava = (before or [strava_s(place)])[0]
    html = page(place, "/workouts")
    said = words(html)
    assert "1 workout in November so far, 30 min in all." in said
    assert "Running 30 min 1 time · 6.00 km" in said
    assert listed(html) == [str(watch), str(strava)], "the one that counts is first"
    assert "Also recorded by Strava, not counted again · 30 min · 6.02 km" in said
    assert re.search(rf'<td><a href="/workouts/{watch}">', html), "the calendar leads to the one that counts"
    assert html.count('id="d19"') == 1
    assert len(place.client().get("/api/v1/workouts", headers=place.bearer("Alice")).json["workouts"]) == 2


def test_the_page_of_what_is_not_counted_again_leads_to_the_one_that_is(place: Place) -> None:
    watch, strava = add(place), strava_s(place)
    html = page(place, f"/workouts/{strava}")
    assert "Also recorded by Watch, and counted there: this one is not counted again." in html
    assert f'<a href="/workouts/{watch}">Running, 30 min · 6.00 km · 148 bpm</a>' in html
    assert "<h1>Running, 6.02 km in 30 min.</h1>" in html
    assert "counted again" not in page(place, f"/workouts/{watch}")


def test_the_order_that_a_person_chose_says_which_run_counts(place: Place) -> None:
    watch, strava = add(place), strava_s(place)
    with place.database.writing() as c:
        (source,) = (one.id for one in sources.list_sources(c, place.persons["Alice"]) if one.name == "Strava")
        sources.set_precedence(c, place.persons["Alice"], "*", [source])
    html = page(place, "/workouts")
    assert listed(html) == [str(strava), str(watch)]
    assert "Running 30 min 1 time · 6.02 km" in words(html)


@pytest.mark.parametrize("first", ["Strava", "Komoot"])
def test_of_two_apps_the_one_that_knows_the_way_counts(place: Place, first: str) -> None:
    for name in sorted(("Strava", "Komoot"), key=lambda name: name != first):
        strava_s(place, source=(name, "app"), route=north(20) if name == "Strava" else None)
    assert "Also recorded by Komoot, not counted again" in words(page(place, "/workouts"))


def test_two_runs_of_which_a_part_overlaps_both_count(place: Place) -> None:
    add(place)
    strava_s(place, start=START + 10 * MINUTE)
    assert "2 workouts in November so far, 1 h 00 min in all." in words(page(place, "/workouts"))


def test_a_run_over_the_end_of_a_month_counts_in_one_of_both(place: Place) -> None:
    midnight = int(dt.datetime(2026, 11, 1, tzinfo=BERLIN).timestamp()) * 1000
    add(place, start=midnight - 1_000)
    strava = strava_s(place, start=midnight + 2_000)
    assert "1 workout in October" in page(place, "/workouts?month=2026-10")
    html = page(place, "/workouts")
    assert "<h1>No workouts in November yet.</h1>" in html
    assert listed(html) == [str(strava)]
    assert "Also recorded by Strava, not counted again" in words(html)


def test_nobody_s_run_is_counted_in_another_s(place: Place) -> None:
    add(place)
    bob = strava_s(place, name="Bob")
    assert "1 workout in November" in page(place, "/workouts", "bob")
    assert "counted again" not in page(place, f"/workouts/{bob}", "bob")


def test_bob_never_sees_a_workout_of_alice(place: Place) -> None:
    one = add(place)
    assert place.browser("bob").client.get(f"/workouts/{one}").status_code == 404
    assert place.browser("alice").client.get("/workouts/99999999999999999999").status_code == 404
    assert "No workout has arrived yet." in page(place, "/workouts", "bob")


def test_a_name_that_is_markup_stays_a_name(place: Place) -> None:
    one = add(place, activity="<img_src=x>", laps=[{"name": "<script>1</script>"}])
    text = place.browser().client.get(f"/workouts/{one}").text
    assert "<script>1" not in text
    assert "<img" not in text


def test_distance_prefers_what_the_source_states() -> None:
    series = {"distance": [[START + 60_000 * i, 500.0] for i in range(1, 5)]}
    assert splits.travelled(series, north(10))[-1] == (START + 240_000, 2000.0)
    found = splits.splits(splits.travelled(series, []), 1000, series, [], START)
    assert [(split.metres, split.end - split.start) for split in found] == [(1000.0, 120_000), (1000.0, 120_000)]


def test_more_splits_than_anybody_reads_are_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    series = {"distance": [[START, 1.0], [START + 9_000_000, 250_000.0]], **pulse((0, 9000))}
    way = splits.travelled(series, [])
    assert len(splits.splits(way, 1000, series, [], START)) == splits.MOST_SPLITS == 250
    monkeypatch.setattr(splits, "_climb", lambda *_: pytest.fail("computed for nothing"))
    assert splits.splits([*way, (START + 9_999_000, 251_000.0)], 1000, series, [], START) == []
    assert splits.splits([*way, (START + 9_999_000, 250_900.0)], 1000, series, [], START) == [], "the rest is one, too"
    assert splits.splits([*way, (START + 9_999_000, 1e300)], 1000, series, [], START) == []


class Counted(list[Any]):
    times = 0

    def __iter__(self) -> Iterator[Any]:
        self.times += 1
        return super().__iter__()


def test_splits_of_a_day_s_ride_are_told_by_what_lies_inside_each() -> None:
    route = [[*point[:3], 40.0 + index % 50, None] for index, point in enumerate(north(40_000, speed=5.0))]
    series = {"heart_rate": pulse((0, 40_000))["heart_rate"][::-1]}
    way, read = splits.travelled(series, route), Counted(route)
    found = splits.splits(way, 1000, series, read, START)
    assert (len(found), read.times < 5) == (200, True), "not once a split"
    for split in found[::40]:
        inside = [value for at, value in series["heart_rate"] if split.start <= at < split.end]
        heights = [point[3] for point in route if split.start <= point[0] <= split.end]
        assert (split.pulse, split.climb) == (fmean(inside), ground.climbed(heights)[0])


def test_a_long_route_is_thinned_and_keeps_its_ends() -> None:
    route = north(20_000)
    line = splits.line(route)
    assert len(line) < splits.MOST_POINTS + 20
    assert (line[0], line[-1]) == ((route[0][1], 13.4), (route[-1][1], 13.4))


def test_small_steps_of_the_barometer_are_no_climb() -> None:
    heights = [40, 40.5, 41, 40.2, 43, 46, 44, 47, 47]
    route = [[START + i * 1000, 52.5 + i / 10_000, 13.4, height, None] for i, height in enumerate(heights)]
    (split,) = splits.splits(splits.travelled({}, route), 85, {}, route, START)
    assert split.climb == pytest.approx(9)


@pytest.mark.parametrize(
    ("activity", "said"),
    [("functional_strength_training", "Functional strength training"), ("other", "Workout"), ("healthkit_99", "Workout of type 99")],
)
def test_sports_read_like_words(activity: str, said: str) -> None:
    assert workout_words.sport(activity) == said


def test_each_sport_has_its_own_measure() -> None:
    who = Reader("en", "metric", TODAY, BARE)
    assert str(workout_words.distance(1500, "swimming", who)).replace("\xa0", " ") == "1,500 m"
    pace = workout_words.tempo(1500, 1800, "swimming", who)
    speed = workout_words.tempo(30_000, 3600, "cycling", who)
    assert pace is not None
    assert speed is not None
    assert (pace[0], pace[1].number, pace[1].unit) == ("Pace", "2:00", "/100 m")
    assert (speed[0], speed[1].number, speed[1].unit) == ("Speed", "30.0", "km/h")
    assert workout_words.tempo(None, 1800, "running", who) is None
    assert workout_words.stopwatch(3912) == "1:05:12"
