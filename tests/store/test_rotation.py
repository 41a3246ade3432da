"""Which of the nightly backups stay."""

from pathlib import Path

from healthbox.store.backup import listed, rotate


def test_rotation_keeps_seven_days_and_four_weeks(tmp_path: Path) -> None:
    for day in range(1, 32):
        for hour in ("03", "15"):
            folder = tmp_path / f"healthbox-2026-10-{day:02}T{hour}00"
            folder.mkdir()
            (folder / "manifest.json").touch()
    (tmp_path / ".healthbox-2026-10-31T0300.partial").mkdir()
    (tmp_path / "notes").mkdir()
    removed = rotate(tmp_path)
    kept = [path.name[10:] for path in listed(tmp_path)]
    assert kept == [f"2026-10-{day}T1500" for day in (31, 30, 29, 28, 27, 26, 25, 18, 11)]
    assert len(removed) == 62 - 9
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith("healthbox-")) == ["notes"]
