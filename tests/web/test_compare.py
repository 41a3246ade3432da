"""Compare with the Health app: our days beside the stated ones, the drift worked out by hand, and why."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest
from place import NOON, Place
from test_metric import send
from test_today import get, words

from healthbox.pipeline import compare
from healthbox.pipeline.pump import Pump
from healthbox.store import comparing, devices

HOUR = 3_600_000
MORE = {"automation-aggregation": "days"}


def walked(date: str, hour: int, value: float, source: str = "Apple Watch", metric: str = "steps", unit: str = "count") -> dict:
    start = dt.datetime.fromisoformat(f"{date}T{hour:02d}:00:00+01:00")
    product = {"Apple Watch": "Watch7,5", "iPhone": "iPhone15,4"}.get(source)
    return {"type": metric, "start": start.isoformat(), "end": (start + dt.timedelta(hours=1)).isoformat(), "value": value, "unit": unit,
            "source": {"name": source, "product": product}}  # fmt: skip


def state(place: Place, points: list[dict], *, name: str = "step_count", units: str = "count", at: int = NOON, who: str = "Alice") -> None:
    """A body of day totals as Health Auto Export sends it, at the instant ``at``."""
    with place.database.writing() as c:
        device, _ = devices.add_device(c, place.persons[who], "iPhone", ["ingest"], at)
    body = json.dumps({"data": {"metrics": [{"name": name, "units": units, "data": points}]}}).encode()
    place.app.extensions["healthbox"].door.ingest(device, body, headers=MORE, now=at)
    Pump(place.database, place.settings.data, place.clock, lambda: None).run()


def point(date: str, value: float, source: str = "") -> dict:
    return {"date": f"{date} 00:00:00 +0100", "qty": value, "source": source}


@pytest.fixture
def four(place: Place) -> Place:
    """Four days of Alice: both sources added up, stated too early, rounded, and with a source that is not here.

    The 18th: the watch 3,000, the phone 1,240 in the same hour and 800 alone: 3,800 of ours against 5,040.
    """
    send(place, [
        walked("2025-11-18", 9, 3000), walked("2025-11-18", 9, 1240, "iPhone"), walked("2025-11-18", 13, 800, "iPhone"),
        walked("2025-11-17", 9, 700), walked("2025-11-17", 18, 300), walked("2025-11-16", 9, 1000), walked("2025-11-15", 9, 1000),
        walked("2025-11-20", 9, 100),
    ])  # fmt: skip
    early = int(dt.datetime(2025, 11, 17, 13, 5, tzinfo=dt.UTC).timestamp()) * 1000
    state(place, [point("2025-11-17", 700)], at=early)
    state(place, [point("2025-11-18", 5040, "Apple Watch|iPhone"), point("2025-11-16", 1002), point("2025-11-15", 1500, "Apple Watch|Oura"),
                  point("2025-11-20", 50)])  # fmt: skip
    return place


def api(place: Place, query: str, who: str = "Alice") -> dict:
    answer = place.client().get(f"/api/v1/compare?{query}", headers=place.bearer(who))
    assert answer.status_code == 200, answer.json
    return answer.json


def rows(html: str) -> list[str]:
    """The days of the list, as a person reads them."""
    part = html.partition('id="days"')[2].partition("</section>")[0]
    return [read(item) for item in part.split("<li>")[1:]]


def read(html: str) -> str:
    return words("<main" + html)


def test_the_api_says_both_numbers_the_drift_and_why(four):
    told = api(four, "metric=steps&from=2025-11-15&to=2025-11-18")
    days = {day["date"]: day for day in told["days"]}
    assert list(days) == ["2025-11-15", "2025-11-16", "2025-11-17", "2025-11-18"]
    assert [(d["ours"], d["stated"], d["drift"]) for d in days.values()] == [
        (1000, 1500, -500), (1000, 1002, -2), (1000, 700, 300), (3800, 5040, -1240)
    ]  # fmt: skip
    assert [d["share"] for d in days.values()] == pytest.approx([-500 / 1500, -2 / 1002, 300 / 700, -1240 / 5040])
    assert [[c["code"] for c in d["causes"]] for d in days.values()] == [["missing", "coverage"], ["rounding"], ["early"], ["doubled"]]
    assert days["2025-11-15"]["causes"][0]["name"] == "Oura" and days["2025-11-18"]["causes"][0]["value"] == 1240
    assert days["2025-11-17"]["causes"][0]["at"] == "2025-11-17T13:05:00Z"
    assert told["summary"] == {"days": 4, "close": 1, "median": pytest.approx((-2 / 1002 - 1240 / 5040) / 2)}


def test_the_api_says_which_of_the_two_makes_the_day(four):
    days = {day["date"]: day for day in api(four, "metric=steps&from=2025-11-17&to=2025-11-18")["days"]}
    assert (days["2025-11-17"]["layer"], days["2025-11-17"]["final"]) == ("raw", False)  # stated before the second walk
    assert (days["2025-11-18"]["layer"], days["2025-11-18"]["final"]) == ("day", True)
    stored = four.client().get("/api/v1/days?metric=steps&from=2025-11-18&to=2025-11-18", headers=four.bearer()).json["days"][0]
    assert (stored["value"], stored["layer"]) == (5040, "day")


def test_the_page_of_a_metric_lists_its_days_newest_first_with_the_reasons(four):
    html = get(four, "/data/compare/steps")
    listed = rows(html)
    assert [row[:12] for row in listed] == ["Tuesday 18 N", "Monday 17 No", "Sunday 16 No", "Saturday 15 "]
    assert "−25 %" in listed[0] and "It adds up all sources: 1,240 steps, measured by two at once, stand in it twice." in listed[0]
    assert "3,800 steps from samples. 5,040 steps stated by Health Auto Export on 20 Nov at 13:00 (used)." in listed[0]
    assert "+43 %" in listed[1] and "Stated at 14:05, before the day was over." in listed[1]
    assert "−0.2 %" in listed[2] and "Rounding." in listed[2]
    assert "−33 %" in listed[3] and "It counts Oura too, of which no samples are here." in listed[3]
    assert 'href="/metrics/steps/2025-11-18/why"' in html
    assert "Steps: 1 of 4 days agree" in words(html)


def test_the_largest_come_first_when_asked(four):
    assert [row[:6] for row in rows(get(four, "/data/compare/steps?sort=largest"))] == ["Monday", "Saturd", "Tuesda", "Sunday"]


def test_today_is_not_over_and_not_compared(four):
    assert not any("20 November" in row or "today" in row.lower() for row in rows(get(four, "/data/compare/steps")))


def test_the_overview_sums_up_each_metric_and_names_the_largest_days(four):
    page = words(get(four, "/data/compare"))
    assert "1 of 4 days agree with the phone." in page
    assert "Steps −12 % 1 of 4 days within 1 %; the largest +43 %, 17 Nov." in page
    largest = page.partition("The largest differences")[2]
    assert largest.index("Steps, 17 Nov +43 %") < largest.index("Steps, 15 Nov −33 %") < largest.index("Steps, 18 Nov −25 %")
    assert "16 Nov" not in largest


def test_the_chart_has_its_text(four):
    chart = get(four, "/data/compare/steps").partition('id="over"')[2].partition("</figure>")[0]
    assert chart.count("<tr data-x") == 30 and "1 of 4 days lie within 1" in chart
    told = read(chart)
    assert "16 Nov −0.2 % 1,000 steps 1,002 steps" in told and "14 Nov not both no data no data" in told


def test_ranges_are_links_and_longer_ones_are_drawn_by_week_and_month(four):
    html = get(four, "/data/compare/steps")
    assert all(f"/data/compare/steps?range={key}" in html for key in ("30", "90", "y", "all"))
    for key, count in (("90", 13), ("y", 12), ("all", 1)):
        chart = get(four, f"/data/compare/steps?range={key}").partition('id="over"')[2].partition("</figure>")[0]
        assert chart.count("<tr data-x") == count
        assert "−33 % +43 % 4" in read(chart)  # from the lowest to the highest of four days
    assert four.browser().client.get("/data/compare?range=week").status_code == 422


def test_a_long_list_is_turned_by_links(place):
    dates = [(dt.date(2025, 11, 19) - dt.timedelta(days=back)).isoformat() for back in range(40)]
    send(place, [walked(date, 9, 1000) for date in dates])
    state(place, [point(date, 1000) for date in dates])
    first, second = (get(place, f"/data/compare/steps?range=all&page={page}") for page in (1, 2))
    assert (len(rows(first)), len(rows(second))) == (25, 15)
    assert "/data/compare/steps?page=2&amp;metric" not in first and "page=2" in first and "page=3" not in second
    assert len(rows(get(place, "/data/compare/steps?range=all&page=nine"))) == 25
    assert "we count what the phone counts" in words(first)


def test_a_night_of_stages_stands_beside_the_stated_one(place):
    def stage(name: str, start: str, end: str) -> dict:
        return {
            "type": "sleep_analysis",
            "start": start,
            "end": end,
            "value": name,
            "source": {"name": "Apple Watch", "product": "Watch7,5"},
        }

    send(place, [stage("core", "2025-11-17T22:00:00Z", "2025-11-18T02:00:00Z"),
                 stage("deep", "2025-11-18T02:00:00Z", "2025-11-18T04:00:00Z"),
                 stage("core", "2025-11-18T14:00:00Z", "2025-11-18T14:40:00Z")])  # fmt: skip
    state(
        place,
        [{"date": "2025-11-18 05:00:00 +0100", "totalSleep": 6 + 40 / 60, "source": "Apple Watch"}],
        name="sleep_analysis",
        units="hr",
    )
    html = get(place, "/data/compare/sleep_analysis")
    listed = rows(html)
    assert len(listed) == 1 and "−10 %" in listed[0]
    assert "6 h 00 min from sleep stages (used). 6 h 40 min stated by Health Auto Export on 20 Nov at 13:00." in listed[0]
    assert "The stated night holds naps as well, 40 min." in listed[0]
    assert 'href="/sleep?date=2025-11-18"' in html or 'href="/sleep/2025-11-18"' in html
    assert api(place, "metric=sleep_analysis&from=2025-11-18&to=2025-11-18")["days"][0]["causes"][0]["code"] == "naps"


def test_a_night_that_was_only_stated_compares_with_nothing(place):
    send(place, [walked("2025-11-18", 9, 1000)])
    state(place, [{"date": "2025-11-18 05:00:00 +0100", "totalSleep": 7, "sleepStart": "2025-11-17 22:00:00 +0100",
                   "sleepEnd": "2025-11-18 05:00:00 +0100"}], name="sleep_analysis", units="hr")  # fmt: skip
    assert api(place, "metric=sleep_analysis")["days"] == []


def test_units_and_numbers_are_the_persons_own(place):
    send(place, [walked("2025-11-18", 9, 16.09344, metric="distance_walking_running", unit="km")])
    state(place, [point("2025-11-18", 14.484096)], name="walking_running_distance", units="km")
    with place.database.writing() as c:
        c.exec_driver_sql("UPDATE person SET units='imperial', locale='de' WHERE name='Alice'")
    listed = rows(get(place, "/data/compare/distance_walking_running"))
    assert "10,0 mi from samples. 9,0 mi stated" in listed[0] and "+11 %" in listed[0]


def test_an_unexplained_drift_leads_to_its_day(place):
    send(place, [walked("2025-11-18", 9, 1000)])
    state(place, [point("2025-11-18", 950)])
    assert "Nothing that is stored says why. Look at the day" in rows(get(place, "/data/compare/steps"))[0]


def test_nothing_stated_tells_how_to_get_it(place):
    assert "Nothing was stated yet." in words(get(place, "/data/compare"))
    send(place, [walked("2025-11-18", 9, 1000)])
    for path in ("/data/compare", "/data/compare/steps"):
        page = words(get(place, path))
        assert "How to get stated totals" in page and "aggregation set to days" in page and "activity rings" in page
    told = api(place, "metric=steps")
    assert (told["summary"], told["days"]) == ({"days": 0, "close": 0, "median": None}, [])


def test_a_range_without_both_says_so(place):
    send(place, [walked("2025-09-18", 9, 1000)])
    state(place, [point("2025-09-18", 1000)])
    for path in ("/data/compare", "/data/compare/steps"):
        assert "Try a longer range." in words(get(place, path))
    assert "we count what the phone counts" in words(get(place, "/data/compare/steps?range=90"))


def test_nothing_stated_and_something_counted_has_no_share(place):
    send(place, [walked("2025-11-18", 9, 1000)])
    state(place, [point("2025-11-18", 0)])
    day = api(place, "metric=steps")["days"][0]
    assert (day["ours"], day["stated"], day["share"]) == (1000, 0, None)
    page = get(place, "/data/compare/steps") + get(place, "/data/compare")
    assert "nothing stated" in page and not re.search(r"\bNone\b|\bnan\b|\binf\b", words(page))


def test_nobody_sees_anothers(four):
    assert "Nothing was stated yet." in words(get(four, "/data/compare", "bob"))
    assert four.browser("bob").client.get("/data/compare/steps").status_code == 404
    assert api(four, "metric=steps&from=2025-11-01&to=2025-11-20", "Bob")["days"] == []


def test_a_source_named_by_a_statement_cannot_bring_markup(place):
    send(place, [walked("2025-11-18", 9, 1000)])
    state(place, [point("2025-11-18", 1500, "<b>Oura</b>")])
    html = get(place, "/data/compare/steps")
    assert "&lt;b&gt;Oura&lt;/b&gt;" in html and "<b>Oura</b>" not in html


def test_data_leads_to_it(four):
    assert 'href="/data/compare"' in get(four, "/data")


def test_the_overview_says_what_the_pages_of_its_metrics_say(four):
    night = {"date": "2025-11-18 00:00:00 +0100", "asleep": 7, "source": "Apple Watch", "sleepStart": "2025-11-17 23:00:00 +0100",
             "sleepEnd": "2025-11-18 06:30:00 +0100"}  # fmt: skip
    send(four, [{"type": "HKCategoryTypeIdentifierSleepAnalysis", "start": "2025-11-17T23:00:00+01:00", "end": "2025-11-18T06:30:00+01:00",
                 "value": "HKCategoryValueSleepAnalysisAsleepCore", "source": "Apple Watch"}])  # fmt: skip
    state(four, [night], name="sleep_analysis", units="hr")
    state(four, [point("2025-11-14", 0)])
    send(four, [walked("2025-11-14", 9, 40)])
    first, last = dt.date(2025, 1, 1), dt.date(2025, 11, 19)
    with four.database.reading() as c:
        short, long = compare.drifts(c, four.persons["Alice"], first, last), compare.pairs(c, four.persons["Alice"], first, last)
        usual = comparing.coverages(c, four.persons["Alice"], "steps", first, last)
        assert compare.drifts(c, four.persons["Bob"], first, last) == {}
    assert set(short) == set(long) == {"steps", "sleep_analysis"}
    for metric, pairs in long.items():
        assert list(zip(*short[metric], strict=True)) == [(pair.date.isoformat(), pair.share) for pair in pairs]
    assert short["steps"].shares[0] is None, "nothing was stated and something counted"
    assert usual == [pair.coverage for pair in long["steps"]]
    assert "Steps, 14 Nov" in words(get(four, "/data/compare")).partition("The largest differences")[2]
