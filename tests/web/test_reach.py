"""The address that a phone is given: never one that leads back to the phone, always one that this server answers to."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from place import Place

from healthbox.web import reach

LAN = "http://192.168.1.20:8765"
TOKEN = re.compile(r"hbx_\w{58}")


def pair(place: Place, address: str) -> Any:
    browser = place.browser()
    return browser.client.post("/pair/other", data={"csrf": browser.csrf, "name": "iPhone", "address": address, "after": "0"})


def test_a_loopback_address_is_no_address_for_a_phone(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "is_in_a_container", lambda: False)
    monkeypatch.setattr(reach, "lan_addresses", lambda: ["192.168.1.20"])
    monkeypatch.setattr(reach, "_announced_names", lambda: ["box.local"])
    page = place.browser().client.get("/pair/shortcut", headers={"Host": "localhost:8765"}).text
    assert "On the phone that means the phone itself" in page
    assert 'name="after"' not in page, "nothing is made yet"
    for address in ("http://192.168.1.20:8765", "http://box.local:8765"):
        assert f'href="/pair/shortcut?address={address}"' in page
    chosen = place.browser().client.get(f"/pair/shortcut?address={LAN}").text
    assert f'name="address" value="{LAN}"' in chosen
    assert 'name="after"' in chosen


def test_in_a_container_no_address_is_guessed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "is_in_a_container", lambda: True)
    page = place.browser().client.get("/pair/shortcut").text
    assert "runs in a container" in page
    assert "?address=" not in page


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:8765",
        "127.0.0.1",
        "http://127.9.9.9",
        "https://[::1]:8765",
        "http://[::ffff:127.0.0.1]",
        "a.localhost",
        "LOCALHOST.",
    ],
)
def test_no_pairing_goes_to_a_loopback_address(place: Place, address: str) -> None:
    answer = pair(place, address)
    assert answer.status_code == 422
    assert "means the phone itself" in answer.text
    assert not TOKEN.search(answer.text)
    assert "Yours" not in place.browser().client.get("/devices").text


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "Address: enter the one"),
        ("ftp://192.168.1.20", "Address: this is not the address of a server"),
        ("http://192.168.1.20:99999", "Address: this is not"),
        ("http://192.168.1.20:0", "Address: this is not"),
        ("http://a:b@192.168.1.20", "Address: this is not"),
        ("http://192.168.1", "Address: this is not"),
        ("http://my box", "Address: this is not"),
        ("http://" + "a" * 300, "Address: this is not"),
        ("0.0.0.0:8765", "is no machine"),
        ("http://169.254.3.4", "is no machine"),
        ("https://health.example.org", "does not answer as health.example.org yet"),
    ],
)
def test_an_address_that_cannot_be_right_is_named(place: Place, address: str, words: str) -> None:
    browser = place.browser()
    for answer in (browser.client.get("/pair/other", query_string={"address": address}), pair(place, address)):
        assert answer.status_code == 422
        assert words in html.unescape(answer.text)
        assert f'value="{address}"' in answer.text, "it can be mended"
        assert 'aria-invalid="true"' in answer.text


@pytest.mark.parametrize(
    ("typed", "used"),
    [
        (" 192.168.1.20:8765 ", LAN),
        (f"{LAN}/pair/other?x=1", LAN),
        ("HTTPS://Box.Local/", "https://box.local"),
        ("http://[fd00::1]:8765", "http://[fd00::1]:8765"),
    ],
)
def test_what_a_person_types_becomes_an_address(place: Place, typed: str, used: str) -> None:
    page = place.browser().client.get("/pair/other", query_string={"address": typed}).text
    assert f'name="address" value="{used}"' in page
    assert f'href="{used}/reached"' in page


def test_base_url_is_where_phones_go(furnished: Callable[..., Place]) -> None:
    place = furnished(base_url="https://health.example.org/health")
    page = place.browser().client.get("/health/pair/other").text
    assert 'name="address" value="https://health.example.org/health"' in page
    assert 'href="https://health.example.org/health/reached"' in page
    made = pair(place, "https://health.example.org/health").text
    assert "https://health.example.org/health/api/v1/ingest" in made


def test_the_test_page_is_open_to_all_and_tells_nothing(place: Place) -> None:
    answer = place.client().get("/reached", headers={"Host": "192.168.1.20:8765"})
    assert answer.status_code == 200
    assert "healthbox can be reached from this phone" in answer.text
    assert "Alice" not in answer.text
    assert "Set-Cookie" not in answer.headers
