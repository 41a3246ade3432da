"""Requests that are none: the server itself answers, and a phone can show what it says."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator

import pytest
from place import Place

from healthbox.web.serving import Serving


@pytest.fixture
def port(furnished: Callable[..., Place]) -> Iterator[int]:
    place = furnished(max_json_bytes=1_000_000)
    server = Serving(place.app, place.settings, host="127.0.0.1", port=0)
    server.start()
    yield server.port
    server.stop()


POST = b"POST /api/v1/ingest HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (POST + b"Content-Length: many\r\n\r\n", 400, "bad_request"),
        (POST + b"Content-Length: 9000000000\r\n\r\n", 413, "too_large"),
        ((POST + b"X: ").ljust(262_144, b"x"), 431, "headers_too_large"),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501, "not_implemented"),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "bad_request"),  # a phone that speaks TLS to a plain port
    ],
)
def test_what_is_no_request_is_answered_in_words(port: int, raw: bytes, status: int, code: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as phone:
        phone.sendall(raw)
        heard = b""
        while part := phone.recv(65_536):  # to the end: the connection is closed
            heard += part
    head, body = heard.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.") and head.split()[1] == str(status).encode()
    assert b"\r\nContent-Type: application/json" in head and b"\r\nX-Content-Type-Options: nosniff" in head
    error = json.loads(body)["error"]
    assert error["code"] == code and error["message"] and error["hint"]
    assert b"waitress" not in heard.lower() and b"server" not in head.lower()
