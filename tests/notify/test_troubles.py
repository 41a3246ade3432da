"""A message about silent trouble says what stopped, since when and what to do, and no more than the channel may tell."""

from zoneinfo import ZoneInfo

import msgspec
import pytest

from healthbox.notify import troubles

BERLIN = ZoneInfo("Europe/Berlin")
SINCE = 1_763_451_480_000.0  # 18 Nov 2025 08:38 in Berlin
HOUR = 3_600_000.0


class Found(msgspec.Struct, frozen=True):
    rule: str = "silent"
    metric: str = "device:1"
    value: float = 24.0
    words: dict[str, str | float] = {}


def found(rule: str = "silent", metric: str = "device:1", **words: str | float) -> Found:
    return Found(rule, metric, 24.0, {"name": "Alice's phone", "since": SINCE, **words})


def said(one: Found, locale: str = "en_GB") -> str:
    parts = troubles.headline(one, BERLIN, locale), troubles.sentence(one, BERLIN, locale), *troubles.advice(one)
    return " ".join(parts).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (found(longest=9.5 * HOUR), ("Alice's phone has not sent since 18 Nov 08:38", "silence until then was 9 h 30 min", "Unlock")),
        (found(cause="empty"), ("sends, but no new reading since 18 Nov 08:38", "none of its sources", "Unlock")),
        (found(metric="source:4", kind="watch", phone="iPhone"), ("Nothing new from", "iPhone still sends", "worn")),
        (found(metric="source:4", kind="scale", phone="iPhone"), ("Nothing new from", "switched on")),
        (found("looping"), ("sent the same again and again since 18 Nov 08:38", "came 24 times", "one sync run to its end")),
        (found("duplicates"), ("Nothing new from", "24 uploads since then", "all known already", "Since Last Sync")),
        (found("duplicates", cause="refused"), ("is refused since", "were all refused", "receipt")),
        (found(until=SINCE + 30 * HOUR, ended="cured"), ("Over since 19 Nov 14:38: new data came.",)),
        (found(until=SINCE + 30 * HOUR, ended="left"), ("Closed 19 Nov 14:38: nobody waits for it any more.",)),
    ],
)
def test_it_says_what_since_when_and_what_to_do(one, words):
    text = said(one)
    for word in words:
        assert word in text
    assert "None" not in text


def test_a_channel_hears_as_much_as_it_may():
    one = found(longest=9.5 * HOUR)
    base = "https://health.home.arpa"
    nothing, metric, values = (" ".join(troubles.message(one, detail, BERLIN, "en_GB", base)) for detail in ("nothing", "metric", "values"))
    assert nothing == "healthbox healthbox has something for you.\nhttps://health.home.arpa/findings"
    assert "phone" not in metric
    assert not any(character.isdigit() for character in metric)
    assert "Alice's phone has not sent since" in values
    assert values.endswith("\nhttps://health.home.arpa/findings")


def test_a_device_without_a_name_is_called_one():
    assert troubles.headline(found(name=""), BERLIN, "en_GB").startswith("A device has not sent")


def test_the_clock_is_the_persons():
    assert "8:38 AM" in said(found(), "en_US")
