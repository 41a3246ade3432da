"""Which of the nightly backups stay."""

import os
import time
from pathlib import Path

from healthbox.store.backup import backup, listed, rotate
from healthbox.store.engine import Database
from healthbox.store.migrations.upgrade import upgrade
from healthbox.store.vault import Vault


def test_rotation_keeps_seven_days_and_four_weeks(tmp_path: Path) -> None:
    for day in range(1, 32):
        for hour in ("03", "15"):
            folder = tmp_path / f"healthbox-2026-10-{day:02}T{hour}00"
            folder.mkdir()
            (folder / "manifest.json").touch()
    (tmp_path / "notes").mkdir()
    removed = rotate(tmp_path)
    kept = [path.name[10:] for path in listed(tmp_path)]
    assert kept == [f"2026-10-{day}T1500" for day in (31, 30, 29, 28, 27, 26, 25, 18, 11)]
    assert len(removed) == 62 - 9
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith("healthbox-")) == ["notes"]


def test_what_was_left_unfinished_goes_first(tmp_path: Path) -> None:
    database, folder = Database(tmp_path), tmp_path / "backups"
    upgrade(database)
    vault = Vault(tmp_path)
    with database.writing() as c:
        vault.start(c)
    for name, hours in (("killed", 7), ("beside", 1)):
        (folder / f".healthbox-{name}.partial").mkdir(parents=True)
        os.utime(folder / f".healthbox-{name}.partial", (time.time() - hours * 3600,) * 2)
    backup(database, folder / "healthbox-2026-10-31T0300", passphrase=None, vault=vault, now=0)
    database.close()
    assert [path.name for path in folder.glob(".*")] == [".healthbox-beside.partial"]
