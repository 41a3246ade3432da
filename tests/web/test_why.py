"""Why a number is what it is: its parts sum to it, overlap shows, layers not chosen and drift are named."""

import datetime as dt
import math
import re

import pytest
from test_metric import send
from test_today import get, words
from year import live_a_year

from healthbox.web.pages import why
from healthbox.web.said import PLAIN, Said

DAY = dt.timedelta(days=1)


def test_the_parts_on_the_page_sum_to_the_number(place):
    yesterday = live_a_year(place) - DAY
    page = words(get(place, f"/metrics/steps/{yesterday}/why"))
    told = place.client().get(f"/api/v1/days/steps/{yesterday}/why", headers=place.bearer()).json
    found = re.search(r"([\d,]+) steps = Apple Watch \(watch\) ([\d,]+) steps \+ iPhone \(phone\) ([\d,]+) steps", page)
    assert found
    value, watch, phone = (float(text.replace(",", "")) for text in found.groups())
    assert value == told["value"] == watch + phone == math.fsum(c["value"] for c in told["contributions"])
    assert f"Left out: {told['overlap']:,.0f} steps of iPhone" in page


def test_a_lane_per_source_with_its_overlap_hatched(place):
    yesterday = live_a_year(place) - DAY
    lanes = get(place, f"/metrics/steps/{yesterday}/why").partition('class="lanes"')[2].partition("</figure>")[0]
    watch, phone = lanes.partition("<b>Apple Watch</b>")[2].partition("<b>iPhone</b>")[::2]
    assert 'class="won"' in watch and "overlap" not in watch
    assert 'class="won"' in phone and 'class="overlap"' in phone


def test_the_rule_is_said_in_words_with_a_way_to_change_it(place):
    yesterday = live_a_year(place) - DAY
    page = get(place, f"/metrics/steps/{yesterday}/why")
    assert "At every moment only the best source counts." in words(page)
    assert 'href="/settings/precedence?metric=steps"' in page


def test_every_reading_is_listed_in_pages_of_fifty(place):
    yesterday = live_a_year(place) - DAY
    told = place.client().get(f"/api/v1/days/steps/{yesterday}/why", headers=place.bearer()).json
    pages = [get(place, f"/metrics/steps/{yesterday}/why?page={n}").partition('id="samples"')[2].partition("</section>")[0] for n in (1, 2)]
    rows = [page.count('<th scope="row">') for page in pages]
    assert rows[0] == 50 and sum(rows) == len(told["readings"])
    assert "Samples, page 1 of 2" in get(place, f"/metrics/steps/{yesterday}/why?page=zero")


def test_drift_and_the_layer_not_chosen_are_named(place):
    today = live_a_year(place)
    yesterday = today - DAY
    with place.database.writing() as c:
        c.exec_driver_sql(
            "INSERT INTO bucket SELECT ?, 'steps', 'Phone', 'stated', ?, ?, 9120, NULL, NULL, '', ?, max(batch_id), NULL FROM sample",
            (place.persons["Alice"], yesterday.toordinal(), yesterday.isoformat(), place.clock() - 30 * 3_600_000),
        )
    page = words(get(place, f"/metrics/steps/{yesterday}/why"))
    assert "Phone says 9,120 steps, we count 6,646 steps." in page
    assert "Stated total of Phone 9,120 steps" in page and "+2,474 steps" in page


def stated_after_the_day(place, app="health-auto-export", width="day", metric="steps"):
    """Yesterday as an app states it this morning; returns the date."""
    yesterday = live_a_year(place) - DAY
    with place.database.writing() as c:
        c.exec_driver_sql(
            "INSERT INTO bucket SELECT ?, ?, ?, ?, ?, ?, 9120, NULL, NULL, '', ?, max(batch_id), NULL FROM sample",
            (place.persons["Alice"], metric, app, width, yesterday.toordinal(), yesterday.isoformat(), place.clock() - 4 * 3_600_000),
        )
    return yesterday


def test_what_counted_of_an_interval_is_drawn_no_wider_than_it_was():
    span = {"source": "iPhone", "start": "2025-11-19T10:00:00+01:00", "end": "2025-11-19T11:00:00+01:00"}
    told = {"layer": "raw", "start": "2025-11-19T00:00:00+01:00", "end": "2025-11-20T00:00:00+01:00", "readings": [span],
            "lanes": [span | {"end": "2025-11-19T10:01:00+01:00"}], "contributions": [{"source": "iPhone"}]}  # fmt: skip
    ((_, parts, _),) = why.lanes(told, PLAIN.get("steps"), Said("metric", "en_GB", 0, dt.UTC))
    assert [(part.state, part.width) for part in parts] == [("won", 0.25), ("overlap", pytest.approx(100 * 59 / 1440, abs=0.01))]


def test_a_total_that_wins_shows_the_samples_beside_it_and_no_empty_lane(place):
    page = get(place, f"/metrics/steps/{stated_after_the_day(place)}/why")
    read = words(page)
    assert "9,120 steps , stated by Health Auto Export for the whole day on 20 Nov at 09:00." in read
    assert not re.search(r"\b0 readings", read) and "health-auto-export" not in read
    lanes = page.partition('class="lanes"')[2].partition("</figure>")[0]
    assert "<b>Apple Watch</b>" in lanes and "<b>iPhone</b>" in lanes
    assert 'class="lost"' in lanes and 'class="won"' not in lanes and "measured, not counted" in page
    assert "The total that Health Auto Export states for the whole day counts: it was stated after the day was over." in read


def test_a_total_without_samples_has_no_lanes(place):
    page = get(place, f"/metrics/stand_time/{stated_after_the_day(place, metric='stand_time')}/why")
    assert 'class="lanes"' not in page and "It does not say which source gave how much." in words(page)


def test_the_layers_are_a_list_that_leads_to_the_comparison(place):
    page = get(place, f"/metrics/steps/{stated_after_the_day(place)}/why")
    card = page.partition('id="layers"')[2].partition("</section>")[0]
    assert "<table" not in card and card.count('<li class="item">') == 2
    assert 'href="/data/compare/steps"' in card
    read = words("<main" + card)
    assert "Whole day of Health Auto Export 9,120 steps Chosen, covers 100 % of the day." in read
    assert re.search(r"Samples 6,646 steps Covers \d\d % of the day; −2,474 steps against it\.", read)


def test_a_mean_counts_readings(place):
    yesterday = live_a_year(place) - DAY
    assert re.search(r"\d\d bpm from 60 readings of Apple Watch\.", words(get(place, f"/metrics/heart_rate/{yesterday}/why")))


def test_a_day_that_is_not_over_says_so(place):
    today = live_a_year(place)
    assert "The day is not over" in words(get(place, f"/metrics/steps/{today}/why"))


def test_sleep_is_explained_by_its_night(place):
    today = live_a_year(place)
    answer = place.browser().client.get(f"/metrics/sleep_analysis/{today}/why")
    assert answer.status_code == 303 and answer.location.endswith(f"/sleep/{today}")


def test_a_readings_name_cannot_bring_markup(place):
    today = live_a_year(place)
    send(place, [{"type": "dietary_water", "start": f"{today}T08:00:00Z", "end": f"{today}T08:00:00Z", "value": 200, "unit": "mL",
                  "source": {"name": "<b>Cup</b>"}}])  # fmt: skip
    page = get(place, f"/metrics/dietary_water/{today}/why")
    assert "&lt;b&gt;Cup&lt;/b&gt;" in page and "<b>Cup</b>" not in page


def test_nobody_else_can_ask(place):
    today = live_a_year(place)
    assert place.browser("bob").client.get(f"/metrics/steps/{today}/why").status_code == 404
