from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from terminal import Home, Server


@pytest.fixture(autouse=True)
def undisturbed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings for a small disk; what commands change in their whole process (umask, logging) is put back."""
    for name in [name for name in os.environ if name.startswith("HEALTHBOX_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HEALTHBOX_MIN_FREE_MB", "10")
    monkeypatch.setenv("HEALTHBOX_BALLAST_MB", "1")
    root, ours, huey = (logging.getLogger(name) for name in ("", "healthbox", "huey"))
    handlers, levels, mask = root.handlers[:], [log.level for log in (root, ours, huey)], os.umask(0o022)
    yield
    os.umask(mask)
    root.handlers[:] = handlers
    for log, level in zip((root, ours, huey), levels, strict=True):
        log.setLevel(level)


@pytest.fixture
def empty(tmp_path: Path) -> Home:
    return Home(tmp_path / "data")


@pytest.fixture
def home(empty: Home) -> Home:
    """Alice lives here."""
    empty.run("person", "add", "Alice", "--zone", "Europe/Berlin")
    return empty


@pytest.fixture
def serve() -> Iterator[Callable[[Home], Server]]:
    servers: list[Server] = []

    def start(home: Home) -> Server:
        servers.append(Server(home))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
