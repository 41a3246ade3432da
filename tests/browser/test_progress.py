"""An upload that is being read, in a real browser: how far it is, its pace and the time left, without anybody reloading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from place import NOON, Clock

from healthbox.config import Settings
from healthbox.pipeline.accept import Door
from healthbox.pipeline.accept_file import note_file
from healthbox.render import SPACE
from healthbox.store import accounts, devices, logins, people
from healthbox.store.engine import Database
from healthbox.store.migrations.upgrade import upgrade
from healthbox.web.application import create_app
from healthbox.web.serving import Serving

SECOND = 1_000


class Reading:
    """Alice's export of a million records, of which as many are read as the test says."""

    def __init__(self, data: Path) -> None:
        settings, self.database, self.clock = Settings(data=data, min_free_mb=0, ballast_mb=0), Database(data), Clock(NOON)
        upgrade(self.database)
        with self.database.writing() as c:
            alice = people.add_person(c, "Alice", "Europe/Berlin", NOON)
            account = accounts.add_account(c, "alice", "x", alice.id, True, NOON)
            self.cookie = logins.create_session(c, account.id, "test", NOON)[1]
            device = devices.importer(c, alice.id, NOON)
        self.public = note_file(
            self.database, device, "apple-health-export", spool="none.zip", sha=b"1", size=412_000_000, now=NOON - 60 * SECOND
        )
        self.settings = settings
        self.app = create_app(settings, self.database, Door(self.database, settings, lambda: None), clock=self.clock)

    def at(self, second: int, read: int, share: float) -> None:
        self.clock.at = NOON + second * SECOND
        with self.database.writing() as c:
            c.exec_driver_sql("UPDATE chunk SET position=?, share=?", (read, share))
            c.exec_driver_sql("UPDATE batch SET new=?, started_at=?, touched_at=?, status='processing'", (read, NOON, self.clock.at))


@contextmanager
def serving(reading: Reading) -> Iterator[str]:
    server = Serving(reading.app, reading.settings, host="127.0.0.1", port=0)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()
    reading.database.close()


@pytest.mark.parametrize("path", ["/uploads/{}", "/uploads", "/import"])
def test_pace_and_time_left_come_by_themselves(chromium: Any, tmp_path: Path, path: str) -> None:
    reading = Reading(tmp_path)
    reading.at(0, 400_000, 0.4)
    with serving(reading) as base:
        context = chromium.new_context(viewport={"width": 375, "height": 720})
        context.add_cookies([{"name": "healthbox", "value": reading.cookie, "url": base}])
        page = context.new_page()
        page.goto(base + path.format(reading.public))
        pace = page.locator(f"[data-upload='{reading.public}'] [data-pace]")
        assert pace.inner_text() == f"40{SPACE}%"
        page.wait_for_timeout(1_500)  # the first poll has been answered
        reading.at(10, 500_000, 0.5)
        page.locator("[data-pace]", has_text="left").wait_for(timeout=15_000)
        assert pace.inner_text().endswith("10,000 records a second, 50 s left")
        assert page.locator("[data-upload] progress").get_attribute("value") == "50"
        assert "500,000 records read" in page.locator("#main").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        with reading.database.writing() as c:
            c.exec_driver_sql("UPDATE chunk SET status='done', finished_at=?", (reading.clock.at,))
            c.exec_driver_sql("UPDATE batch SET status='completed', closed_at=?, touched_at=touched_at+1", (reading.clock.at,))
        if path == "/import":  # a page with a form to fill in keeps what it shows
            page.locator("[data-pace]", has_text="Read.").wait_for(timeout=15_000)
        else:
            page.locator("progress").wait_for(state="detached", timeout=15_000)
        context.close()
