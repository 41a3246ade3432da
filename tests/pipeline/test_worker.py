"""The worker: a job that takes long holds up neither the watch nor the stop."""

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from house import HOUR, House

from healthbox.pipeline import schedule, worker
from healthbox.pipeline.schedule import Job
from healthbox.pipeline.worker import Worker
from healthbox.store import disk, jobs


class Slow:
    """A job that ends when it is let go, or after a minute."""

    def __init__(self) -> None:
        self.began, self.let_go, self.ended = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, *_given: object) -> None:
        self.began.set()
        self.let_go.wait(60)
        self.ended.set()


def later(_settings: object, now: int) -> int:
    return now + HOUR


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    job = Slow()
    monkeypatch.setattr(worker, "WATCH_S", 0.01)
    monkeypatch.setattr(worker, "JOBS_S", 0.01)
    monkeypatch.setattr(schedule, "JOBS", {"backup": Job(job, later), "sweep": Job(lambda *_given: None, later)})
    return job


@pytest.fixture
def start(house: House, slow: Slow) -> Iterator[Callable[[], Worker]]:
    """Starts a worker with a backup due."""
    made: list[Worker] = []

    def begin() -> Worker:
        made.append(Worker(house.database, house.settings, None, lambda: house.at))
        schedule.prepare(house.database, house.settings, house.at)
        with house.database.writing() as c:
            jobs.hasten(c, "backup", house.at)
        made[0].start()
        return made[0]

    yield begin
    slow.let_go.set()
    assert all(one.stop() for one in made)


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.005)
    return held


def test_the_watch_goes_round_and_mends_and_sets_the_ballast_aside_while_a_job_runs(
    house: House, slow: Slow, start: Callable[[], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_aside: list[int] = []
    monkeypatch.setattr(disk, "restore_ballast", lambda *_given: set_aside.append(house.at))
    one = start()
    assert slow.began.wait(5)
    house.at += HOUR // 2
    now = house.at
    assert within(5, lambda: one.beat() == now and now in set_aside)
    house.sync(run=False, samples=[])
    assert within(5, lambda: house.rows("SELECT status FROM chunk") == [("done",)]), "what falls due is rung for"
    slow.let_go.set()
    assert within(5, lambda: house.rows("SELECT last_error FROM job WHERE name='backup' AND last_at IS NOT NULL") == [(None,)])


def test_a_stop_waits_for_a_short_job(house: House, slow: Slow, start: Callable[[], Worker]) -> None:
    one = start()
    assert slow.began.wait(5)
    threading.Timer(0.2, slow.let_go.set).start()
    assert one.stop()
    assert slow.ended.is_set()
    assert house.rows("SELECT last_at FROM job WHERE name='backup'") == [(house.at,)]


def test_a_stop_leaves_a_long_job_to_the_next_start(
    house: House, slow: Slow, start: Callable[[], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "STOP_S", 1.0)
    one = start()
    assert slow.began.wait(5)
    began = time.monotonic()
    assert not one.stop()
    assert time.monotonic() - began < 4
    assert house.rows("SELECT due_at<=?, last_at FROM job WHERE name='backup'", house.at) == [(1, None)]


def test_jobs_go_on_after_a_round_that_could_not_be_finished(
    house: House, slow: Slow, start: Callable[[], Worker], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, fails = jobs.due, [ValueError("secret")]

    def due(*given: int) -> list[str]:
        if fails:
            raise fails.pop()
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs, "due", due)
    with caplog.at_level(logging.ERROR):
        start()
        assert slow.began.wait(5)
    assert "the schedule failed" in caplog.text
