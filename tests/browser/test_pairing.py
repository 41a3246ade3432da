"""Pairing as a person does it: at a phone's width, over plain http, with and without scripts."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pages_of import Stage, looking
from served import House
from test_acceptance import AXE, CUT, SIDEWAYS, SMALL, Inline, axe
from test_walk import BERLIN, health_auto_export, set_up

from healthbox.web.clients import CLIENTS

LAN = "http://192.168.1.20:8765"


@pytest.fixture
def phone(house: House, chromium: Any) -> Iterator[tuple[Any, str]]:
    """A page at 375 px, logged in under an address that a phone could use."""
    context = chromium.new_context(timezone_id="Europe/Berlin", viewport={"width": 375, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    lan = f"http://healthbox.lan:{house.port}"
    set_up(page, lan, house)
    yield page, lan
    context.close()


def made(page: Any, base: str, key: str) -> str:
    """Pair, and the token as it stands on the page."""
    page.goto(f"{base}/pair/{key}?address={base if '127.0.0.1' not in base else LAN}")
    page.click("main form[method=post] button.first")
    found = re.search(r"hbx_\w{58}", page.inner_text("#secret"))
    assert found is not None
    return found[0]


def send(house: House, token: str, body: Any) -> None:
    sent = requests.post(f"{house.base}/api/v1/ingest", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert sent.status_code == 202


def test_from_the_choice_to_the_first_data(house: House, phone: tuple[Any, str]) -> None:
    page, lan = phone
    assert page.url == f"{lan}/pair", "setup leads here"
    page.get_by_role("link", name="Health Auto Export").click()
    page.fill("[name=name]", "Ann’s iPhone")
    page.click("main form[method=post] button.first")
    links = page.locator("a[href^='com.HealthExport://automation']")
    assert links.count() == page.locator(".qr img").count() == 4
    assert all(image.evaluate("e => e.naturalWidth") > 0 for image in page.locator(".qr img").all())
    token = page.inner_text("#h-value").removeprefix("Bearer ")
    assert page.url.endswith("/pair/waiting/1")
    assert token not in page.url
    assert "Waiting for Ann’s iPhone" in page.inner_text("#told")

    refused = requests.post(f"{house.base}/api/v1/ingest", data=b"a,b", headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert refused.status_code == 400
    page.wait_for_selector("#told[data-state=refused]")
    assert page.locator("#secret").is_visible()

    send(house, token, health_auto_export(dt.datetime.now(BERLIN)))
    page.wait_for_selector("#told[data-state=arrived]")
    assert "Received 6 samples from Ann’s Apple Watch and iPhone." in page.inner_text("#told")
    assert not page.locator("#secret").is_visible(), "the token is hidden by itself"
    assert token not in page.inner_text("body")
    page.get_by_role("button", name="Show it again").click()
    assert page.locator(".qr img").first.is_visible(), "three more codes may wait to be scanned"

    page.reload()
    assert "Received 6 samples" in page.inner_text("#told")
    assert token not in page.content()


def test_copying_works_without_a_secure_context(phone: tuple[Any, str]) -> None:
    page, lan = phone
    token = made(page, lan, "healthsave")
    assert page.evaluate("isSecureContext") is False
    page.evaluate("document.addEventListener('copy', () => { window.copied = getSelection().toString() })")
    page.get_by_role("button", name="Copy API key").click()
    assert page.evaluate("window.copied") == token
    assert page.locator("button", has_text="Copied").count() == 1


def test_where_copying_is_refused_the_text_is_selected(phone: tuple[Any, str]) -> None:
    page, lan = phone
    token = made(page, lan, "healthsave")
    page.evaluate("document.execCommand = () => false")
    page.get_by_role("button", name="Copy API key").click()
    assert page.locator("button", has_text="Selected: copy it now").count() == 1
    assert page.evaluate("getSelection().toString()") == token


def test_the_token_goes_after_a_quarter_of_an_hour(phone: tuple[Any, str]) -> None:
    page, lan = phone
    page.clock.install()
    token = made(page, lan, "other")
    page.clock.fast_forward(16 * 60_000)
    page.wait_for_selector("#gone:not([hidden])")
    assert token not in page.content()


def test_pairing_works_without_scripts(house: House, chromium: Any, phone: tuple[Any, str]) -> None:
    page, lan = phone
    context = chromium.new_context(java_script_enabled=False, storage_state=page.context.storage_state())
    still = context.new_page()
    still.goto(lan + "/pair")
    still.get_by_role("link", name="HC Webhook").click()
    still.click("main form[method=post] button.first")
    token = still.inner_text("#b1-3").removeprefix("Bearer ")
    assert still.locator("button", has_text="Copy").filter(visible=True).count() == 0, "no button that does nothing"
    send(house, token, health_auto_export(dt.datetime.now(BERLIN)))
    still.get_by_role("link", name="Look", exact=True).click()
    assert token not in still.content()
    while "being read" in still.inner_text("#told"):
        still.get_by_role("link", name="Look again").click()
    assert "Received 6 samples" in still.inner_text("#told")
    context.close()


@pytest.fixture(scope="module")
def axed(chromium: Any, stage: Stage) -> Iterator[Any]:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci --ignore-scripts")
    with looking(chromium, stage, who="Bob", bypass_csp=True) as opened:
        yield opened


@pytest.mark.parametrize("key", CLIENTS)
def test_the_page_with_the_token_is_for_everybody(axed: Any, stage: Stage, key: str) -> None:
    axed.set_viewport_size({"width": 375, "height": 800})
    made(axed, stage.base, key)
    axed.add_script_tag(path=str(AXE))
    for width, theme in ((320, "light"), (375, "dark"), (1280, "light")):
        axed.set_viewport_size({"width": width, "height": 800})
        axed.emulate_media(color_scheme=theme)
        assert axe(axed) == [], (width, theme)
        assert axed.evaluate(SIDEWAYS) == [width, width]
        assert axed.evaluate(SMALL) == []
    axed.set_viewport_size({"width": 375, "height": 800})
    axed.evaluate("document.documentElement.style.fontSize = '200%'")
    assert axed.evaluate(SIDEWAYS) == [375, 375], "at 200 % text"


@pytest.mark.parametrize("key", CLIENTS)
def test_the_page_with_the_token_keeps_to_the_policy(chromium: Any, stage: Stage, key: str) -> None:
    noise: list[str] = []
    with looking(chromium, stage, who="Bob") as page:
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        made(page, stage.base, key)
        assert page.evaluate("window.seen.violations") == []
        assert page.evaluate("window.seen.shift") < 0.01
        assert Inline(page.content()).wrong == []
        assert page.evaluate(CUT) == []
    assert noise == []
