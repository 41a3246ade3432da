import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from healthbox.domain.errors import DiskFull
from healthbox.store import settings
from healthbox.store.engine import Database

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
