"""What a newer export lacked leaves with the rest: elsewhere it is set aside again, counts for nothing, and can be taken back."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from house import HOUR, MINUTE, House
from hypothesis import given, settings
from hypothesis import strategies as st
from test_leave import bring, said
from test_properties import SLOW
from test_reconcile import FIRST as WALKED
from test_reconcile import SECOND as WALKED_LATER
from test_reconcile import answer, begin, steps
from test_supersede import EARLIER, LATER, NIGHT, SECOND, asleep, export, run, runs, set_aside, stage, stages, take, told

from healthbox.pipeline import leave, process, remove_upload, supersede
from healthbox.pipeline.fold import rebuild

FIRST = [stage(0, 120, "Core"), stage(120, 400, "Deep"), run(600), run(700), *WALKED]
NEWER = [*SECOND[1:-1], *WALKED_LATER]


@pytest.fixture
def old(build: Any, tmp_path: Path) -> House:
    """Alice's box: an export that lacks two stages and a workout of an older one, and set two samples aside when she said so."""
    house: House = build()
    take(house, export(tmp_path, EARLIER, *FIRST))
    answer(house, begin(house, export(tmp_path, LATER, *NEWER)), move=True)
    assert (len(stages(house, 1)), runs(house, 1), house.rows("SELECT count(*) FROM set_aside")) == (2, [700], [(2,)])
    return house


def leaving(house: House, folder: Path) -> Path:
    path = folder / f"leaving-{len(list(folder.glob('leaving-*')))}.zip"
    leave.write(house.database, house.alice.id, path, leave.PARTS, house.at)
    return path


def aside(house: House) -> list[tuple[int, int, float, str]]:
    return house.rows(
        "SELECT start, \"end\", value, coalesce(hex(uuid), '') FROM set_aside JOIN series ON series.id=series_id ORDER BY 1, 2, 3"
    )


def everything(house: House) -> list[Any]:
    return [stages(house), stages(house, 1), runs(house), runs(house, 1), house.samples("steps"), aside(house), house.all_days()]


def test_what_was_set_aside_comes_back_set_aside(old: House, build: Any, tmp_path: Path) -> None:
    new = build()
    path = leaving(old, tmp_path)
    accepted = bring(new, path)
    assert new.receipt(accepted)["records"]["rejected"] == 0
    assert everything(new) == everything(old)
    assert said(leaving(new, tmp_path)) == said(path)
    assert set_aside(new, accepted) == {"stages": 2, "workouts": 1, "samples": 2, "undone": False}
    before = new.all_days()
    rebuild(new.database, new.at)
    new.run()
    assert new.all_days() == before


def test_undo_counts_it_again_there_as_it_would_have_here(old: House, build: Any, tmp_path: Path) -> None:
    new = build()
    accepted = bring(new, leaving(old, tmp_path))
    (newer,) = [
        row[0] for row in old.rows("SELECT public FROM batch JOIN whole_export ON batch_id=batch.id WHERE whole_export.as_of=?", LATER)
    ]
    for house, public in ((new, accepted.batch), (old, newer)):
        supersede.put_in_force(house.database, house.alice.id, public, undo=True)
        house.run()
        assert (stages(house, 1), runs(house, 1), aside(house)) == ([], [], [])
        assert steps(house)[10] == 110
    assert everything(new) == everything(old)
    assert set_aside(new, accepted) == {"stages": 0, "workouts": 0, "samples": 0, "undone": True}
    left = [[line for line in said(leaving(house, tmp_path)) if line["kind"] != "whole_export"] for house in (new, old)]
    assert left[0] == left[1]
    supersede.put_in_force(new.database, new.alice.id, accepted.batch, undo=False)
    new.run()
    assert (len(stages(new, 1)), runs(new, 1)) == (2, [700])


def test_an_older_export_brings_nothing_back_there_either(old: House, build: Any, tmp_path: Path) -> None:
    new = build()
    bring(new, leaving(old, tmp_path))
    nights = asleep(new)
    take(new, export(tmp_path, EARLIER, *FIRST))
    assert (stages(new), runs(new), asleep(new)) == (stages(old), runs(old), nights)


def test_what_the_phone_says_first_is_set_aside_when_the_box_comes_back(old: House, build: Any, tmp_path: Path) -> None:
    new = build()
    take(new, export(tmp_path, EARLIER, stage(0, 120, "Core"), run(700)))
    bring(new, leaving(old, tmp_path))
    assert (stages(new, 1), runs(new, 1)) == (stages(old, 1), [700])
    assert (stages(new), asleep(new)) == (stages(old), asleep(old))


def test_a_second_import_and_one_where_it_came_from_change_nothing(old: House, build: Any, tmp_path: Path) -> None:
    new, path, before = build(), leaving(old, tmp_path), everything(old)
    for house in (new, new, old, old):
        bring(house, path)
        assert everything(house) == before
        assert said(leaving(house, tmp_path)) == said(path)


def test_what_a_person_has_undone_stays_undone(old: House, tmp_path: Path) -> None:
    path = leaving(old, tmp_path)
    (newer,) = [
        row[0] for row in old.rows("SELECT public FROM batch JOIN whole_export ON batch_id=batch.id WHERE whole_export.as_of=?", LATER)
    ]
    supersede.put_in_force(old.database, old.alice.id, newer, undo=True)
    old.run()
    before = everything(old)
    bring(old, path)
    assert everything(old) == before


def test_removing_the_import_leaves_nothing_of_it(old: House, build: Any, tmp_path: Path) -> None:
    new = build()
    accepted = bring(new, leaving(old, tmp_path))
    remove_upload.remove(new.database, new.settings.data, accepted.batch, new.at)
    new.run()
    for table in ("sample", "set_aside", "sleep_stage", "workout", "whole_export", "whole_cover", "reconcile", "day", "night"):
        assert new.rows(f"SELECT count(*) FROM {table}") == [(0,)], table


def test_every_name_and_every_value_of_one_moment_comes_back(build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def walked(value: int, *names: str) -> list[dict[str, Any]]:
        return [{"type": "steps", "start": told(NIGHT + 20 * MINUTE), "end": told(NIGHT + 21 * MINUTE), "value": value, "unit": "count",
                 "source": "Alice's Apple Watch", **({"uuid": name} if name else {})} for name in names]  # fmt: skip

    one, two = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
    old, new = build(), build()
    old.at = EARLIER
    old.sync(samples=[*walked(5, ""), *walked(6, one, two), *walked(7, "")])
    old.at = LATER + HOUR
    answer(old, begin(old, export(tmp_path, LATER, *WALKED_LATER)), move=True)
    old.sync(samples=walked(8, ""))
    assert [value for _, _, value, _ in aside(old)] == [5, 6, 7]
    path = leaving(old, tmp_path)
    monkeypatch.setattr(process, "FILE_STEP", 1)
    monkeypatch.setattr(process, "SLICE", 1)
    accepted = bring(new, path)
    assert everything(new) == everything(old)
    lines = [line for line in said(path) if line.get("set_aside")]
    assert [(line["value"], len(line.get("uuids", []))) for line in lines] == [(5, 0), (6, 2), (7, 0)]
    assert said(leaving(new, tmp_path)) == said(path)
    supersede.put_in_force(new.database, new.alice.id, accepted.batch, undo=True)
    new.run()
    assert sorted(value for start, _, value in new.samples("steps") if start == NIGHT // 1000 + 1200) == [5, 6, 7, 8, 999]


def test_what_was_deleted_after_it_was_set_aside_stays_deleted(build: Any, tmp_path: Path) -> None:
    uuid = "00000000-0000-4000-8000-000000000001"
    old, new = build(), build()
    old.at = EARLIER
    old.sync(samples=[{"type": "steps", "start": told(NIGHT + 11 * MINUTE), "end": told(NIGHT + 12 * MINUTE), "value": 3, "unit": "count",
                       "source": "Alice's Apple Watch", "uuid": uuid}])  # fmt: skip
    old.at = LATER + HOUR
    answer(old, begin(old, export(tmp_path, LATER, *WALKED_LATER)), move=True)
    old.sync(deleted=[{"uuid": uuid}])
    path = leaving(old, tmp_path)
    accepted = bring(new, path)
    assert said(leaving(new, tmp_path)) == said(path)
    supersede.put_in_force(new.database, new.alice.id, accepted.batch, undo=True)
    new.run()
    assert 11 not in steps(new)


def test_the_tables_say_what_is_set_aside(old: House, tmp_path: Path) -> None:
    path = leaving(old, tmp_path)
    with zipfile.ZipFile(path) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("samples.csv").decode("utf-8-sig"))))
        (tmp_path / "x.sqlite").write_bytes(archive.read("healthbox.sqlite"))
        lines = [json.loads(line) for line in archive.read("healthbox.jsonl").splitlines()]
    assert sorted(row["value"] for row in rows if row["set_aside"] == "1") == ["110.0", "120.0"]
    assert len([row for row in rows if row["set_aside"] == "0" and row["metric"] == "steps"]) == len(old.samples("steps"))
    with closing(sqlite3.connect(tmp_path / "x.sqlite")) as connection:
        assert connection.execute("SELECT set_aside, count(*) FROM samples GROUP BY 1").fetchall() == [(0, len(rows) - 2), (1, 2)]
    assert [line["as_of"] for line in lines if isinstance(line, dict) and line["kind"] == "whole_export"] == [EARLIER, LATER]


piece = st.one_of(
    st.tuples(st.just("stage"), st.integers(0, 5), st.sampled_from(["Core", "Deep"])),
    st.tuples(st.just("run"), st.integers(0, 3), st.just("")),
)
history = st.lists(
    st.tuples(st.integers(0, 3), st.booleans(), st.lists(piece, min_size=1, max_size=5, unique=True)), min_size=1, max_size=4
)


@settings(deadline=None, suppress_health_check=SLOW, max_examples=15)
@given(told_=history)
def test_whatever_exports_said_of_each_other_holds_in_another_box(build: Any, tmp_path_factory: Any, told_: list[Any]) -> None:
    build.clear()
    folder = tmp_path_factory.mktemp("zips")
    old, new = build(), build()
    for hours, undone, pieces in told_:
        elements = [stage(60 * n, 60 * n + 90, name) if kind == "stage" else run(600 + 60 * n) for kind, n, name in pieces]
        accepted = take(old, export(folder, EARLIER + hours * HOUR // 2, *elements))
        if undone:
            supersede.put_in_force(old.database, old.alice.id, accepted.batch, undo=True)
            old.run()
    path = leaving(old, folder)
    bring(new, path)
    assert everything(new) == everything(old)
    assert said(leaving(new, folder)) == said(path)
