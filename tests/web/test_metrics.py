"""The list of metrics: by domain, against the usual, searchable without a script, what was never seen folded away."""

import re

import pytest
from test_today import get, words
from year import live_a_year

from healthbox.domain.catalogue import Metric
from healthbox.web.said import PLAIN, name_of


def test_every_metric_the_api_knows_is_on_the_page(place):
    live_a_year(place)
    page = get(place, "/metrics/all")
    listed = place.client().get("/api/v1/metrics", headers=place.bearer()).json["metrics"]
    assert len(listed) >= 14
    for entry in listed:
        assert f'href="/metrics/{entry["metric"]}"' in page


def test_numbers_and_their_usual(place):
    today = live_a_year(place)
    page = words(get(place, "/metrics/all"))
    days = place.client().get(f"/api/v1/days?metric=hrv_sdnn&from={today}&to={today}", headers=place.bearer()).json["days"]
    assert f"Variability (HRV) {days[0]['value']:.0f} ms today, in your usual " in page
    assert "Resting pulse 61 bpm" in page and "above your usual 51–57" in page
    assert "1,366 steps today so far, usually 6,805–10,196" in page


def test_domains_stand_in_a_fixed_order(place):
    live_a_year(place)
    page = words(get(place, "/metrics/all"))
    titles = ("Heart", "Breathing and vitals", "Sleep", "Movement", "Body", "Unknown names", "Never seen")
    places = [page.index(f" {title} ") for title in titles]
    assert places == sorted(places)


def test_a_search_needs_no_script(place):
    live_a_year(place)
    page = words(get(place, "/metrics/all?q=pulse"))
    assert "Resting pulse" in page and "Steps" not in page
    assert "Nothing is called that" in words(get(place, "/metrics/all?q=zebra"))
    assert "<script>alert" not in get(place, "/metrics/all?q=%3Cscript%3Ealert")


def test_names_never_seen_are_folded_and_unknown_ones_can_be_named(place):
    live_a_year(place)
    page = get(place, "/metrics/all")
    folded = page.partition("<details>")[2]
    assert "Blood glucose" in folded and "Blood glucose" not in page.partition("<details>")[0]
    assert "Mood" in words(page) and 'href="/unknown"' in page


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (PLAIN.get("resting_heart_rate"), "Resting pulse"),
        (PLAIN.get("blood_pressure_diastolic"), "Diastolic blood pressure"),
        (PLAIN.get("dietary_vitamin_b12"), "Vitamin B12"),
        (PLAIN.get("sleep_analysis"), "Time asleep"),
        (Metric(key="mood_score", label="My Mood Score"), "My Mood Score"),
    ],
)
def test_a_metric_has_one_name_on_every_page_and_peoples_own_stay(metric, name):
    assert name_of(metric) == name


def test_a_pulse_of_few_nights_is_learnt_here_as_on_today(place):
    live_a_year(place, last_days=8, unusual=False)
    for path in ("/metrics/all", "/metrics/resting_heart_rate"):
        assert re.search(r"Resting pulse .*?learning your usual: 7 of 14 nights", words(get(place, path))), path


def test_a_metric_silent_for_three_months_keeps_its_date(place):
    live_a_year(place)
    with place.database.writing() as c:
        c.exec_driver_sql("DELETE FROM day WHERE metric='vo2_max' AND date>'2025-03-03'")
    assert "Silent for three months" in words(get(place, "/metrics/all"))


def test_without_data_it_says_so(place):
    assert "Nothing measured yet" in words(get(place, "/metrics/all"))
