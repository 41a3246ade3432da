"""The negative control: a plain Huey queue with the samples as task arguments, as one would write it without a ledger.

``python plain_queue.py FOLDER`` works the queue off until it is killed.
"""

import logging
import sqlite3
import sys
import time
from pathlib import Path

from huey import SqliteHuey

folder = Path(sys.argv[1] if __name__ == "__main__" else ".")


def queue(place: Path) -> SqliteHuey:
    return SqliteHuey("plain", filename=str(place / "queue.db"), results=False)


def tasks(huey: SqliteHuey, place: Path) -> object:
    @huey.task(name="apply", retries=3)
    def apply(chunk: int, samples: list[float]) -> None:
        connection = sqlite3.connect(place / "plain.db", timeout=10)
        for value in samples:
            with connection:
                connection.execute("INSERT INTO sample VALUES (?, ?)", (chunk, value))
            time.sleep(0.002)
        connection.close()

    return apply


if __name__ == "__main__":
    logging.disable()
    worked = queue(folder)
    tasks(worked, folder)
    worked.create_consumer(workers=2, periodic=False, initial_delay=0.01, max_delay=0.05).run()
