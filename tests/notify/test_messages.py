"""A message says exactly as much as the person chose."""

import datetime as dt

import msgspec
import pytest

from healthbox.domain.catalogue import Catalogue, Metric
from healthbox.notify import messages


class Found(msgspec.Struct, frozen=True):
    rule: str = "deviation"
    date: dt.date = dt.date(2026, 11, 20)
    value: float = 61.0
    low: float | None = 52.0
    high: float | None = 57.0
    direction: str = "above"


@pytest.fixture(scope="module")
def pulse() -> Metric:
    found = Catalogue.load().get("resting_heart_rate")
    assert found
    return found


def words(*message: str) -> str:
    return " ".join(message).replace("\N{NO-BREAK SPACE}", " ")


def test_nothing_says_nothing(pulse):
    said = words(*messages.message(Found(), pulse, "nothing", base_url="https://health.home.arpa/health"))
    assert said == "healthbox healthbox has something for you.\nhttps://health.home.arpa/health/findings"


def test_metric_says_what_but_no_number(pulse):
    said = words(*messages.message(Found(), pulse, "metric"))
    assert said == f"{pulse.label} is unusual {pulse.label} is above your usual."
    assert not any(character.isdigit() for character in said)


def test_values_says_the_number_and_the_usual_range(pulse):
    title, body = messages.message(Found(), pulse, "values", locale="en_GB", base_url="https://health.home.arpa")
    assert words(title) == f"{pulse.label} 61 bpm"
    assert words(body) == f"{pulse.label} 61 bpm on 20 Nov, usually 52–57. Not a diagnosis.\nhttps://health.home.arpa/day/2026-11-20"


def test_a_threshold_is_called_a_limit(pulse):
    found = Found(rule="clinical", value=112.0, low=None, high=111.0)
    assert "112 bpm on 20 Nov, the limit is 111 bpm." in words(*messages.message(found, pulse, "values", locale="en_GB"))
    assert "above the limit you watch" in words(*messages.message(found, pulse, "metric"))


def test_units_and_locale_are_the_persons():
    temperature = Catalogue.load().get("body_temperature")
    found = Found(rule="clinical", value=39.2, low=None, high=39.1)
    assert "102.6 °F" in words(*messages.message(found, temperature, "values", units="imperial", locale="en_US"))
    assert "39,2 °C" in words(*messages.message(found, temperature, "values", locale="de"))


def test_the_test_message_is_about_nobody():
    assert words(*messages.test_message()) == "healthbox: test This is a test. Messages from healthbox arrive here."
