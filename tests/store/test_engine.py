import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection
from sqlite3 import OperationalError as DriverError
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from healthbox.domain.errors import DiskFull
from healthbox.store import settings
from healthbox.store.engine import Database

Work = Callable[[Connection], int]

COUNT = """
import sys
from pathlib import Path
from healthbox.store import settings
from healthbox.store.engine import Database
database = Database(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    with database.writing() as connection:
        settings.put(connection, "n", str(int(settings.get(connection, "n")) + 1))
database.close()
"""


def count_up(database: Database, times: int) -> None:
    for _ in range(times):
        with database.writing() as connection:
            settings.put(connection, "n", str(int(settings.get(connection, "n") or 0) + 1))


def read(database: Database, name: str) -> str | None:
    with database.reading() as connection:
        return settings.get(connection, name)


def test_what_was_written_is_read(database: Database) -> None:
    with database.writing() as connection:
        settings.put(connection, "n", "1")
    assert read(database, "n") == "1"


def test_eight_threads_lose_no_update(database: Database) -> None:
    threads = [threading.Thread(target=count_up, args=(database, 100)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(database, "n") == "800"


def test_two_processes_lose_no_update(database: Database) -> None:
    with database.writing() as connection:
        settings.put(connection, "n", "0")
    others = [subprocess.Popen([sys.executable, "-c", COUNT, str(database.data), "100"]) for _ in range(2)]
    count_up(database, 100)
    assert [other.wait(60) for other in others] == [0, 0]
    assert read(database, "n") == "300"


def test_an_error_rolls_everything_back_and_the_next_write_works(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        settings.put(connection, "n", "1")
        raise ZeroDivisionError
    assert read(database, "n") is None
    count_up(database, 1)
    assert read(database, "n") == "1"


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(OperationalError, match="readonly"), database.reading() as connection:
        settings.put(connection, "n", "1")


def test_a_reader_sees_one_instant(database: Database) -> None:
    with database.reading() as connection:
        assert settings.get(connection, "n") is None
        count_up(database, 1)
        assert settings.get(connection, "n") is None
    assert read(database, "n") == "1"


def test_a_nested_write_is_refused_rather_than_waited_for(database: Database) -> None:
    with database.writing(), pytest.raises(RuntimeError), database.writing():
        pass


def test_a_full_disk_is_named_and_recovers_without_a_restart(database: Database) -> None:
    with database.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(DiskFull), database.writing() as connection:
        settings.put(connection, "big", "x" * 100_000)
    with database.writing() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
        settings.put(connection, "big", "x" * 100_000)
    assert len(read(database, "big") or "") == 100_000


def test_every_commit_is_durable_and_private(database: Database, tmp_path: Path) -> None:
    with database.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    assert database.path.stat().st_mode & 0o777 == 0o600


def test_a_checkpoint_empties_the_log(database: Database) -> None:
    count_up(database, 3)
    database.checkpoint()
    assert database.path.with_name("healthbox.db-wal").stat().st_size == 0


def add_one(connection: Connection) -> int:
    found = connection.execute("INSERT INTO setting VALUES ('n', 1) ON CONFLICT DO UPDATE SET value=value+1 RETURNING value").fetchall()
    return int(found[0][0])


def fail(_connection: Connection) -> int:
    raise ZeroDivisionError


def joined_while_the_lock_is_held(database: Database, works: list[Work]) -> list[int | Exception]:
    """What each work gave or raised; all of them waited for the same moment."""
    found: dict[int, int | Exception] = {}

    def one(place: int, work: Work) -> None:
        try:
            found[place] = database.join(work)
        except Exception as error:
            found[place] = error

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(works)]
    with database.writing():
        for thread in threads:
            thread.start()
        while len(database._jobs) < len(works):
            time.sleep(0.001)
    for thread in threads:
        thread.join()
    return [found[place] for place in range(len(works))]


def test_works_that_wait_together_are_committed_together(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[int] = []
    done = database._done

    def counted(jobs: list[Any]) -> bool:
        groups.append(len(jobs))
        return done(jobs)

    monkeypatch.setattr(database, "_done", counted)
    assert sorted(joined_while_the_lock_is_held(database, [add_one] * 8)) == list(range(1, 9))  # type: ignore[type-var]
    assert (read(database, "n"), groups) == ("8", [8])


def test_a_work_that_fails_takes_no_other_with_it(database: Database) -> None:
    answers = joined_while_the_lock_is_held(database, [add_one, fail, add_one])
    assert isinstance(answers[1], ZeroDivisionError)
    assert {answers[0], answers[2]} == {1, 2}
    assert read(database, "n") == "2"
    assert database.join(add_one) == 3


def test_many_threads_join_and_lose_nothing(database: Database) -> None:
    threads = [threading.Thread(target=lambda: [database.join(add_one) for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    count_up(database, 50)
    for thread in threads:
        thread.join()
    assert read(database, "n") == "450"


def test_a_full_disk_is_named_to_each_that_joined(database: Database) -> None:
    with database.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
    big: Work = lambda c: c.execute("INSERT INTO setting VALUES (hex(randomblob(8)), zeroblob(100000))").rowcount  # noqa: E731
    assert {type(answer) for answer in joined_while_the_lock_is_held(database, [big, big])} == {DiskFull}
    assert database.join(add_one) == 1


def test_joining_inside_a_transaction_is_refused(database: Database) -> None:
    with database.writing(), pytest.raises(RuntimeError):
        database.join(add_one)
    assert database.join(add_one) == 1


def test_nobody_waits_for_ever_when_the_lock_cannot_be_had(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("no locks")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no locks"):
        patch.setattr("fcntl.flock", broken)
        database.join(add_one)
    assert database.join(add_one) == 1


def test_a_glance_sees_what_was_just_written_and_cannot_write(database: Database) -> None:
    count_up(database, 1)
    with database.glance() as connection:
        assert connection.execute("SELECT value FROM setting WHERE name='n'").fetchall() == [("1",)]
    count_up(database, 1)
    with database.glance() as connection:
        assert connection.execute("SELECT value FROM setting WHERE name='n'").fetchall() == [("2",)]
    with pytest.raises(DriverError, match="readonly"), database.glance() as connection:
        add_one(connection)
