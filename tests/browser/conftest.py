"""A real Chromium, driven by Playwright; without one every test here is skipped and says so."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages_of import Stage, build, served
from served import House

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP healthbox.lan 127.0.0.1, MAP health.home.arpa 127.0.0.1",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path / "data", allow_loopback_targets="true")
    yield built
    built.stop()


@pytest.fixture(scope="session")
def stage(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The acceptance tests' own server, its people and their data: built once."""
    data = tmp_path_factory.mktemp("stage")
    build(data)
    with served(data) as built:
        yield built
