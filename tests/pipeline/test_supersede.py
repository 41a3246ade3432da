"""A newer export lacks what an older one or the phone said: set aside, whatever came first, and taken back as it was."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from house import HOUR, MINUTE, NOON, House, at, steps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthbox.domain.errors import Conflict, NotFound
from healthbox.pipeline import remove_upload, supersede
from healthbox.pipeline.accept import Accepted
from healthbox.pipeline.accept_file import accept_file
from healthbox.pipeline.fold import rebuild
from healthbox.pipeline.process import Processor
from healthbox.pipeline.pump import Pump
from healthbox.store import metrics, superseding
from healthbox.store.engine import Database

WATCH = "Alice’s Apple\u00a0Watch"
DEVICE = "&lt;&lt;HKDevice: 0x3033c2a80&gt;, name:Apple Watch, manufacturer:Apple Inc., model:Watch, hardware:Watch7,2, software:11.2&gt;"
NIGHT = NOON - 14 * HOUR  # 23:00 in Berlin, the evening before the house's day

Stage = tuple[int, int, str]  # minutes after NIGHT, and "Core", "Deep" ...


def told(ms: int) -> str:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S +0000")


def stage(start: int, end: int, name: str, source: str = WATCH) -> str:
    device = f' device="{DEVICE}"' if source == WATCH else ""
    return (
        f' <Record type="HKCategoryTypeIdentifierSleepAnalysis" sourceName="{source}" sourceVersion="11"{device} '
        f'creationDate="{told(NIGHT)}" startDate="{told(NIGHT + start * MINUTE)}" endDate="{told(NIGHT + end * MINUTE)}" '
        f'value="HKCategoryValueSleepAnalysisAsleep{name}"/>'
    )


def walk(start: int, value: int = 100, source: str = WATCH) -> str:
    device = f' device="{DEVICE}"' if source == WATCH else ""
    return (
        f' <Record type="HKQuantityTypeIdentifierStepCount" sourceName="{source}" sourceVersion="11"{device} unit="count" '
        f'creationDate="{told(NIGHT)}" startDate="{told(NIGHT + start * MINUTE)}" endDate="{told(NIGHT + start * MINUTE + MINUTE)}" '
        f'value="{value}"/>'
    )


def run(start: int, minutes: int = 30) -> str:
    end = told(NIGHT + (start + minutes) * MINUTE)
    return (
        f' <Workout workoutActivityType="HKWorkoutActivityTypeRunning" duration="{minutes}" durationUnit="min" '
        f'sourceName="{WATCH}" device="{DEVICE}" startDate="{told(NIGHT + start * MINUTE)}" endDate="{end}"/>'
    )


def export(folder: Path, exported: int | None, *elements: str, end: str = "</HealthData>\n") -> Path:
    """The xml of an export made at ``exported`` (ms)."""
    date = "" if exported is None else f' <ExportDate value="{told(exported)}"/>\n'
    path = folder / f"export{len(list(folder.glob('export*')))}.xml"
    me = ' <Me HKCharacteristicTypeIdentifierBiologicalSex="HKBiologicalSexFemale"/>\n'
    path.write_text('<?xml version="1.0" encoding="UTF-8"?>\n<HealthData locale="en_GB">\n' + date + me + "\n".join(elements) + "\n" + end)
    return path


def take(house: House, path: Path, *, run: bool = True) -> Accepted:
    return house._sent(accept_file(house.database, house.settings, house.phone, path, now=house.at, ring=lambda: None), run)


def stages(house: House, superseded: int = 0) -> list[Stage]:
    rows = house.rows('SELECT start, "end", stage FROM sleep_stage WHERE superseded=? ORDER BY start, "end", stage', superseded)
    return [((start - NIGHT) // MINUTE, (end - NIGHT) // MINUTE, name.capitalize()) for start, end, name in rows]


def runs(house: House, superseded: int = 0) -> list[int]:
    return [(row[0] - NIGHT) // MINUTE for row in house.rows("SELECT start FROM workout WHERE superseded=? ORDER BY 1", superseded)]


def asleep(house: House) -> list[float | None]:
    return [night["asleep"] for night in house.nights().values()]


def set_aside(house: House, accepted: Accepted) -> dict[str, Any] | None:
    found: dict[str, Any] | None = house.receipt(accepted)["superseded"]
    return found


# As the watch first said, and as the phone wrote it anew the day after: another cut of the same night, and a workout deleted.
FIRST = [walk(0), stage(0, 120, "Core"), stage(120, 400, "Deep"), run(600), run(700), walk(900)]
SECOND = [walk(0), stage(0, 90, "Core"), stage(90, 380, "Deep"), run(600), walk(900)]
EARLIER, LATER = NOON - 5 * HOUR, NOON - 2 * HOUR


@pytest.fixture
def exports(tmp_path: Path) -> tuple[Path, Path]:
    return export(tmp_path, EARLIER, *FIRST), export(tmp_path, LATER, *SECOND)


def test_a_night_that_a_newer_export_tells_anew_counts_once(house: House, exports: tuple[Path, Path]) -> None:
    first, second = take(house, exports[0]), take(house, exports[1])
    assert stages(house) == [(0, 90, "Core"), (90, 380, "Deep")]
    assert stages(house, 1) == [(0, 120, "Core"), (120, 400, "Deep")]
    assert (runs(house), runs(house, 1)) == ([600], [700])
    assert asleep(house) == [380]
    assert set_aside(house, second) == {"stages": 2, "workouts": 1, "samples": 0, "undone": False}
    assert set_aside(house, first) == {"stages": 0, "workouts": 0, "samples": 0, "undone": False}


def test_an_older_export_that_comes_later_brings_nothing_back(house: House, exports: tuple[Path, Path]) -> None:
    second, first = take(house, exports[1]), take(house, exports[0])
    assert stages(house) == [(0, 90, "Core"), (90, 380, "Deep")]
    assert (runs(house), runs(house, 1)) == ([600], [700])
    assert asleep(house) == [380]
    assert set_aside(house, first) == {"stages": 0, "workouts": 0, "samples": 0, "undone": False}
    assert set_aside(house, second) == {"stages": 2, "workouts": 1, "samples": 0, "undone": False}
    before = house.all_days()
    rebuild(house.database, house.at)
    house.run()
    assert house.all_days() == before


def test_the_same_export_again_changes_nothing(house: House, exports: tuple[Path, Path]) -> None:
    for path in (*exports, *exports, exports[1]):
        take(house, path)
    assert (stages(house), runs(house)) == ([(0, 90, "Core"), (90, 380, "Deep")], [600])
    assert len(stages(house, 1)) == 2


def test_a_third_export_that_holds_it_again_brings_it_back(house: House, exports: tuple[Path, Path], tmp_path: Path) -> None:
    take(house, exports[0])
    take(house, exports[1])
    third = take(house, export(tmp_path, LATER + HOUR, *FIRST))
    assert stages(house) == [(0, 120, "Core"), (120, 400, "Deep")]
    assert stages(house, 1) == [(0, 90, "Core"), (90, 380, "Deep")]
    assert (runs(house), runs(house, 1)) == ([600, 700], [])
    assert asleep(house) == [400]
    assert set_aside(house, third) == {"stages": 2, "workouts": 0, "samples": 0, "undone": False}


# -- beside the live sync ---------------------------------------------------------------------------------------------


def synced(start: int, end: int, name: str, source: str = "Alice's Apple Watch", **more: Any) -> dict[str, Any]:
    return {"type": "HKCategoryTypeIdentifierSleepAnalysis", "start": told(NIGHT + start * MINUTE), "end": told(NIGHT + end * MINUTE),
            "value": f"HKCategoryValueSleepAnalysisAsleep{name}", "source": source, **more}  # fmt: skip


def test_what_the_phone_says_after_the_export_counts(house: House, exports: tuple[Path, Path]) -> None:
    take(house, exports[0])
    take(house, exports[1])
    house.sync(samples=[synced(120, 400, "Deep"), synced(420, 440, "Core")])
    assert stages(house) == [(0, 90, "Core"), (90, 380, "Deep"), (120, 400, "Deep"), (420, 440, "Core")]
    assert stages(house, 1) == [(0, 120, "Core")]
    take(house, exports[1])
    assert len(stages(house)) == 4, "the export is older than that statement"


def test_what_the_phone_said_before_the_export_and_it_lacks_is_set_aside(house: House, tmp_path: Path) -> None:
    house.at = EARLIER
    uuid = "00000000-0000-4000-8000-000000000001"
    house.sync(samples=[synced(0, 120, "Core", uuid=uuid), synced(120, 400, "Deep")])
    house.at = NOON
    take(house, export(tmp_path, LATER, *SECOND))
    assert stages(house) == [(0, 90, "Core"), (90, 380, "Deep")]
    house.sync(deleted=[{"uuid": uuid}])
    assert stages(house, 1) == [(120, 400, "Deep")], "a deletion takes what is set aside with it"


def test_other_sources_other_dates_and_stated_nights_are_left_alone(house: House, tmp_path: Path) -> None:
    house.at = EARLIER
    house.sync(samples=[synced(0, 120, "Core", "AutoSleep"), synced(-3000, -2900, "Deep"), steps(at(19, 9), at(19, 10), 500, WATCH)])
    night = {"date": "2026-03-20 00:00:00 +0100", "source": WATCH, "asleep": 7, "core": 4, "deep": 2, "rem": 1, "awake": 0, "inBed": 7.5,
             "sleepStart": "2026-03-19 23:00:00 +0100", "sleepEnd": "2026-03-20 06:00:00 +0100"}  # fmt: skip
    house.ingest({"data": {"metrics": [{"name": "sleep_analysis", "units": "hr", "data": [night]}]}})
    house.at = NOON
    take(house, export(tmp_path, LATER, *SECOND))
    assert stages(house, 1) == []
    assert len(stages(house)) == 4
    assert house.rows("SELECT count(*) FROM stated_night") == [(1,)]
    assert len(house.samples("steps")) == 3


def test_stages_at_the_edge_of_what_the_source_tells_belong_to_its_dates(house: House, tmp_path: Path) -> None:
    take(house, export(tmp_path, EARLIER, stage(0, 120, "Core"), stage(500, 530, "Deep")))
    take(house, export(tmp_path, LATER, stage(10, 120, "Core"), stage(400, 420, "Deep")))
    assert stages(house) == [(10, 120, "Core"), (400, 420, "Deep")]


# -- what is no whole history -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exported", "more", "end"),
    [(None, [], "</HealthData>\n"), (LATER, [], ""), (LATER, [' <Record type="HKQuantityTypeIdentifierStepCount" <>'], "</HealthData>\n")],
    ids=["without the time of the export", "broken off", "with a part that cannot be read"],
)
def test_a_part_of_an_export_supersedes_nothing(house: House, tmp_path: Path, exported: int | None, more: list[str], end: str) -> None:
    take(house, export(tmp_path, EARLIER, *FIRST))
    partial = take(house, export(tmp_path, exported, *SECOND, *more, end=end))
    assert len(stages(house)) == 4
    assert runs(house) == [600, 700]
    assert set_aside(house, partial) is None
    with pytest.raises(Conflict, match="sets nothing aside"):
        supersede.put_in_force(house.database, house.alice.id, partial.batch, undo=True)


def test_a_body_of_another_kind_supersedes_nothing(house: House, exports: tuple[Path, Path]) -> None:
    take(house, exports[0])
    assert set_aside(house, house.sync(samples=[synced(0, 10, "Core")])) is None
    assert stages(house, 1) == []


def test_a_phone_whose_clock_is_years_ahead_does_not_silence_what_comes_after(house: House, tmp_path: Path) -> None:
    take(house, export(tmp_path, NOON + 10_000 * HOUR, *SECOND))
    house.at += HOUR
    house.sync(samples=[synced(200, 300, "REM")])
    assert (200, 300, "Rem") in stages(house)


# -- taking it back ---------------------------------------------------------------------------------------------------


def test_undo_counts_it_again_and_can_itself_be_taken_back(house: House, exports: tuple[Path, Path]) -> None:
    take(house, exports[0])
    second = take(house, exports[1])
    after = house.all_days()

    def put(*, undo: bool) -> None:
        supersede.put_in_force(house.database, house.alice.id, second.batch, undo=undo)
        house.run()

    put(undo=True)
    assert len(stages(house)) == 4
    assert (runs(house), asleep(house)) == ([600, 700], [400])
    assert set_aside(house, second) == {"stages": 0, "workouts": 0, "samples": 0, "undone": True}
    take(house, exports[0])
    take(house, exports[1])  # the file once more, as an upload of its own, says so again
    assert len(stages(house)) == 2
    with pytest.raises(Conflict, match="so already"):
        put(undo=True)
    put(undo=False)
    assert house.all_days() == after
    with pytest.raises(NotFound):
        supersede.put_in_force(house.database, house.alice.id + 1, second.batch, undo=True)


def test_two_exports_that_lack_the_same_are_undone_one_by_one(house: House, exports: tuple[Path, Path], tmp_path: Path) -> None:
    take(house, exports[0])
    lacking = [take(house, exports[1]), take(house, export(tmp_path, LATER + HOUR, *SECOND))]
    for accepted, left in zip(lacking, (2, 0), strict=True):
        supersede.put_in_force(house.database, house.alice.id, accepted.batch, undo=True)
        house.run()
        assert len(stages(house, 1)) == left


def test_an_undone_verdict_stays_undone_when_the_upload_is_read_again(house: House, exports: tuple[Path, Path]) -> None:
    from_first = take(house, exports[0])
    second = take(house, exports[1])
    supersede.put_in_force(house.database, house.alice.id, second.batch, undo=True)
    house.run()
    remove_upload.remove(house.database, house.settings.data, from_first.batch, house.at)
    house.run()
    assert stages(house) == [(0, 90, "Core"), (90, 380, "Deep")]
    assert set_aside(house, second) == {"stages": 0, "workouts": 0, "samples": 0, "undone": True}


def test_removing_the_newer_export_brings_back_what_it_lacked(house: House, exports: tuple[Path, Path]) -> None:
    take(house, exports[0])
    before = (stages(house), runs(house), house.all_days())
    second = take(house, exports[1])
    remove_upload.remove(house.database, house.settings.data, second.batch, house.at)
    house.run()
    assert (stages(house), runs(house), house.all_days()) == before
    assert house.rows("SELECT count(*) FROM whole_export JOIN whole_cover ON export_id=id") == [(1,)]


def test_sources_that_are_one_are_covered_as_one(house: House, tmp_path: Path) -> None:
    house.at = EARLIER
    house.sync(samples=[synced(120, 400, "Deep", "Old name")])
    house.at = NOON
    take(house, export(tmp_path, LATER, *SECOND))
    assert stages(house, 1) == []
    ids = dict(house.rows("SELECT name, id FROM source"))
    watch = next(number for name, number in ids.items() if "Watch" in name)
    with house.database.writing() as c:
        metrics.merge_sources(c, house.alice.id, watch, ids["Old name"])
    house.run()
    assert stages(house, 1) == [(120, 400, "Deep")]


# -- crashes and slices -----------------------------------------------------------------------------------------------


def many(count: int, shift: int) -> Iterable[str]:
    return [walk(0), *(stage(n * 3, n * 3 + 2 + shift, "Core") for n in range(count)), walk(3 * count)]


def test_many_are_set_aside_in_slices_and_a_stop_between_them_costs_nothing(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(superseding, "SLICE", 7)
    monkeypatch.setattr(supersede.settle, "__defaults__", (7,))
    take(house, export(tmp_path, EARLIER, *many(40, 0)))
    accepted = take(house, export(tmp_path, LATER, *many(40, 1)), run=False)
    processor = Processor(house.database, house.settings.data)
    while not house.receipt(accepted)["timings"]["closed"]:
        processor.step(house.at)
    processor.close()
    assert len(stages(house, 1)) == 7, "the closing did the first slice"
    house.pump = house.new_pump()
    house.pump.boot()
    house.run()
    assert len(stages(house, 1)) == 40
    assert house.rows("SELECT due FROM whole_export") == [(0,), (0,)]
    before = house.all_days()
    rebuild(house.database, house.at)
    house.run()
    assert house.all_days() == before


@pytest.mark.slow
@pytest.mark.parametrize("place", ["noted", "judged", "settled"])
def test_a_kill_anywhere_gives_the_same(build: Any, exports: tuple[Path, Path], place: str) -> None:
    calm, shaken = build(), build()
    for house in (calm, shaken):
        take(house, exports[0])
        take(house, exports[1], run=house is calm)
    command = [sys.executable, __file__, str(shaken.settings.data), place, str(shaken.at)]
    assert subprocess.run(command, timeout=60).returncode == -signal.SIGKILL
    shaken.pump = shaken.new_pump()
    shaken.pump.boot()
    shaken.run()
    for superseded in (0, 1):
        assert stages(shaken, superseded) == stages(calm, superseded)
        assert runs(shaken, superseded) == runs(calm, superseded)
    assert shaken.all_days() == calm.all_days()
    assert shaken.rows("SELECT source_id, first, last FROM whole_cover") == calm.rows("SELECT source_id, first, last FROM whole_cover")


# -- any order --------------------------------------------------------------------------------------------------------

elements = st.lists(
    st.builds(stage, st.integers(0, 3).map(lambda n: n * 100), st.sampled_from((450, 460)), st.sampled_from(("Core", "Deep")),
              st.sampled_from((WATCH, "AutoSleep")))
    | st.builds(run, st.sampled_from((600, 650, 700))) | st.builds(walk, st.sampled_from((-2000, 500, 2000)), st.just(100),
                                                                   st.sampled_from((WATCH, "AutoSleep"))),
    min_size=1, max_size=8, unique=True,
)  # fmt: skip


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(parts=st.lists(elements, min_size=2, max_size=3), data=st.data())
def test_exports_in_any_order_leave_the_same_in_force(build: Any, tmp_path: Path, parts: list[list[str]], data: st.DataObject) -> None:
    build.clear()
    for old in tmp_path.glob("export*"):
        old.unlink()
    paths = [export(tmp_path, EARLIER + n * HOUR, *part) for n, part in enumerate(parts)]
    straight, shuffled = build(), build()
    for path in paths:
        take(straight, path)
    for path in data.draw(st.permutations(paths)):
        take(shuffled, path)
    for superseded in (0, 1):
        assert stages(shuffled, superseded) == stages(straight, superseded)
        assert runs(shuffled, superseded) == runs(straight, superseded)
    assert shuffled.nights() == straight.nights()


def main(folder: Path, place: str, now: int) -> None:
    """Works like the pump and kills itself where the named step is written and not committed, or committed."""

    def killing(real: Any) -> Any:
        def killed(*given: Any, **more: Any) -> None:
            real(*given, **more)
            os.kill(os.getpid(), signal.SIGKILL)

        return killed

    name = {"noted": "note", "judged": "judge", "settled": "settle"}[place]
    setattr(superseding, name, killing(getattr(superseding, name)))
    pump = Pump(Database(folder), folder, lambda: now, lambda: None)
    pump.boot()
    pump.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
