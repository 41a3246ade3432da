"""The main job, as its first user meets it: set up, pair, send, look, be told."""

from __future__ import annotations

import datetime as dt
import email
import re
import socket
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from aiosmtpd.controller import Controller
from served import House, receipt, wait_for

BERLIN = ZoneInfo("Europe/Berlin")
PASSWORD = "a long enough password"


class Letters:
    """A mail server on loopback that keeps what it is given."""

    def __init__(self) -> None:
        self.received: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        message = email.message_from_bytes(envelope.content)
        parts = [part.get_payload(decode=True).decode() for part in message.walk() if not part.is_multipart()]
        self.received.append(f"{message['Subject']}\n" + "\n".join(parts))
        return "250 kept"


@pytest.fixture
def letters() -> Iterator[tuple[Letters, int]]:
    box = Letters()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


def health_auto_export(now: dt.datetime) -> dict[str, Any]:
    """What Health Auto Export sends, with today's dates: movement, a pulse at rest far above any usual, a night."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)

    def text(moment: dt.datetime) -> str:
        return moment.strftime("%Y-%m-%d %H:%M:%S %z")

    hours = [day + dt.timedelta(minutes=minute) for minute in (0, 1, 2)]
    return {
        "data": {
            "metrics": [
                {
                    "name": "step_count",
                    "units": "count",
                    "data": [
                        {"date": text(h), "qty": q, "source": "Ann’s Apple Watch|iPhone"}
                        for h, q in zip(hours, (1200, 800, 412), strict=True)
                    ],
                },
                {"name": "active_energy", "units": "kJ", "data": [{"date": text(hours[0]), "qty": 418.4, "source": "Ann’s Apple Watch"}]},
                {
                    "name": "resting_heart_rate",
                    "units": "count/min",
                    "data": [{"date": text(day), "qty": 118, "source": "Ann’s Apple Watch"}],
                },
                {
                    "name": "sleep_analysis",
                    "units": "hr",
                    "data": [
                        {
                            "date": text(day),
                            "sleepStart": text(day - dt.timedelta(hours=8)),
                            "sleepEnd": text(day - dt.timedelta(hours=1)),
                            "totalSleep": 6.8,
                            "asleep": 0,
                            "core": 4.0,
                            "deep": 1.0,
                            "rem": 1.8,
                            "awake": 0.2,
                            "inBed": 0,
                            "source": "Ann’s Apple Watch",
                        }
                    ],
                },
            ]
        }
    }


def set_up(page: Any, base: str, house: House) -> None:
    page.goto(base + house.setup)
    assert page.input_value("[name=zone]") == "Europe/Berlin"  # taken from the browser
    page.fill("[name=name]", "Ann")
    page.fill("[name=login]", "ann")
    page.fill("[name=password]", PASSWORD)
    page.click("button.first")


def pair(page: Any, base: str) -> str:
    page.goto(base + "/pair/health-auto-export")
    page.fill("[name=name]", "iPhone")
    page.click("main form[method=post] button.first")
    token = page.inner_text("#h-value").removeprefix("Bearer ")
    assert token.startswith("hbx_")
    return str(token)


def add_mail_channel(page: Any, base: str, port: int) -> None:
    page.goto(base + "/findings/channels")
    form = page.locator("form[action*='/findings/channels']").filter(has=page.locator("[name=url]"))
    form.locator("[name=url]").fill(f"mailto://127.0.0.1:{port}/?from=box@example.org&to=ann@example.org&mode=insecure")
    form.locator("[name=detail][value=values]").check()
    form.locator("button.first").click()


def test_from_setup_to_a_mail(house: House, chromium: Any, letters: tuple[Letters, int]) -> None:
    box, smtp = letters
    lan = f"http://healthbox.lan:{house.port}"
    context = chromium.new_context(timezone_id="Europe/Berlin", viewport={"width": 375, "height": 800})
    noise: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: noise.append(message.text))
    page.on("request", lambda request: noise.append(f"other host: {request.url}") if not request.url.startswith((lan, "data:")) else None)

    set_up(page, lan, house)
    token = pair(page, lan)
    add_mail_channel(page, lan, smtp)

    sent = requests.post(
        f"{house.base}/api/v1/ingest",
        json=health_auto_export(dt.datetime.now(BERLIN)),
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    assert sent.status_code == 202
    told = receipt(house.base, token, sent.json()["receipt"])
    assert told["status"] == "completed"
    assert told["records"] == {"new": 6, "updated": 0, "duplicate": 0, "deleted": 0, "rejected": 0}

    def steps() -> str | None:
        page.goto(lan + "/")
        found = re.search(r"2,412", page.inner_text("main"))
        return found.group(0) if found else None

    assert wait_for(steps) == "2,412"
    words = page.inner_text("main")
    assert "118" in words  # the pulse
    assert "6 h 48 min" in words.replace("\n", " ").replace("\u00a0", " ") or "6h48min" in re.sub(r"\s", "", words)
    wait_for(lambda: box.received, 20)
    assert len(box.received) == 1
    assert "118" in box.received[0]
    assert noise == []
    context.close()


def test_the_setup_link_works_once(house: House, chromium: Any) -> None:
    lan = f"http://healthbox.lan:{house.port}"
    context = chromium.new_context(timezone_id="Europe/Berlin")
    page = context.new_page()
    set_up(page, lan, house)
    again = requests.get(house.base + house.setup, timeout=5)
    assert again.status_code == 404
    assert token_of(house) not in again.text
    context.close()


def token_of(house: House) -> str:
    return house.setup.rsplit("/", 1)[1]
