"""Connections that say nothing, or a byte now and then, keep nobody out."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from place import Place

from healthbox.web import crowd
from healthbox.web.serving import Serving


@pytest.fixture
def port(place: Place) -> Iterator[int]:
    server = Serving(place.app, place.settings, host="127.0.0.1", port=0)
    server.start()
    yield server.port
    server.stop()


def healthy(port: int) -> int:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    asked.request("GET", "/healthz")
    status = asked.getresponse().status
    asked.close()
    return status


def gone(connection: socket.socket) -> bool:
    connection.settimeout(0.0)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def until(true: object) -> bool:
    deadline = time.monotonic() + 20
    while not true() and time.monotonic() < deadline:  # type: ignore[operator]
        time.sleep(0.02)
    return bool(true())  # type: ignore[operator]


def test_in_a_crowd_those_who_have_waited_longest_without_asking_give_way(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "CROWD", 10)
    with ExitStack() as held:
        silent = [held.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(40)]
        assert healthy(port) == 200
        assert until(lambda: sum(map(gone, silent[:25])) == 25)
        assert not any(map(gone, silent[-5:]))


def test_who_asks_far_too_slowly_is_let_go_and_who_asks_in_parts_is_not(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "PATIENCE_S", 0.1)
    with socket.create_connection(("127.0.0.1", port)) as drip:
        drip.sendall(b"GET /healthz HTTP/1.1\r\n")
        time.sleep(0.3)
        drip.sendall(b"X")
        assert until(lambda: gone(drip))
    monkeypatch.setattr(crowd, "SLOWEST", 0)
    with socket.create_connection(("127.0.0.1", port)) as parts:
        for part in (b"GET /healthz HTTP/1.1\r\n", b"Host: localhost\r\n", b"\r\n"):
            parts.sendall(part)
            time.sleep(0.1)
        parts.settimeout(20)
        assert parts.recv(12) == b"HTTP/1.1 200"


def test_a_connection_that_is_kept_is_as_young_as_its_last_request(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "CROWD", 10)
    kept = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with ExitStack() as held:
        silent = [held.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(8)]
        for _ in range(3):
            kept.request("GET", "/healthz")
            assert kept.getresponse().read()
        more = [held.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(5)]
        assert until(lambda: any(map(gone, silent)))
        kept.request("GET", "/healthz")
        assert kept.getresponse().status == 200
        assert len(more) == 5
    kept.close()
