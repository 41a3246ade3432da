"""The list of metrics: by domain, against the usual, searchable without a script, what was never seen folded away."""

from test_today import get, words
from year import live_a_year


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
    assert "Blood Glucose" in folded and "Blood Glucose" not in page.partition("<details>")[0]
    assert "Mood" in words(page) and 'href="/unknown"' in page


def test_a_metric_silent_for_three_months_keeps_its_date(place):
    live_a_year(place)
    with place.database.writing() as c:
        c.exec_driver_sql("DELETE FROM day WHERE metric='vo2_max' AND date>'2025-03-03'")
    assert "Silent for three months" in words(get(place, "/metrics/all"))


def test_without_data_it_says_so(place):
    assert "Nothing measured yet" in words(get(place, "/metrics/all"))
