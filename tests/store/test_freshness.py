"""Late is a matter of one's own habit, and of nothing else."""

from collections.abc import Iterable

import pytest
from sqlalchemy import Connection

from healthbox.domain.records import SourceRef
from healthbox.store import devices, freshness, people
from healthbox.store.engine import Database, driver
from healthbox.store.freshness import Arrival
from healthbox.store.series import Registry
from healthbox.store.sources import Sources

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOON = 1_763_640_000_000


class Alice:
    """A person whose sources read at given instants, all brought by her phone."""

    def __init__(self, c: Connection) -> None:
        self.c = c
        self.id = people.add_person(c, "Alice", "Europe/Berlin", NOON - 400 * DAY).id
        self.phone = devices.add_device(c, self.id, "Phone", ["ingest"], NOON - 400 * DAY)[0].id
        self.batch = self.sync(NOON)

    def sync(self, at: int) -> int:
        devices.touch_contact(self.c, self.phone, at)
        return int(
            self.c.exec_driver_sql(
                "INSERT INTO batch (public, person_id, device_id, format, status, zone, created_at, touched_at) "
                "VALUES (hex(randomblob(8)),?,?,'native-sync','completed','UTC',?,?) RETURNING id",
                (self.id, self.phone, at, at),
            ).scalar_one()
        )

    def reads(self, source: str, metric: str, instants: Iterable[int]) -> int:
        source_id = Sources(self.c, self.id, NOON).resolve(SourceRef(name=source))
        series = Registry(self.c, self.id).series(metric, source_id)
        self.c.exec_driver_sql(
            "INSERT INTO sample (series_id, start, \"end\", tag, value, batch_id) VALUES (?,?,?,'',60,?)",
            [(series, at // 1000, at // 1000, self.batch) for at in instants],
        )
        return source_id

    def arrivals(self) -> dict[str, Arrival]:
        freshness.put(self.c, self.id, freshness.habits(self.c, self.id))
        return {a.name: a for a in freshness.arrivals(self.c, self.id)}


def every(gap: int, number: int, last: int = NOON) -> list[int]:
    return [last - i * gap for i in range(number)]


@pytest.mark.parametrize(("gap", "usual"), [(5 * MINUTE, 5 * MINUTE), (DAY, DAY), (7 * DAY, 7 * DAY)])
def test_the_habit_is_the_median_gap(database: Database, gap: int, usual: int) -> None:
    with database.writing() as c:
        alice = Alice(c)
        alice.reads("Watch", "heart_rate", every(gap, 30))
        assert (alice.arrivals()["Watch"].usual, alice.arrivals()["Watch"].newest) == (usual, NOON)


def test_a_source_turns_late_exactly_at_its_rule(database: Database) -> None:
    with database.writing() as c:
        alice = Alice(c)
        alice.reads("Scale", "weight", every(DAY, 20))
        alice.reads("Watch", "heart_rate", every(5 * MINUTE, 100))
        found = alice.arrivals()
    assert not found["Scale"].late(NOON + 3 * DAY)
    assert found["Scale"].late(NOON + 3 * DAY + 1)
    assert not found["Watch"].late(NOON + 30 * MINUTE), "half an hour is nobody's fault"
    assert found["Watch"].late(NOON + 30 * MINUTE + 1)


def test_a_silence_it_often_has_is_no_lateness(database: Database) -> None:
    """A watch that charges for two hours every evening is not late while it charges."""
    times = [at for day in range(5) for at in every(5 * MINUTE, 260, NOON - day * DAY)]
    with database.writing() as c:
        alice = Alice(c)
        alice.reads("Watch", "heart_rate", times)
        found = alice.arrivals()["Watch"]
    assert found.usual == 5 * MINUTE
    assert not found.late(NOON + 2 * HOUR)
    assert found.late(NOON + 3 * HOUR)


def test_a_source_is_no_fresher_than_the_phone_that_carries_it(database: Database) -> None:
    with database.writing() as c:
        alice = Alice(c)
        for at in reversed(every(6 * HOUR, 10)):
            alice.batch = alice.sync(at)
        alice.reads("Watch", "heart_rate", every(5 * MINUTE, 100))
        found = alice.arrivals()
    assert found["Phone"].usual == 6 * HOUR
    assert not found["Watch"].late(NOON + 6 * HOUR)
    assert found["Watch"].late(NOON + 7 * HOUR)


def test_without_a_habit_nobody_is_late(database: Database) -> None:
    with database.writing() as c:
        alice = Alice(c)
        alice.reads("Scale", "weight", every(DAY, 3))
        found = alice.arrivals()["Scale"]
    assert found.usual is None
    assert found.state(NOON + 20 * DAY) == "ok"


def test_a_replaced_watch_is_given_up_after_a_month(database: Database) -> None:
    with database.writing() as c:
        alice = Alice(c)
        alice.reads("Old watch", "heart_rate", every(5 * MINUTE, 100, NOON - 29 * DAY))
        found = alice.arrivals()["Old watch"]
    assert found.state(NOON) == "late"
    assert found.state(NOON + 2 * DAY) == "none"


def test_the_densest_living_series_speaks_for_its_source(database: Database) -> None:
    with database.writing() as c:
        alice = Alice(c)
        alice.reads("Watch", "hrv_sdnn", every(4 * HOUR, 50))
        alice.reads("Watch", "heart_rate", every(5 * MINUTE, 50))
        alice.reads("Watch", "audio_exposure", every(MINUTE, 50, NOON - 30 * DAY))
        found = alice.arrivals()["Watch"]
    assert (found.metric, found.usual) == ("heart_rate", 5 * MINUTE)


def test_a_million_readings_a_second_apart_are_walked_in_steps(database: Database) -> None:
    with database.writing() as c:
        alice = Alice(c)
        alice.reads("Strap", "heart_rate", every(1000, 20_000))
        found = alice.arrivals()["Strap"]
    assert found.usual == MINUTE, "readings are told apart by a minute"


def test_sleep_is_read_once_a_night(database: Database) -> None:
    with database.writing() as c:
        alice = Alice(c)
        source = Sources(c, alice.id, NOON).resolve(SourceRef(name="Ring"))
        series = Registry(c, alice.id).series("sleep_analysis", source)
        c.exec_driver_sql(
            'INSERT INTO sleep_stage (series_id, start, "end", stage, as_of, batch_id) VALUES (?,?,?,?,0,1)',
            [(series, at, at + 90 * MINUTE, "core") for day in range(10) for at in every(2 * HOUR, 4, NOON - day * DAY)],
        )
        found = alice.arrivals()["Ring"]
    assert found.usual == DAY
    assert not found.late(NOON + 2 * DAY)


def test_stages_that_a_newer_export_lacks_are_no_sign_of_life(database: Database) -> None:
    with database.writing() as c:
        alice = Alice(c)
        source = Sources(c, alice.id, NOON).resolve(SourceRef(name="Ring"))
        series = Registry(c, alice.id).series("sleep_analysis", source)
        nights = [(series, at, at + 90 * MINUTE, alice.batch, int(number < 3)) for number, at in enumerate(every(DAY, 10))]
        c.exec_driver_sql(
            "INSERT INTO sleep_stage (series_id, start, \"end\", stage, as_of, batch_id, superseded) VALUES (?,?,?,'core',0,?,?)", nights
        )
        assert alice.arrivals()["Ring"].newest == NOON - 3 * DAY
        c.exec_driver_sql("UPDATE sleep_stage SET superseded=1")
        assert "Ring" not in alice.arrivals()


def test_a_revoked_device_is_not_waited_for(database: Database) -> None:
    with database.writing() as c:
        alice = Alice(c)
        assert "Phone" in alice.arrivals()
        devices.revoke(c, alice.phone, NOON)
        assert "Phone" not in alice.arrivals()


def test_the_pill_names_the_worst_and_says_how_old_the_newest_is(database: Database) -> None:
    with database.writing() as c:
        alice = Alice(c)
        assert freshness.pill(c, alice.id, NOON)[0] == {"state": "none", "text": "No data yet", "busy": False}
        alice.reads("Scale", "weight", every(DAY, 20, NOON - 4 * DAY))
        alice.reads("Watch", "heart_rate", every(5 * MINUTE, 100, NOON - 4 * MINUTE))
        alice.arrivals()
        assert freshness.pill(c, alice.id, NOON)[0]["text"] == "Scale is late"
        assert freshness.pill(c, alice.id, NOON + 5 * HOUR)[0]["text"] == "Watch is late", "by its own measure the watch is worse"
        alice.reads("Scale", "weight", [NOON])
        alice.arrivals()
        assert freshness.pill(c, alice.id, NOON + 4 * MINUTE)[0] == {"state": "ok", "text": "All data in · 4 min", "busy": False}
        assert freshness.pill(c, alice.id, NOON + 70 * DAY)[0] == {"state": "late", "text": "Nothing for 70 days", "busy": False}


def test_the_stamp_changes_when_habits_do(database: Database) -> None:
    with database.writing() as c:
        alice = Alice(c)
        before = freshness.stamp(c, alice.id)
        alice.reads("Watch", "heart_rate", every(5 * MINUTE, 10))
        alice.arrivals()
        assert freshness.stamp(c, alice.id) != before


def test_habits_of_what_is_gone_go_too(database: Database) -> None:
    with database.writing() as c:
        alice = Alice(c)
        alice.reads("Watch", "heart_rate", every(5 * MINUTE, 10))
        assert "Watch" in alice.arrivals()
        c.exec_driver_sql("DELETE FROM sample")
        assert "Watch" not in alice.arrivals()


def test_the_stamp_costs_the_same_however_many_uploads_there_were(database: Database) -> None:
    with database.writing() as c:
        alice = Alice(c)

        def cost() -> int:
            """In hundreds of steps of SQLite's machine."""
            asked: list[int] = []
            driver(c).set_progress_handler(lambda: asked.append(1), 100)
            freshness.stamp(c, alice.id)
            driver(c).set_progress_handler(None, 0)
            return len(asked)

        before = cost()
        for at in range(2000):
            alice.sync(NOON + at)
        assert cost() <= before + 1
        assert freshness.stamp(c, alice.id).startswith(f"[{NOON + 1999},")
