"""An order of sources is seen on the last thirty days before it is kept, and then comes out as it was seen."""

import datetime as dt
import json
import re
from types import SimpleNamespace

import pytest
from place import NOON, Browser, Place

from healthbox.pipeline.accept import Door
from healthbox.pipeline.preview import preview
from healthbox.pipeline.pump import Pump
from healthbox.store import day_values, devices, people, preferences, sources
from healthbox.store.sources import Source

TODAY = dt.date(2025, 11, 20)
WATCH, PHONE = {"name": "Watch", "product": "Watch6,1"}, {"name": "iPhone", "product": "iPhone14,2"}


def sample(kind: str, start: str, end: str, value: float | str, source: dict[str, str]) -> dict[str, object]:
    uuid = f"{kind}{start}{source['name']}".encode().hex()[-32:]
    return {"uuid": uuid, "type": kind, "start": start, "end": end, "value": value, "unit": "count", "source": source}


STEPS = "HKQuantityTypeIdentifierStepCount"
SLEEP = "HKCategoryTypeIdentifierSleepAnalysis"
BOTH = [
    sample(STEPS, "2025-11-20T08:00:00Z", "2025-11-20T08:30:00Z", 1000, WATCH),
    sample(STEPS, "2025-11-20T08:00:00Z", "2025-11-20T09:00:00Z", 1400, PHONE),
    sample(STEPS, "2025-11-19T08:00:00Z", "2025-11-19T08:30:00Z", 500, WATCH),
    sample(SLEEP, "2025-11-19T22:00:00Z", "2025-11-20T05:00:00Z", 1, WATCH),
    sample(SLEEP, "2025-11-19T21:30:00Z", "2025-11-20T05:30:00Z", 1, PHONE),
]


def pump(place: Place) -> None:
    Pump(place.database, place.settings.data, place.clock, lambda: None).run()


@pytest.fixture
def measured(place: Place) -> Place:
    """Alice's watch and phone, both of which counted the same morning and the same night; Bob's phone."""
    for name, samples in (("Alice", BOTH), ("Bob", BOTH[:1])):
        with place.database.writing() as c:
            people.update(c, place.persons[name], locale="en_GB")
            device = devices.add_device(c, place.persons[name], "Phone", ["ingest"], NOON)[0]
        body = {"batch": name, "index": 0, "final": True, "anchor": None, "metric": None, "zone": "Europe/Berlin", "samples": samples}
        Door(place.database, place.settings, lambda: None).sync(
            SimpleNamespace(id=device.id, person_id=place.persons[name]), json.dumps(body).encode(), NOON
        )
    pump(place)
    return place


def by_name(place: Place, name: str = "Alice") -> dict[str, Source]:
    with place.database.reading() as c:
        return {source.name: source for source in sources.list_sources(c, place.persons[name])}


def phone_first(place: Place) -> str:
    named = by_name(place)
    return f"{named['iPhone'].id},{named['Watch'].id}"


def steps(place: Place) -> dict[dt.date, float]:
    with place.database.reading() as c:
        found = day_values.values_between(c, place.persons["Alice"], TODAY - dt.timedelta(days=29), TODAY)
        return {row.date: row.value for row in found.get("steps", [])}


def words(browser: Browser, query: str = "", path: str = "/settings/precedence") -> str:
    answer = browser.client.get(path + query)
    assert answer.status_code == 200, answer.text
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_the_order_by_kind_stands_until_somebody_makes_one(measured: Place) -> None:
    page = words(measured.browser(), "?metric=steps")
    assert page.index("1. Watch") < page.index("2. iPhone")
    assert "by kind of source" in page
    assert "Keep this order" not in page
    everything = words(measured.browser(), "")
    assert "All metrics Steps Time asleep" in everything


def test_buttons_lead_to_a_preview_and_change_nothing(measured: Place) -> None:
    before = steps(measured)
    html = measured.browser().client.get("/settings/precedence?metric=steps").text
    assert f'name="order" value="{phone_first(measured)}"' in html
    page = words(measured.browser(), f"?metric=steps&order={phone_first(measured)}")
    assert "1 of the last 2 days change" in page
    assert "20 Nov 1,700 1,400" in page, "the watch's 1,000 and half of the phone's 1,400, or all of the phone's"
    assert "19 Nov 500 same" in page
    assert steps(measured) == before
    with measured.database.reading() as c:
        assert preferences.own_orders(c, measured.persons["Alice"]) == {}


def test_what_is_kept_comes_out_as_it_was_previewed(measured: Place) -> None:
    browser = measured.browser()
    alice, named = measured.persons["Alice"], by_name(measured)
    order = [named["iPhone"].id, named["Watch"].id]
    (promised,) = [shift for shift in preview(measured.database, alice, "steps", order, TODAY)["steps"] if shift.date == TODAY]
    assert steps(measured)[TODAY] == promised.before == 1700
    answer = browser.client.post("/settings/precedence", data={"csrf": browser.csrf, "metric": "steps", "order": phone_first(measured)})
    assert answer.status_code == 303
    assert measured.rings
    pump(measured)
    assert steps(measured)[TODAY] == promised.after == 1400
    assert preview(measured.database, alice, "steps", order, TODAY) == {}
    assert "your own order" in words(browser, "?metric=steps")
    assert "Steps your order iPhone \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} Watch" in " ".join(
        re.sub(r"<[^>]+>", " ", browser.client.get("/settings").text).split()
    )


def test_returning_to_the_rule_is_previewed_too(measured: Place) -> None:
    browser = measured.browser()
    browser.client.post("/settings/precedence", data={"csrf": browser.csrf, "metric": "steps", "order": phone_first(measured)})
    pump(measured)
    assert "20 Nov 1,400 1,700" in words(browser, "?metric=steps&rule=1")
    browser.client.post("/settings/precedence", data={"csrf": browser.csrf, "metric": "steps", "rule": "1"})
    pump(measured)
    assert steps(measured)[TODAY] == 1700


def test_an_order_for_all_metrics_moves_days_and_nights(measured: Place) -> None:
    browser, alice = measured.browser(), measured.persons["Alice"]
    order = [int(part) for part in phone_first(measured).split(",")]
    promised = preview(measured.database, alice, "*", order, TODAY)
    assert set(promised) == {"steps", "sleep_analysis"}
    (night,) = promised["sleep_analysis"]
    assert (night.date, night.before) == (TODAY, 420.0)
    assert night.after != night.before
    browser.client.post("/settings/precedence", data={"csrf": browser.csrf, "metric": "", "order": phone_first(measured)})
    pump(measured)
    assert steps(measured)[TODAY] == 1400
    with measured.database.reading() as c:
        (kept,) = day_values.nights_between(c, alice, TODAY, TODAY)
    assert kept.value == night.after


@pytest.mark.parametrize("order", ["", "1", "1,1", "x,y", "1,2,3", "99,98", "²,1", "1,2,"])
def test_an_order_of_other_sources_is_refused(measured: Place, order: str) -> None:
    browser = measured.browser()
    answer = browser.client.post("/settings/precedence", data={"csrf": browser.csrf, "metric": "steps", "order": order})
    assert answer.status_code == 422
    with measured.database.reading() as c:
        assert preferences.own_orders(c, measured.persons["Alice"]) == {}


def test_nobody_orders_anothers_sources(measured: Place) -> None:
    bob = measured.browser("bob")
    assert "iPhone" not in words(bob, "?metric=steps")
    answer = bob.client.post("/settings/precedence", data={"csrf": bob.csrf, "metric": "steps", "order": phone_first(measured)})
    assert answer.status_code == 422
    alice = measured.browser("alice")
    assert alice.client.post("/settings/precedence", data={"metric": "steps", "order": phone_first(measured)}).status_code == 403


def test_with_one_source_or_none_there_is_nothing_to_choose(measured: Place) -> None:
    assert "Only Watch has measured this" in words(measured.browser("bob"), "?metric=steps")
    assert "No source has sent anything yet" in words(measured.browser("bob"), "?metric=weight")
