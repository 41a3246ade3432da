"""Works like the pump, and kills itself at a named place: ``python stages.py FOLDER PLACE NOW``."""

import os
import signal
import sys
from pathlib import Path

from healthbox.pipeline.analyse import analyse
from healthbox.pipeline.close import close_batches
from healthbox.pipeline.fold import Folder
from healthbox.pipeline.process import Processor
from healthbox.pipeline.pump import Pump
from healthbox.store import ledger
from healthbox.store.engine import Database


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: Path, place: str, now: int) -> None:
    database = Database(folder)
    Pump(database, folder, lambda: now, lambda: None).boot()
    if place == "claim":  # a chunk that takes the process with it
        with database.writing() as c:
            if ledger.claim(c, now) is None:
                sys.exit(3)
        die()
    processor, folder_of_days = Processor(database, folder), Folder(database)
    while processor.step(now):
        if place == "chunk":
            die()
    close_batches(database, now)
    if place == "close":
        die()
    while folder_of_days.step(now + 3_000) or folder_of_days.waits:
        folder_of_days.hear(now + 3_000, 0.05)
        if place == "fold" and not folder_of_days.waits:
            die()
    while analyse(database, now):
        if place == "finding":
            die()
    sys.exit(3)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
