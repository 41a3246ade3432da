import gzip
import io
import itertools
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
    assert 'href="/"' in answer.text and 'href="/data"' in answer.text, "no dead end"
    assert 'href="/metrics/all"' in place.browser().client.get("/metrics/steps").text, "nor where a list is spoken of"


def test_a_page_asks_to_log_in_and_remembers_where(place: Place) -> None:
    answer = place.client().post("/logout")
    assert answer.status_code == 401
    assert "not logged in" in answer.text


def _break(place: Place, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> NoReturn:
        raise error

    house: House = place.app.extensions["healthbox"]
    monkeypatch.setattr(house.door, "ingest", fail)


@pytest.mark.parametrize("path", ["/api/v1/ingest", "/api/v1/sync"])
def test_a_file_or_a_form_at_the_door_is_told_where_to_go(place: Place, path: str) -> None:
    sent = {
        "application/zip": (b"PK\x03\x04\x14\x00", "Import a file"),
        "text/csv": (b"Date/Time,Step Count (count)\n2026-03-01 00:00:00,8412\n", "set the export format to JSON"),
    }
    for kind, (raw, helps) in sent.items():
        answer = place.client().post(path, data=raw, content_type=kind, headers=place.bearer())
        assert (answer.status_code, answer.json["error"]["code"]) == (400, "malformed")
        assert helps in answer.json["error"]["hint"]
    table = (io.BytesIO(b"Date/Time,Step Count (count)\n2026-03-01 00:00:00,8412\n"), "HealthMetrics.csv")
    answer = place.client().post(path, data={"metrics": table}, content_type="multipart/form-data", headers=place.bearer())
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "malformed")
    assert "set the export format to JSON" in answer.json["error"]["hint"]
    assert "8412" not in answer.text and "HealthMetrics" not in answer.text


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
    padding = b"\0" * (2 * bodies.STEP + 1)
    assert bodies.unpacked(gzip.compress(plain[:9]) + padding + gzip.compress(plain[9:]) + padding, 2**20) == plain


@pytest.mark.parametrize("bomb", [gzip.compress(b"\0" * 100_000_000), gzip.compress(gzip.compress(b"")) * 3000])
def test_bombs_are_defused(bomb: bytes) -> None:
    with pytest.raises((bodies.TooLarge, bodies.Malformed)):
        bodies.unpacked(bomb, 64 * 2**20)


DOORS = {
    "/api/v1/ingest": "POST", "/api/v1/sync": "POST", "/api/v1/sync/state": "GET", "/api/apple/batch": "POST",
    "/api/apple/status": "GET", "/api/v1/sdk/users/5f0c/sync": "POST", "/api/v1/files": "POST",
}  # fmt: skip
WRONG = ("no token", "wrong token", "wrong method", "wrong address", "no address", "no json", "unknown shape", "too large")


@pytest.mark.parametrize("prefix", ["", "/health"])
def test_whatever_a_phone_does_wrong_it_gets_json_that_says_what_to_do(furnished: Callable[..., Place], prefix: str) -> None:
    place = furnished(max_json_bytes=2000, base_url=f"http://localhost{prefix}" if prefix else "")
    right = place.bearer()
    for door, wrong in itertools.product(DOORS, WRONG):
        method, path, headers, data = DOORS[door], door, right, b"{}"
        match wrong:
            case "no token":
                headers = {}
            case "wrong token":
                headers = {"X-API-Key": right["Authorization"].removeprefix("Bearer ")[:-1]}
            case "wrong method":
                method = "PATCH"
            case "wrong address":
                path = f"{door}x"
            case "no address":
                path, method = "/", "POST"
            case "no json":
                data = b"--boundary\r\nContent-Disposition: form-data"
            case "unknown shape":
                data = b'{"what": "is this"}'
            case "too large":
                data = b" " * 3000
        if method == "GET" and wrong in WRONG[5:]:
            continue  # it takes no body
        answer = place.client().open(prefix + path, method=method, headers=headers, data=data)
        assert 400 <= answer.status_code < 500, (door, wrong)
        assert answer.mimetype == "application/json", (door, wrong)
        words = answer.json["error"]["hint"] if "error" in answer.json else answer.json["detail"]
        assert len(words) > (0 if isinstance(words, list) else 9), (door, wrong, answer.text)


def test_a_wrong_address_of_a_proxys_prefix_is_told_in_json(place: Place) -> None:
    answer = place.client().post("/health/api/v1/ingest", json={}, headers=place.bearer())
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "not_found")
    assert answer.json["error"]["hint"].endswith("/api/v1/ingest.")
    page = place.client().get("/health/api/v1/ingest", headers={"Authorization": "Basic YTpi"})
    assert page.mimetype == "text/html", "a proxy's own password makes no program of a browser"
