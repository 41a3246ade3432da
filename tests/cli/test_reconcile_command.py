"""``import --reconcile`` and ``upload aside``: shown first, asked for, taken back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from bodies import sample, sync
from terminal import Home, until

from healthbox.cli import reconciling


def export(home: Home, hour: int, minutes: list[int], stages: tuple[int, ...] = ()) -> str:
    """Steps at these minutes and stages of half an hour, as an export that was made at this hour of 18 November 2025."""
    lines = [
        f' <ExportDate value="2025-11-18 {hour:02d}:00:00 +0000"/>',
        ' <Me HKCharacteristicTypeIdentifierBloodType="HKBloodTypeNotSet"/>',
    ]
    day = "2025-11-17 {:02d}:{:02d}:00 +0000"
    for minute in minutes:
        lines.append(
            f' <Record type="HKQuantityTypeIdentifierStepCount" sourceName="Watch" unit="count" startDate="{day.format(8, minute)}" '
            f'endDate="{day.format(8, minute + 1)}" value="100"/>'
        )
    for at in stages:
        lines.append(
            f' <Record type="HKCategoryTypeIdentifierSleepAnalysis" sourceName="Watch" startDate="{day.format(at, 0)}" '
            f'endDate="{day.format(at, 30)}" value="HKCategoryValueSleepAnalysisAsleepCore"/>'
        )
    path: Path = home.data.parent / f"export-{hour}.xml"
    path.write_text('<?xml version="1.0"?>\n<HealthData locale="en_GB">\n' + "\n".join(lines) + "\n</HealthData>\n")
    return str(path)


def steps(home: Home) -> list[tuple[float]]:
    return home.rows("SELECT value FROM day WHERE metric='steps'")


@pytest.fixture
def twice(home: Home) -> Home:
    home.run("import", export(home, 9, [0, 5, 10, 15], (2, 3)), "--person", "Alice")
    return home


def test_what_an_export_lacks_is_shown_and_set_aside_with_yes_and_undone(twice: Home) -> None:
    file = export(twice, 10, [0, 15], (2,))
    out = twice.run("import", file, "--person", "Alice", "--reconcile", "--yes").stdout
    assert "aside     1 stage that it lacks: kept, not counted" in out
    assert "steps   Watch   2" in out
    assert "2 samples set aside" in out
    assert steps(twice) == [(200.0,)]
    undone = twice.run("upload", "aside", twice.batch(1), "--undo").stdout
    assert "what it lacks is counted again" in undone
    assert steps(twice) == [(400.0,)]
    assert twice.rows("SELECT count(*) FROM sleep_stage WHERE superseded=0") == [(2,)]
    assert "1 stage" in twice.run("upload", "aside", twice.batch(1), "--redo").stdout
    assert "so already" in twice.run("upload", "aside", twice.batch(1), "--redo", code=1).stderr
    assert "no such upload" in twice.run("upload", "aside", "nothing", "--undo", code=1).stderr


def test_a_person_at_the_terminal_is_asked(twice: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    file = export(twice, 10, [0, 15])
    monkeypatch.setattr(reconciling, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    for answer, left in ((False, 400.0), (True, 200.0)):
        monkeypatch.setattr(reconciling.click, "confirm", lambda question, answer=answer, **more: answer)
        result = twice.run("import", file, "--person", "Alice", "--reconcile")
        assert "steps   Watch   2" in result.stdout
        assert steps(twice) == [(left,)]


def test_nobody_there_to_answer_and_files_without_a_whole_history_are_refused_before_anything_is_read(twice: Home) -> None:
    assert "--yes" in twice.run("import", export(twice, 10, [0]), "--person", "Alice", "--reconcile", code=1).stderr
    body = twice.file(sync(sample(1, "2025-11-17T09:00:00Z", "2025-11-17T09:10:00Z", 5)))
    refused = twice.run("import", body, "--person", "Alice", "--reconcile", "--yes", code=1)
    assert refused.exit_code == 1
    assert len(twice.receipts()) == 1


def test_an_export_that_lacks_nothing_asks_nothing(twice: Home) -> None:
    out = twice.run("import", export(twice, 10, [0, 5, 10, 15, 20]), "--person", "Alice", "--reconcile", "--yes").stdout
    assert "No sample is there that this export lacks." in out


def test_beside_a_running_server_the_server_does_it(twice: Home, serve) -> None:
    server = serve(twice)
    out = twice.run("import", export(twice, 10, [0, 15]), "--person", "Alice", "--reconcile", "--yes").stdout
    assert "2 samples set aside" in out
    until(lambda: steps(twice) == [(200.0,)])
    server.stop()
