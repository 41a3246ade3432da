"""Many days are computed by a process beside: the same rows as here, and whatever befalls that process harms nothing."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest
from house import House, at, steps

from healthbox.pipeline import beside, day_rows, fold
from healthbox.pipeline.beside import Asked, Beside, Told, answer
from healthbox.pipeline.day_rows import Material, Strand
from healthbox.pipeline.fold import Folder
from healthbox.pipeline.process import Processor
from healthbox.store import days

FIRST = dt.date(2026, 1, 1)


def some(number: int, value: float = 100.0) -> list[dict[str, Any]]:
    """A watch and a phone that count the same steps, a pulse, now and then a night's zone elsewhere, over a winter."""
    found: list[dict[str, Any]] = []
    for day in range(number):
        date = FIRST + dt.timedelta(days=day)
        found.append(steps(f"{date}T08:00:00+01:00", f"{date}T09:00:00+01:00", value + day, "Alice's Watch"))
        found.append(steps(f"{date}T08:30:00+01:00", f"{date}T09:30:00+01:00", value / 3, "Alice's iPhone"))
        found.append(steps(f"{date}T23:50:00+01:00", f"{date + dt.timedelta(days=1)}T00:20:00+01:00", 31.0))
        pulse = {"type": "heart_rate", "start": f"{date}T10:00:00+01:00", "end": f"{date}T10:00:00+01:00", "value": 60 + day % 9}
        if day % 7 == 0:
            pulse["metadata"] = {"HKTimeZone": "Pacific/Auckland"}
        found.append({**pulse, "unit": "count/min"})
    return found


@pytest.fixture
def filled(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Seventy days, computed in this process."""
    with monkeypatch.context() as here:
        here.setattr(fold, "Beside", None)
        here.setattr(fold, "WORTH", 1_000)
        house.sync(samples=some(70))
    return house


def aside(house: House) -> Folder:
    """A folder of one's own, all days marked."""
    fold.rebuild(house.database, house.at)
    return Folder(house.database)


def finish(folder: Folder, house: House) -> None:
    deadline = time.monotonic() + 60
    while (folder.step(house.at) or folder.waits) and time.monotonic() < deadline:
        folder.hear(house.at, 0.05)
    folder.rest()


def test_rows_are_the_same_as_computed_here(filled: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = filled
    here = house.all_days()
    assert len(here) > 130
    with house.database.writing() as c:
        c.exec_driver_sql("DELETE FROM day")
    folder = aside(house)
    monkeypatch.setattr(fold, "day_rows", None)  # nothing of it is computed here
    finish(folder, house)
    assert house.all_days() == here
    assert house.rows("SELECT count(*) FROM dirty_day") == [(0,)]


def test_a_day_on_its_way_is_not_taken_again_and_what_came_meanwhile_is_counted(filled: House) -> None:
    house = filled
    folder = aside(house)
    while folder.step(house.at):
        pass
    assert folder.waits
    before = house.days("steps")["2026-01-05"]
    house.sync(run=False, samples=[steps("2026-01-05T12:00:00+01:00", "2026-01-05T12:10:00+01:00", 5_000)])
    assert Processor(house.database, house.settings.data).step(house.at)
    with house.database.reading() as c:
        assert days.due_group(c, house.at, settle_ms=0, away={day[:3] for flight in folder._flights for day in flight.dirty}) is None
        assert days.due_group(c, house.at, settle_ms=0) is not None
    finish(folder, house)
    assert house.days("steps")["2026-01-05"] == before + 5_000
    assert house.rows("SELECT count(*) FROM dirty_day") == [(0,)]


def test_when_the_process_dies_the_days_are_computed_here(filled: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = filled
    before = house.all_days()
    monkeypatch.setattr(beside, "MODULE", "healthbox.nowhere")
    finish(aside(house), house)
    assert house.all_days() == before
    assert house.rows("SELECT count(*) FROM dirty_day") == [(0,)]


def test_days_that_cannot_be_computed_there_wait_and_all_others_do_not(filled: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = filled
    with house.database.writing() as c:
        c.exec_driver_sql("DELETE FROM day")
    folder = aside(house)

    class Odd(Beside):
        def ask(self, asked: Asked) -> None:
            super().ask(Asked(asked.metric, "median" if asked.metric == "steps" else asked.aggregation, asked.material))

    monkeypatch.setattr(fold, "Beside", Odd)
    finish(folder, house)
    assert house.days("steps") == {}
    assert len(house.days("heart_rate")) >= 70
    assert {mark[0] for mark in house.rows("SELECT DISTINCT metric FROM dirty_day WHERE marked_at>?", house.at)} == {"steps"}


def test_what_goes_wrong_is_named_and_the_next_question_answered() -> None:
    one = Strand(1, "Alice's Watch\x00watch", 1, [(0, 60_000, 7.0, None)])
    material = Material([dt.date(1970, 1, 1)], [(0, 86_400_000)], [one], [[]], [[]])
    assert answer(Asked("steps", "median", material)) == Told([], [], "ValueError")
    told = answer(Asked("steps", "sum", material))
    assert [(row.date, row.value) for row in told.rows] == [("1970-01-01", 7.0)]
    assert day_rows.day_rows("steps", "sum", material) == (told.rows, [])


def test_answers_come_in_the_order_asked_and_closing_ends_the_process() -> None:
    made = Beside()
    for day in range(5):
        low = day * 86_400_000
        one = Strand(1, "Alice's Watch\x00watch", 1, [(low, low + 60_000, float(day), None)])
        made.ask(Asked("steps", "sum", Material([dt.date(1970, 1, 1 + day)], [(low, low + 86_400_000)], [one], [[]], [[]])))
    heard = [made.hear(60.0) for _ in range(5)]
    assert [told and told.rows[0].value for told in heard] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert made.hear(0.0) is None
    made.close()
    assert made._child.poll() is not None
    assert not made._talker.is_alive()


def test_a_few_days_start_no_process(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "Beside", None)
    house.sync(samples=[steps(at(1, 8), at(1, 9), 100)])
    assert house.days("steps") == {"2026-03-01": 100.0}
