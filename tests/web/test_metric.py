"""One metric: ranges as links, numbers equal to the API's, gaps as gaps, a series of at most 1,600 rows for the long ones."""

import datetime as dt
import json
import re

import pytest
from place import Place
from test_today import get, put, words
from year import NOT_WORN, live_a_year

from healthbox.pipeline.pump import Pump

DAY = dt.timedelta(days=1)


def days_of(place: Place, metric: str, first: dt.date, last: dt.date) -> list[dict]:
    answer = place.client().get(f"/api/v1/days?metric={metric}&from={first}&to={last}", headers=place.bearer())
    return answer.json["days"]


def series(place: Place, path: str) -> dict:
    answer = place.browser().client.get(path)
    assert answer.status_code == 200
    return answer.json


def test_three_numbers_equal_the_api(place):
    today = live_a_year(place)
    page = words(get(place, "/metrics/resting_heart_rate"))
    days = days_of(place, "resting_heart_rate", today - DAY * 29, today)
    values = [day["value"] for day in days]
    assert f"{values[-1]:.0f} bpm today" in page
    assert f"Average {sum(values) / len(values):.0f} bpm" in page
    assert f"Days with data {len(values)} of 30" in page
    assert f"Highest {max(day['max'] or day['value'] for day in days):.0f} bpm" in page


@pytest.mark.parametrize("metric", ["steps", "heart_rate", "resting_heart_rate", "weight", "sleep_analysis", "unknown.mood.points"])
def test_every_range_of_every_kind_is_drawn(place, metric):
    live_a_year(place)
    for range_ in ("d", "w", "m", "6m", "y", "all"):
        page = get(place, f"/metrics/{metric}?range={range_}")
        assert not re.search(r"\bNone\b|\bnan\b|\bNaN\b|Undefined|\sstyle=", page)
        assert page.count("data-plot") == 1
        assert f'?range={range_}" aria-current="true"' in page


def test_missing_days_are_hatched_not_drawn(place):
    live_a_year(place)
    chart = get(place, "/metrics/heart_rate?range=m").partition('id="over"')[2].partition("</figure>")[0]
    drawing, table = chart.partition('<ul class="key"')[0], chart.partition("<tbody>")[2]
    missing = sum(back < 30 for back in NOT_WORN)
    assert drawing.count('class="bar heart range"') == 30 - missing
    assert len(re.findall(r'<rect class="nodata" x="', drawing)) == 2  # one for the lone day, one for two in a row
    assert table.count("<tr") == 30 and table.count("<td>no data</td>") == 3 * missing


def test_a_point_leads_to_its_day_and_a_week_to_its_days(place):
    today = live_a_year(place)
    assert f'href="/metrics/steps/{today - DAY}/why"' in get(place, "/metrics/steps?range=w")
    assert f"/metrics/steps?range=w&amp;end={today - DAY * 7}" in get(place, "/metrics/steps?range=6m")


def test_pages_of_time_are_links(place):
    today = live_a_year(place)
    page = get(place, "/metrics/steps?range=w")
    assert f"end={today - DAY * 7}" in page and ">Later<" not in page
    before = get(place, f"/metrics/steps?range=w&end={today - DAY * 7}")
    assert 'href="/metrics/steps?range=w"' in before


def test_a_day_that_is_not_over_is_in_no_mean(place):
    today = live_a_year(place)
    whole = [day["value"] for day in days_of(place, "steps", today - DAY * 6, today - DAY)]
    assert f"Average day {sum(whole) / len(whole):,.0f} steps" in words(get(place, "/metrics/steps?range=w"))


def test_a_day_that_is_not_over_is_not_the_lowest_of_its_week(place):
    today = live_a_year(place)
    put(place, "steps", today, 7)
    whole = [day["value"] for day in days_of(place, "steps", today - DAY * 6, today - DAY)]
    page = words(get(place, "/metrics/steps?range=w"))
    assert f"{min(whole):,.0f}–{max(whole):,.0f} steps; 7 of 7 days have data." in page
    put(place, "heart_rate", today, 7)
    assert re.search(r" 7–\d+ bpm; ", words(get(place, "/metrics/heart_rate?range=w"))), "a mean so far is a mean"


def test_by_source_shows_a_lane_for_each(place):
    live_a_year(place)
    page = words(get(place, "/metrics/steps?sources=1"))
    assert re.search(r"Apple Watch \d\d %, 27 days", page) and re.search(r"iPhone \d\d %, 30 days", page)


def test_the_series_says_what_the_api_says_and_leaves_gaps(place):
    today = live_a_year(place)
    given = series(place, f"/metrics/resting_heart_rate/series.json?range=6m&end={today}")
    days = {day["date"]: day["value"] for day in days_of(place, "resting_heart_rate", today - DAY * 181, today)}
    assert len(given["x"]) == 182 == len(given["value"]) == len(given["said"])
    dates = [dt.datetime.fromtimestamp(x, dt.UTC).date().isoformat() for x in given["x"]]
    assert given["value"] == [days.get(date) for date in dates]
    assert given["value"].count(None) == len(NOT_WORN)
    assert given["said"][-1] == "today, 61\N{NO-BREAK SPACE}bpm" and given["said"][-5].endswith("no data")


def test_ten_years_stay_under_sixteen_hundred_rows(place):
    today = live_a_year(place)
    put(place, "resting_heart_rate", today - DAY * 3700, 50)
    given = series(place, "/metrics/resting_heart_rate/series.json?range=all")
    assert 1000 < len(given["x"]) <= 1600


def test_the_series_is_in_the_persons_units(place):
    live_a_year(place)
    with place.database.writing() as c:
        c.exec_driver_sql("UPDATE person SET units='imperial' WHERE name='Alice'")
    given = series(place, "/metrics/weight/series.json?range=6m")
    assert given["unit"] == "lb" and 168 < max(v for v in given["value"] if v) < 178


def test_what_is_not_there_is_not_found(place):
    live_a_year(place)
    client = place.browser().client
    assert client.get("/metrics/blood_glucose").status_code == 404
    assert client.get("/metrics/blood_glucose/series.json").status_code == 404
    assert client.get("/metrics/steps?range=decade").status_code == 422
    assert place.browser("bob").client.get("/metrics/steps").status_code == 404
    assert place.browser("bob").client.get("/metrics/steps/series.json").status_code == 404


def test_a_day_of_25_hours_has_25_bars(place):
    live_a_year(place)
    place.clock.at = int(dt.datetime(2025, 10, 26, 22, 59, tzinfo=dt.UTC).timestamp() * 1000)
    samples = [
        {"type": "steps", "start": f"2025-10-25T{22 + n:02d}:10:00Z" if n < 2 else f"2025-10-26T{n - 2:02d}:10:00Z", "value": 10,
         "end": f"2025-10-25T{22 + n:02d}:20:00Z" if n < 2 else f"2025-10-26T{n - 2:02d}:20:00Z", "source": {"name": "Apple Watch"}}
        for n in range(25)
    ]  # fmt: skip
    send(place, samples)
    chart = get(place, "/metrics/steps?range=d&end=2025-10-26").partition("<tbody>")[2].partition("</tbody>")[0]
    assert chart.count("<tr") == 25


def test_what_was_measured_over_a_night_stands_at_its_end_as_its_day_does(place):
    night = {
        "type": "HKQuantityTypeIdentifierAppleSleepingWristTemperature",
        "start": "2025-11-19T21:30:00Z",
        "end": "2025-11-20T05:30:00Z",
    }
    send(place, [night | {"value": 35.3, "unit": "degC", "source": {"name": "Apple Watch"}}])
    place.clock.at += 5_000
    Pump(place.database, place.settings.data, place.clock, lambda: None).run()
    page = get(place, "/metrics/wrist_temperature?range=d&end=2025-11-20")
    assert "over the day, from 1 reading in 1 hour." in words(page)
    (row,) = [found for found in re.findall(r"<tr.*?</tr>", page, re.S) if "35.3" in found]
    assert "06:00" in row, "it ended at 06:30 in Berlin"


def send(place: Place, samples: list[dict]) -> None:
    body = {"batch": "more", "index": 0, "final": True, "anchor": None, "metric": None, "zone": "Europe/Berlin", "samples": samples}
    answer = place.client().post("/api/v1/sync", data=json.dumps(body), content_type="application/json", headers=place.bearer())
    assert answer.status_code == 202
    Pump(place.database, place.settings.data, place.clock, lambda: None).run()
