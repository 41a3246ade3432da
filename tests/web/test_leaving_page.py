"""A person takes everything away, and only their own: the password is asked for again."""

import io
import json
import zipfile
from collections.abc import Iterator

import pytest
from place import PASSWORD, Browser, Place
from werkzeug.test import TestResponse

from healthbox.pipeline.pump import Pump
from healthbox.web.pages import leaving

SAMPLES = [
    {"type": "steps", "start": f"2025-11-{day:02d}T08:00:00Z", "end": f"2025-11-{day:02d}T09:00:00Z", "value": 1200, "unit": "count",
     "source": "Alice's Watch"} for day in range(1, 20)
]  # fmt: skip


@pytest.fixture
def walked(place: Place) -> Iterator[Place]:
    body = {"batch": "one", "index": 0, "final": True, "samples": SAMPLES}
    assert place.client().post("/api/v1/sync", json=body, headers=place.bearer()).status_code == 202
    pump = Pump(place.database, place.settings.data, lambda: place.clock(), lambda: None)
    pump.run()
    place.clock.at += 10_000
    pump.run()
    yield place


def ask(browser: Browser, **form: str) -> TestResponse:
    return browser.client.post("/settings/export", data={"csrf": browser.csrf, "what": "both", "password": PASSWORD, **form})


def opened(answer: TestResponse) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(answer.data))


def test_the_page_says_what_there_is_and_about_how_large_it_is(walked: Place) -> None:
    page = walked.browser().client.get("/settings/export")
    assert page.headers["Cache-Control"] == "no-store"
    assert "<dt>Records received</dt><dd>19</dd>" in page.text
    assert "<dt>Nights</dt><dd>0</dd>" in page.text
    assert "both, about 20 kB" in page.text


@pytest.mark.parametrize(("count", "words"), [(999, "999 bytes"), (21_000, "20 kB"), (3_400_000, "3 MB"), (1_600_000_000, "2 GB")])
def test_an_estimate_has_one_digit(count: int, words: str) -> None:
    assert leaving._size(count) == words


def test_the_zip_comes_as_a_stream_that_nobody_keeps(walked: Place) -> None:
    answer = ask(walked.browser())
    assert answer.status_code == 200
    assert answer.is_streamed and "Content-Length" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="healthbox-alice-2025-11-20.zip"'
    with opened(answer) as archive:
        lines = [json.loads(line) for line in archive.read("healthbox.jsonl").splitlines()[1:]]
        assert len([line for line in lines if line["kind"] == "sample"]) == 19
        assert len([line for line in lines if line["kind"] == "day"]) == 19
        assert "samples.csv" in archive.namelist()


@pytest.mark.parametrize(("what", "has", "lacks"), [("csv", "days.csv", "healthbox.jsonl"), ("jsonl", "healthbox.jsonl", "days.csv")])
def test_only_what_was_asked_for_is_in_it(walked: Place, what: str, has: str, lacks: str) -> None:
    with opened(ask(walked.browser(), what=what)) as archive:
        assert has in archive.namelist() and lacks not in archive.namelist()


def test_without_the_password_nothing_leaves(walked: Place) -> None:
    browser = walked.browser()
    for form in ({"password": "guess"}, {"password": ""}):
        answer = ask(browser, **form)
        assert (answer.status_code, answer.mimetype) == (422, "text/html")
        assert "The password is not right." in answer.text
    assert ask(browser, what="everything").status_code == 422
    assert [ask(browser, password="guess").status_code for _ in range(4)] == [422] * 3 + [429]
    assert ask(browser).status_code == 429, "also the right one has to wait now"


def test_another_persons_account_gets_its_own(walked: Place) -> None:
    with opened(ask(walked.browser("bob"))) as archive:
        assert b"Watch" not in b"".join(archive.read(name) for name in archive.namelist())


def test_a_download_that_is_broken_off_lets_the_database_go(walked: Place) -> None:
    pieces = ask(walked.browser()).iter_encoded()
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert walked.database.reader.pool.checkedout() == 0  # type: ignore[attr-defined]
