import gzip
import logging
import sqlite3
import zlib
from collections.abc import Callable
from typing import NoReturn

import pytest
from place import Place
from sqlalchemy.exc import OperationalError

from healthbox.domain.errors import DiskFull
from healthbox.web import bodies
from healthbox.web.house import House

ERROR = {"code", "message", "hint"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api", 404, "not_found"),
        ("DELETE", "/api/v1/days", 405, "method_not_allowed"),
    ],
)
def test_api_errors_have_one_shape(place: Place, method: str, path: str, status: int, code: str) -> None:
    answer = place.client().open(path, method=method)
    assert answer.status_code == status
    assert set(answer.json["error"]) == ERROR
    assert answer.json["error"]["code"] == code


def test_405_says_what_is_allowed(place: Place) -> None:
    assert "GET" in place.client().delete("/api/v1/days").headers["Allow"]


def test_people_get_a_page(place: Place) -> None:
    answer = place.client().get("/nowhere")
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "There is nothing at this address." in answer.text


def test_a_page_asks_to_log_in_and_remembers_where(place: Place) -> None:
    answer = place.client().post("/logout")
    assert answer.status_code == 401
    assert "not logged in" in answer.text


def _break(place: Place, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> NoReturn:
        raise error

    house: House = place.app.extensions["healthbox"]
    monkeypatch.setattr(house.door, "ingest", fail)


def test_a_mistake_of_ours_tells_an_id_and_nothing_else(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    _break(place, ValueError("weight was 72.5"), monkeypatch)
    answer = place.client().post("/api/v1/ingest", data=b"{}", headers=place.bearer())
    assert answer.status_code == 500
    assert answer.json["error"]["code"] == "internal"
    name = answer.json["error"]["hint"].split()[-5].rstrip(".")
    assert f"id={name}" in caplog.text and "type=ValueError" in caplog.text and "ingest.py" in caplog.text
    assert "72.5" not in caplog.text + answer.text
    assert "Traceback" not in caplog.text + answer.text


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DiskFull("The disk is full."), 507, "disk_full"),
        (OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full")), 500, "internal"),
    ],
)
def test_trouble_of_the_machine_has_its_own_words(
    place: Place, error: Exception, status: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break(place, error, monkeypatch)
    answer = place.client().post("/api/v1/ingest", data=b"{}", headers=place.bearer())
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
    assert ("Retry-After" in answer.headers) == (status == 507)


def test_a_full_disk_in_the_database_is_507(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    cause = sqlite3.OperationalError("database or disk is full")
    cause.sqlite_errorname = "SQLITE_FULL"
    _break(place, OperationalError("INSERT", {}, cause), monkeypatch)
    assert place.client().post("/api/v1/ingest", data=b"{}", headers=place.bearer()).status_code == 507


def test_a_body_over_the_limit_is_413_with_the_hint_to_batch(furnished: Callable[..., Place]) -> None:
    place = furnished(max_json_bytes=1024)
    for encoding, data in (("", b"x" * 2000), ("gzip", gzip.compress(b"x" * 2000)), ("deflate", zlib.compress(b"x" * 2000))):
        answer = place.client().post("/api/v1/ingest", data=data, headers={**place.bearer(), "Content-Encoding": encoding})
        assert answer.status_code == 413, encoding
        assert answer.json["error"]["code"] == "too_large"
        assert "less at a time" in answer.json["error"]["hint"]


@pytest.mark.parametrize(
    ("encoding", "data", "status"),
    [("br", b"x", 422), ("gzip", b"not gzip", 400), ("gzip", gzip.compress(b"{}" * 500)[:-12], 400), ("gzip", b"", 400)],
)
def test_a_body_that_cannot_be_unpacked_is_refused(place: Place, encoding: str, data: bytes, status: int) -> None:
    answer = place.client().post("/api/v1/ingest", data=data, headers={**place.bearer(), "Content-Encoding": encoding})
    assert answer.status_code == status
    assert answer.json["error"]["code"] in ("encoding", "malformed")


def test_what_was_packed_comes_out_whole() -> None:
    plain = bytes(range(256)) * 2000
    assert bodies.unpacked(gzip.compress(plain), 2**20) == plain
    assert bodies.unpacked(zlib.compress(plain), 2**20) == plain
    assert bodies.unpacked(gzip.compress(plain[:9]) + gzip.compress(b"") + gzip.compress(plain[9:]) + b"\0" * 5, 2**20) == plain


@pytest.mark.parametrize("bomb", [gzip.compress(b"\0" * 100_000_000), gzip.compress(gzip.compress(b"")) * 3000])
def test_bombs_are_defused(bomb: bytes) -> None:
    with pytest.raises((bodies.TooLarge, bodies.Malformed)):
        bodies.unpacked(bomb, 64 * 2**20)
