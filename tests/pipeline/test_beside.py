"""Many days are computed by a process beside: the same rows as here, and whatever befalls that process harms nothing."""

from __future__ import annotations

import datetime as dt
import os
import signal
import time
from typing import Any

import msgspec
import pytest
from house import House, at, steps

from healthbox.pipeline import beside, day_rows, fold
from healthbox.pipeline.beside import Asked, Beside, Told, answer, encoded
from healthbox.pipeline.day_rows import Material, Strand
from healthbox.pipeline.fold import Folder
from healthbox.pipeline.process import Processor
from healthbox.store import days, devices, metrics, people, preferences, sources

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


def test_a_process_that_stands_still_is_given_up(filled: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = filled
    before = house.all_days()
    monkeypatch.setattr(beside, "STILL_S", 0.2)
    folder = aside(house)

    class Still(Beside):
        def __init__(self) -> None:
            super().__init__()
            os.kill(self._child.pid, signal.SIGSTOP)

    monkeypatch.setattr(fold, "Beside", Still)
    finish(folder, house)
    assert house.all_days() == before
    assert house.rows("SELECT count(*) FROM dirty_day") == [(0,)]


def test_where_no_process_can_be_started_days_are_computed_here(filled: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = filled
    before = house.all_days()
    folder = aside(house)

    def refused() -> Beside:
        raise BlockingIOError("too many processes")

    monkeypatch.setattr(fold, "Beside", refused)
    finish(folder, house)
    assert house.all_days() == before
    assert house.rows("SELECT count(*) FROM dirty_day") == [(0,)]


def test_what_cannot_be_read_asks_for_nothing_and_nobody_gets_anothers_days(filled: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = filled
    with house.database.writing() as c:
        bob = people.add_person(c, "Bob", "Europe/Berlin", house.at)
        phone, _ = devices.add_device(c, bob.id, "Bob's phone", ["ingest"], house.at)
    with monkeypatch.context() as here:
        here.setattr(fold, "WORTH", 1_000)
        one = [
            steps(f"{FIRST + dt.timedelta(days=day)}T08:00:00+01:00", f"{FIRST + dt.timedelta(days=day)}T09:00:00+01:00", 50)
            for day in range(70)
        ]
        house.ingest(house.body(samples=one), device=phone)
    mine, his = (house.rows("SELECT metric, date, value FROM day WHERE person_id=? ORDER BY 1, 2", who) for who in (house.alice.id, bob.id))
    read = fold.gather

    def failing(c: Any, person_id: int, metric: str, dates: list[dt.date], zones: Any) -> Material:
        if person_id == house.alice.id and dates[0].month > 1:
            raise OSError("an unreadable page")
        return read(c, person_id, metric, dates, zones)

    folder = aside(house)
    with monkeypatch.context() as broken:
        broken.setattr(fold, "gather", failing)
        finish(folder, house)
    assert house.rows("SELECT metric, date, value FROM day WHERE person_id=? ORDER BY 1, 2", bob.id) == his
    house.at += 600_000
    finish(folder, house)
    assert house.rows("SELECT metric, date, value FROM day WHERE person_id=? ORDER BY 1, 2", house.alice.id) == mine
    assert house.rows("SELECT count(*) FROM dirty_day") == [(0,)]


def in_flight(house: House, samples: list[dict[str, Any]]) -> Folder:
    """The first days of all, on their way."""
    house.sync(run=False, samples=samples)
    processor = Processor(house.database, house.settings.data)
    while processor.step(house.at):
        pass
    folder = Folder(house.database)
    while folder.step(house.at + 5_000):
        pass
    assert folder.waits
    return folder


def settled(house: House, folder: Folder) -> None:
    """What stands when all has come equals what is computed from nothing."""
    house.at += 5_000
    finish(folder, house)
    assert house.rows("SELECT count(*) FROM dirty_day") == [(0,)]
    stands = house.all_days()
    fold.rebuild(house.database, house.at)
    finish(folder, house)
    assert house.all_days() == stands


def moved(house: House, c: Any) -> None:
    people.set_zone(c, house.alice.id, "Asia/Tokyo", 0)
    preferences.mark_following(c, house.alice.id, house.at)


def reordered(house: House, c: Any) -> None:
    phone = next(source for source in sources.list_sources(c, house.alice.id) if source.name == "Alice's iPhone")
    c.exec_driver_sql("INSERT INTO precedence (person_id, metric, rank, source_id) VALUES (?, '*', 0, ?)", (house.alice.id, phone.id))
    days.mark_known(c, house.alice.id, house.at)


def merged(house: House, c: Any) -> None:
    both = {source.name: source.id for source in sources.list_sources(c, house.alice.id)}
    metrics.merge_sources(c, house.alice.id, both["Alice's Watch"], both["Alice's iPhone"])


def renamed(house: House, c: Any) -> None:
    metrics.rekey(c, house.alice.id, "steps", "push_count")


@pytest.mark.parametrize("change", [moved, reordered, merged, renamed])
def test_what_changes_while_the_first_days_are_on_their_way_is_counted(house: House, change: Any) -> None:
    folder = in_flight(house, some(70))
    with house.database.writing() as c:
        change(house, c)
    settled(house, folder)
    if change is renamed:
        assert house.days("steps") == {}
        assert len(house.days("push_count")) >= 70


def test_a_metric_renamed_before_its_first_days_were_computed_has_them_under_its_new_name(house: House) -> None:
    house.sync(run=False, samples=some(3))
    assert Processor(house.database, house.settings.data).step(house.at)
    with house.database.writing() as c:
        renamed(house, c)
    house.run()
    assert house.days("steps") == {}
    assert len(house.days("push_count")) == 4


def test_days_of_somebody_who_left_meanwhile_are_nobodys(house: House) -> None:
    folder = in_flight(house, some(70))
    with house.database.writing() as c:
        people.remove(c, house.alice.id)
        carol = people.add_person(c, "Carol", "Europe/Berlin", house.at)
    assert carol.id != house.alice.id, "a number is given once"
    finish(folder, house)
    assert house.all_days() == []


def test_a_zone_that_this_machine_does_not_know_holds_up_no_day(filled: House) -> None:
    house = filled
    with house.database.writing() as c:
        c.exec_driver_sql("UPDATE zone SET name='Mars/Olympus'")
    finish(aside(house), house)
    assert house.rows("SELECT count(*) FROM dirty_day") == [(0,)]
    assert len(house.days("heart_rate")) >= 70


def test_days_that_cannot_be_computed_there_wait_and_all_others_do_not(filled: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = filled
    with house.database.writing() as c:
        c.exec_driver_sql("DELETE FROM day")
    folder = aside(house)

    class Odd(Beside):
        def ask(self, asked: bytes) -> None:
            said = msgspec.msgpack.decode(asked, type=Asked)
            super().ask(encoded(Asked(said.metric, "median" if said.metric == "steps" else said.aggregation, said.material)))

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
        material = Material([dt.date(1970, 1, 1 + day)], [(low, low + 86_400_000)], [one], [[]], [[]])
        made.ask(encoded(Asked("steps", "sum", material)))
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
