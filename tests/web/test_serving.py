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


def asked(port: int, raw: bytes) -> tuple[bytes, bytes]:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as phone:
        phone.sendall(raw)
        heard = b""
        while part := phone.recv(65_536):  # to the end: the connection is closed
            heard += part
    head, body = heard.split(b"\r\n\r\n", 1)
    return head, body


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
    head, body = asked(port, raw)
    assert head.startswith(b"HTTP/1.") and head.split()[1] == str(status).encode()
    assert b"\r\nContent-Type: application/json" in head and b"\r\nX-Content-Type-Options: nosniff" in head
    error = json.loads(body)["error"]
    assert error["code"] == code and error["message"] and error["hint"]
    assert b"waitress" not in (head + body).lower() and b"server" not in head.lower()


def test_an_answer_that_breaks_before_its_first_byte_is_no_mistake_of_the_phone(furnished: Callable[..., Place]) -> None:
    def broken() -> Iterator[bytes]:
        raise RuntimeError("the disk went away")
        yield b""

    place = furnished()
    server = Serving(lambda environ, start: (start("200 OK", []), broken())[1], place.settings, host="127.0.0.1", port=0)
    server.start()
    head, body = asked(server.port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    server.stop()
    assert head.split()[1] == b"500" and b"disk" not in body
    assert json.loads(body)["error"]["code"] == "internal"
