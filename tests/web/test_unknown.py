"""A metric that nobody knows gets a name from a person; its records and days follow."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from place import Place

from healthbox.pipeline.pump import Pump
from healthbox.store import metrics

FORM = {"label": "Grip strength", "unit": "kg", "aggregation": "last"}


def sample(hour: int, value: float, unit: str | None = None, name: str = "GripStrength") -> dict[str, Any]:
    moment = f"2025-11-20T{hour:02d}:00:00Z"
    return {"type": name, "start": moment, "end": moment, "value": value, "unit": unit, "source": {"name": "Dynamometer"}}


@pytest.fixture
def work(place: Place) -> Callable[[], None]:
    return Pump(place.database, place.settings.data, place.clock, lambda: None).run


@pytest.fixture
def send(place: Place, work: Callable[[], None]) -> Callable[..., None]:
    counter = iter(range(100))

    def sent(*samples: dict[str, Any], who: str = "Alice") -> None:
        body = {"batch": f"b{next(counter)}", "index": 0, "final": True, "samples": list(samples)}
        assert place.client().post("/api/v1/sync", json=body, headers=place.bearer(who)).status_code == 202
        work()

    return sent


def key_of(place: Place, who: str = "Alice") -> str:
    with place.database.reading() as c:
        return metrics.unknowns(c, place.persons[who])[0].key


def days(place: Place, metric: str, who: str = "Alice") -> list[float]:
    path = f"/api/v1/days?metric={metric}&from=2025-11-20&to=2025-11-20"
    return [day["value"] for day in place.client().get(path, headers=place.bearer(who)).json["days"]]


def test_it_is_listed_with_what_is_known_of_it(place: Place, send: Callable[..., None]) -> None:
    send(sample(8, 41), sample(9, 43))
    client = place.browser().client
    for page in ("/data", "/unknown"):
        assert "GripStrength" in client.get(page).text, page
        assert "2 records, no unit" in client.get(page).text, page
    form = client.get(f"/unknown/{key_of(place)}").text
    assert 'value="Grip Strength"' in form, "a first guess of its name"
    assert days(place, key_of(place)) == [42.0]
    assert "<dd>42 " in form, "what came in"


def test_named_its_samples_and_days_follow(place: Place, send: Callable[..., None], work: Callable[[], None]) -> None:
    send(sample(8, 41), sample(9, 43))
    old, browser = key_of(place), place.browser()
    rings = len(place.rings)
    answer = browser.client.post(f"/unknown/{old}", data={"csrf": browser.csrf, **FORM})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/data")
    assert len(place.rings) == rings + 1, "the pump is woken"
    work()
    assert days(place, "grip_strength") == [43.0], "the last reading, as the form said"
    assert days(place, old) == []
    found = place.client().get("/api/v1/samples?metric=grip_strength", headers=place.bearer()).json["samples"]
    assert [s["value"] for s in found] == [41.0, 43.0]
    assert "GripStrength" not in browser.client.get("/data").text
    assert browser.client.get(f"/unknown/{old}").status_code == 404
    send(sample(10, 44))
    assert days(place, "grip_strength") == [44.0], "what comes later is known"
    assert "GripStrength" not in browser.client.get("/data").text


def test_the_unit_that_the_app_writes_stays(place: Place, send: Callable[..., None], work: Callable[[], None]) -> None:
    send(sample(8, 41, "kgf"))
    browser, key = place.browser(), key_of(place)
    assert 'name="unit"' not in browser.client.get(f"/unknown/{key}").text
    browser.client.post(f"/unknown/{key}", data={"csrf": browser.csrf, **FORM, "unit": "lb"})
    work()
    listed = place.client().get("/api/v1/metrics", headers=place.bearer()).json["metrics"]
    assert [(m["metric"] if "metric" in m else m["key"], m["unit"]) for m in listed] == [("grip_strength", "kgf")]


def test_one_name_in_two_units_is_two_metrics_and_stays_so(place: Place, send: Callable[..., None], work: Callable[[], None]) -> None:
    send(sample(8, 41, "kgf"), sample(9, 90, "psi"))
    browser = place.browser()
    names = {"unknown.gripstrength.kgf": "Grip", "unknown.gripstrength.psi": "Squeeze"}
    for key, label in names.items():
        assert browser.client.post(f"/unknown/{key}", data={"csrf": browser.csrf, **FORM, "label": label}).status_code == 303
    work()
    assert (days(place, "grip"), days(place, "squeeze")) == ([41.0], [90.0])
    send(sample(10, 42, "kgf"), sample(11, 91, "psi"))
    assert (days(place, "grip"), days(place, "squeeze")) == ([42.0], [91.0]), "both land where they were named"
    send(sample(12, 7, "N"))
    assert key_of(place) == "unknown.gripstrength.n", "a third unit is unknown again, and refused nowhere"


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        ({"label": "  "}, 422, "A name has"),
        ({"label": "!!!"}, 422, "A name has"),
        ({"label": "x" * 61}, 422, "A name has"),
        ({"unit": "x" * 21}, 422, "A unit has"),
        ({"aggregation": "magic"}, 422, "Say how"),
        ({"label": "Heart rate"}, 409, "There is a metric called Heart Rate already."),
    ],
)
def test_a_mistake_is_shown_and_changes_nothing(
    place: Place, send: Callable[..., None], wrong: dict[str, str], status: int, words: str
) -> None:
    send(sample(8, 41))
    browser, key = place.browser(), key_of(place)
    answer = browser.client.post(f"/unknown/{key}", data={"csrf": browser.csrf, **FORM, **wrong})
    assert answer.status_code == status
    assert words in answer.text
    assert key_of(place) == key


def test_a_name_with_another_meaning_is_refused(place: Place, send: Callable[..., None], work: Callable[[], None]) -> None:
    browser = place.browser()
    send(sample(8, 41))
    browser.client.post(f"/unknown/{key_of(place)}", data={"csrf": browser.csrf, **FORM})
    send(sample(8, 7, name="Squeeze"))
    key = key_of(place)
    answer = browser.client.post(f"/unknown/{key}", data={"csrf": browser.csrf, **FORM, "aggregation": "sum"})
    assert answer.status_code == 409, "the one named first keeps its meaning"
    assert browser.client.post(f"/unknown/{key}", data={"csrf": browser.csrf, **FORM}).status_code == 303, "the same thing under two names"


def test_only_who_has_it_names_it(place: Place, send: Callable[..., None]) -> None:
    send(sample(8, 41))
    key, bob = key_of(place), place.browser("bob")
    assert "GripStrength" not in bob.client.get("/data").text
    assert bob.client.get(f"/unknown/{key}").status_code == 404
    assert bob.client.post(f"/unknown/{key}", data={"csrf": bob.csrf, **FORM}).status_code == 404


def test_a_strange_name_is_words_and_no_markup(place: Place, send: Callable[..., None]) -> None:
    send(sample(8, 1, name='<img src=x onerror="alert(1)">/../'))
    client = place.browser().client
    for path in ("/data", "/unknown"):
        page = client.get(path).text
        assert "<img src=x" not in page
        link = re.search(r'href="(/unknown/[^"]+)"', page)
        assert link is not None
        assert client.get(link[1]).status_code == 200


def test_what_has_a_name_already_is_told_so_and_counts_with_it(place: Place, send: Callable[..., None], work: Callable[[], None]) -> None:
    """A phone that speaks German."""
    send(sample(8, 176, "lb", "Gewicht"), sample(9, 80, "kg", "HKQuantityTypeIdentifierBodyMass"))
    browser, key = place.browser(), key_of(place)
    form = browser.client.get(f"/unknown/{key}").text
    assert '<option value="weight">' in form and '<option value="steps">' not in form, "only what comes in pounds"
    assert 'name="said"' not in form
    assert browser.client.post(f"/unknown/{key}", data={"csrf": browser.csrf, "same": "weight"}).status_code == 303
    work()
    found = place.client().get("/api/v1/samples?metric=weight", headers=place.bearer()).json["samples"]
    assert [s["value"] for s in found] == pytest.approx([79.832, 80], abs=1e-3)
    assert browser.client.get(f"/unknown/{key}").status_code == 404
    send(sample(10, 178, "lb", "Gewicht"))
    assert days(place, "weight") == pytest.approx([80.74], abs=0.01), "what comes later is known"
    send(sample(8, 176, "lb", "Gewicht"))
    found = place.client().get("/api/v1/samples?metric=weight", headers=place.bearer()).json["samples"]
    assert len(found) == 3, "sent again it is known"


def test_numbers_without_a_unit_are_in_the_one_that_is_said(place: Place, send: Callable[..., None], work: Callable[[], None]) -> None:
    send(sample(7, 3, name="distance_cycling, no unit"), who="Bob")
    assert '<option value="distance_cycling" selected>' in place.browser("bob").client.get(f"/unknown/{key_of(place, 'Bob')}").text
    send(sample(8, 4.2, name="Strecke"), who="Alice")
    send(sample(8, 5.5, name="Strecke"), who="Bob")
    browser, key = place.browser(), key_of(place)
    address, same = f"/unknown/{key}", {"csrf": browser.csrf, "same": "distance_walking_running"}
    for said, words in (("", "In which unit"), ("kg", "does not come in that unit")):
        answer = browser.client.post(address, data={**same, "said": said})
        assert answer.status_code == 422 and words in answer.text and "km, mi" in answer.text
    assert browser.client.post(address, data={**same, "said": "km"}).status_code == 303
    send(sample(9, 1, name="Strecke"))
    found = place.client().get("/api/v1/samples?metric=distance_walking_running", headers=place.bearer()).json["samples"]
    assert [s["value"] for s in found] == [4200.0, 1000.0]
    found = place.client().get("/api/v1/samples?metric=distance_walking_running", headers=place.bearer("Bob")).json["samples"]
    assert [s["value"] for s in found] == [5500.0], "the same name means the same to all"


@pytest.mark.parametrize(("same", "said"), [("", ""), ("steps_of_mine", ""), ("height", "m"), ("body_temperature", "degF")])
def test_what_it_cannot_be_changes_nothing(place: Place, send: Callable[..., None], same: str, said: str) -> None:
    send(sample(8, 4100), sample(9, 43))
    browser, key = place.browser(), key_of(place)
    answer = browser.client.post(f"/unknown/{key}", data={"csrf": browser.csrf, "same": same, "said": said})
    assert answer.status_code == 422 and "4100" not in answer.text.partition("What came in")[0]
    assert key_of(place) == key and days(place, key) == [2071.5]


def test_hours_that_it_cannot_be_change_nothing_either(place: Place, work: Callable[[], None]) -> None:
    points = [{"date": f"2025-11-20 {hour:02d}:00:00 +0100", "qty": 98.6} for hour in (8, 9)]
    body = {"data": {"metrics": [{"name": "temperatura", "units": "", "data": points}]}}
    headers = place.bearer() | {"automation-aggregation": "Hours"}
    assert place.client().post("/api/v1/ingest", json=body, headers=headers).status_code == 202
    work()
    browser, key = place.browser(), key_of(place)
    same = {"csrf": browser.csrf, "same": "body_temperature"}
    assert browser.client.post(f"/unknown/{key}", data={**same, "said": "degC"}).status_code == 422
    assert browser.client.post(f"/unknown/{key}", data={**same, "said": "degF"}).status_code == 303
    work()
    assert days(place, "body_temperature") == [pytest.approx(37.0)]


def test_what_was_deleted_under_the_old_name_stays_deleted(place: Place, send: Callable[..., None], work: Callable[[], None]) -> None:
    """Also where the one's new value is the other's old one."""
    send(sample(8, 1, name="Agua") | {"uuid": "A"}, sample(8, 1000, name="Agua") | {"uuid": "B"}, sample(9, 2, name="Agua"))
    gone = {"batch": "gone", "index": 0, "final": True, "deleted": ["A", "B"]}
    assert place.client().post("/api/v1/sync", json=gone, headers=place.bearer()).status_code == 202
    work()
    browser, key = place.browser(), key_of(place)
    answer = browser.client.post(f"/unknown/{key}", data={"csrf": browser.csrf, "same": "dietary_water", "said": "L"})
    assert answer.status_code == 303
    send(sample(8, 1, name="Agua"), sample(9, 2, name="Agua"))
    found = place.client().get("/api/v1/samples?metric=dietary_water", headers=place.bearer()).json["samples"]
    assert [s["value"] for s in found] == [2000.0]


@pytest.mark.parametrize("form", [FORM, {"same": "weight", "said": "kg"}])
def test_the_pump_is_woken_when_there_is_something_to_see(
    place: Place, send: Callable[..., None], monkeypatch: pytest.MonkeyPatch, form: dict[str, str]
) -> None:
    send(sample(8, 41))
    browser, key, seen = place.browser(), key_of(place), list[int]()

    def ring() -> None:
        with place.database.reading() as c:
            seen.append(len(metrics.unknowns(c, place.persons["Alice"])))

    monkeypatch.setattr(place.app.extensions["healthbox"].door, "_ring", ring)
    assert browser.client.post(f"/unknown/{key}", data={"csrf": browser.csrf, **form}).status_code == 303
    assert seen == [0], "after the commit"
