"""Samples that a whole export lacks: counted, set aside when somebody says so, and given back exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from house import HOUR, MINUTE, NOON, House
from test_supersede import EARLIER, LATER, NIGHT, export, set_aside, stage, take, told, walk

from healthbox.domain.errors import Conflict
from healthbox.pipeline import reconcile, remove_upload, schedule, supersede
from healthbox.pipeline.accept import Accepted
from healthbox.pipeline.accept_file import accept_file
from healthbox.pipeline.process import Processor
from healthbox.store import ledger, reconciling

STAND = (
    ' <Record type="HKCategoryTypeIdentifierAppleStandHour" sourceName="Alice" startDate="{0}" endDate="{0}" '
    'value="HKCategoryValueAppleStandHour{1}"/>'
)


def stood(start: int, how: str = "Stood") -> str:
    return STAND.format(told(NIGHT + start * MINUTE), how)


FIRST = [walk(n, 100 + n) for n in range(0, 50, 5)] + [walk(200, 7, "Bob's phone"), stood(60), stood(120)]
SECOND = [walk(n, 100 + n) for n in range(0, 50, 5) if n not in (10, 20)] + [walk(20, 999), stood(60)]


def begin(house: House, path: Path, *, run: bool = True) -> Accepted:
    accepted = accept_file(house.database, house.settings, house.phone, path, now=house.at, ring=lambda: None, reconcile=True)
    return house._sent(accepted, run)


def row_of(house: House, accepted: Accepted) -> reconciling.Reconcile:
    with house.database.reading() as c:
        batch = ledger.by_public(c, accepted.batch)
        assert batch is not None
        found = reconciling.get(c, batch.id)
    assert found is not None
    return found


def lacking(house: House, accepted: Accepted) -> list[tuple[str, int]]:
    with house.database.reading() as c:
        return [(one.metric, one.samples) for one in reconciling.lacking(c, row_of(house, accepted).batch_id)]


def answer(house: House, accepted: Accepted, *, move: bool) -> None:
    reconcile.decide(house.database, row_of(house, accepted).batch_id, move=move)
    house.run()


def steps(house: House) -> dict[int, float]:
    return {(start - NIGHT // 1000) // 60: value for start, _, value in house.samples("steps")}


def held(house: House) -> list[str]:
    return [file.name for file in (house.settings.data / "spool").iterdir() if file.suffix == ".held"]


def everything(house: House) -> list[Any]:
    return [house.rows("SELECT * FROM sample ORDER BY 1, 2, 3, 4"), house.rows("SELECT * FROM long_sample"), house.all_days()]


def test_what_is_lacking_is_counted_and_nothing_moves_before_somebody_says_so(house: House, tmp_path: Path) -> None:
    take(house, export(tmp_path, EARLIER, *FIRST))
    accepted = begin(house, export(tmp_path, LATER, *SECOND))
    assert row_of(house, accepted).state == "asking"
    assert lacking(house, accepted) == [("steps", 2)], "the minute that is gone, and the one that has another value now"
    before = everything(house)
    answer(house, accepted, move=False)
    assert everything(house) == before
    assert held(house) == []
    with pytest.raises(Conflict, match="asks nothing"):
        answer(house, accepted, move=True)


def test_what_was_set_aside_is_in_no_sum_and_comes_back_as_it_was(house: House, tmp_path: Path) -> None:
    take(house, export(tmp_path, EARLIER, *FIRST))
    accepted = begin(house, export(tmp_path, LATER, *SECOND))
    before = everything(house)
    answer(house, accepted, move=True)
    assert row_of(house, accepted).state == "moved"
    assert held(house) == []
    left = steps(house)
    assert (10 in left, left[20], left[200]) == (False, 999, 7), "another source is not spoken of"
    assert sum(value or 0 for value in house.days("steps").values()) == sum(left.values())
    assert set_aside(house, accepted) == {"stages": 0, "workouts": 0, "samples": 2, "undone": False}
    supersede.put_in_force(house.database, house.alice.id, accepted.batch, undo=True)
    house.run()
    assert everything(house) == before
    assert set_aside(house, accepted) == {"stages": 0, "workouts": 0, "samples": 0, "undone": True}


def test_what_was_said_after_the_export_stays_and_so_does_what_lies_outside_of_it(house: House, tmp_path: Path) -> None:
    take(house, export(tmp_path, EARLIER, *FIRST))
    take(house, export(tmp_path, LATER + HOUR, walk(13), walk(0, 100)))
    house.at = EARLIER
    house.sync(samples=[{"type": "steps", "start": told(NIGHT - 600 * MINUTE), "end": told(NIGHT - 599 * MINUTE), "value": 5,
                         "source": "Alice's Apple Watch"}])  # fmt: skip
    house.at = NOON
    accepted = begin(house, export(tmp_path, LATER, *SECOND))
    answer(house, accepted, move=True)
    left = steps(house)
    assert (13 in left, -600 in left, 10 in left) == (True, True, False)


def test_a_resent_sample_with_a_uuid_counts_by_the_time_it_was_sent(house: House, tmp_path: Path) -> None:
    def said(start: int, uuid: str) -> dict[str, Any]:
        return {"type": "steps", "start": told(NIGHT + start * MINUTE), "unit": "count", "value": 3, "uuid": uuid,
                "end": told(NIGHT + start * MINUTE + MINUTE), "source": "Alice's Apple Watch"}  # fmt: skip

    early, late = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
    house.at = EARLIER
    house.sync(samples=[said(11, early)])
    house.at = NOON
    house.sync(samples=[said(12, late)])
    accepted = begin(house, export(tmp_path, LATER, *SECOND))
    answer(house, accepted, move=True)
    assert (11 in steps(house), 12 in steps(house)) == (False, True)
    house.sync(deleted=[{"uuid": early}])
    supersede.put_in_force(house.database, house.alice.id, accepted.batch, undo=True)
    house.run()
    assert 11 not in steps(house), "deleted meanwhile: it does not come back"


def test_an_export_that_is_cut_short_is_not_reconciled(house: House, tmp_path: Path) -> None:
    take(house, export(tmp_path, EARLIER, *FIRST))
    accepted = begin(house, export(tmp_path, LATER, *SECOND, end=""))
    assert row_of(house, accepted).state == "dropped"


def test_windows_and_stops_between_them_give_the_same(build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = [*(walk(n) for n in range(60)), *(walk(n, 5, "B") for n in range(0, 60, 2)), stage(0, 10, "Core")]
    second = [*(walk(n) for n in range(60) if n % 7), *(walk(n, 5, "B") for n in range(0, 60, 4)), walk(59, 5, "B")]
    paths = [export(tmp_path, EARLIER, *first), export(tmp_path, LATER, *second)]
    expected: list[Any] = []
    for window in (10_000, 8, 1):
        monkeypatch.setattr(reconciling, "WINDOW", window)
        monkeypatch.setattr(reconciling.give_back, "__defaults__", (window,))
        house = build()
        take(house, paths[0])
        accepted = begin(house, paths[1], run=False)
        processor = Processor(house.database, house.settings.data)
        while not house.receipt(accepted)["timings"]["closed"]:
            processor.step(house.at)
        processor.close()
        states = []
        for _ in range(300):
            reconcile.step_due(house.database, house.at)  # each as after a new start: nothing but the rows says how far it is
            states.append(row_of(house, accepted).state)
            if states[-1] == "asking":
                reconcile.decide(house.database, row_of(house, accepted).batch_id, move=True)
            if states[-1] == "moved":
                break
        assert (states.count("counting") > 2) == (window < 10_000)
        counted = lacking(house, accepted)
        aside = set_aside(house, accepted)
        house.run()
        expected.append([counted, aside, everything(house)[1:], steps(house)])
        supersede.put_in_force(house.database, house.alice.id, accepted.batch, undo=True)
        house.run()
        assert len(house.samples("steps")) == 91
    assert expected[0][0] == [("steps", 8), ("steps", 15)]
    assert expected[0] == expected[1] == expected[2]


def test_what_the_file_held_is_not_swept_while_it_is_needed_and_missing_it_is_said(house: House, tmp_path: Path) -> None:
    take(house, export(tmp_path, EARLIER, *FIRST))
    accepted = begin(house, export(tmp_path, LATER, *SECOND))
    schedule.JOBS["sweep"].run(house.database, house.settings, house.at + 10**12)
    (name,) = held(house)
    (house.settings.data / "spool" / name).unlink()
    answer(house, accepted, move=True)
    assert row_of(house, accepted).state == "lost"
    assert len(house.samples("steps")) == 12


def test_a_question_that_nobody_answered_ends_with_the_next_one(house: House, tmp_path: Path) -> None:
    take(house, export(tmp_path, EARLIER, *FIRST))
    old, new = (begin(house, export(tmp_path, LATER, *SECOND)) for _ in range(2))
    assert [row_of(house, one).state for one in (old, new)] == ["dropped", "asking"]
    schedule.JOBS["sweep"].run(house.database, house.settings, house.at + 10**12)
    assert held(house) == [f"{new.batch}.held"]


def test_removing_uploads_gives_back_and_takes_along(house: House, tmp_path: Path) -> None:
    first = take(house, export(tmp_path, EARLIER, *FIRST))
    before = everything(house)
    accepted = begin(house, export(tmp_path, LATER, *SECOND))
    answer(house, accepted, move=True)
    remove_upload.remove(house.database, house.settings.data, accepted.batch, house.at)
    house.run()
    assert everything(house) == before
    again = begin(house, export(tmp_path, LATER, *SECOND))
    answer(house, again, move=True)
    remove_upload.remove(house.database, house.settings.data, first.batch, house.at)
    house.run()
    assert house.rows("SELECT count(*) FROM set_aside") == [(0,)]
    assert 10 not in steps(house)


def test_what_comes_back_stands_beside_what_was_said_meanwhile(house: House, tmp_path: Path) -> None:
    take(house, export(tmp_path, EARLIER, *FIRST))
    accepted = begin(house, export(tmp_path, LATER, *(one for one in SECOND if one != walk(20, 999))))
    answer(house, accepted, move=True)
    for minute, value in ((10, 110), (20, 777)):  # the one once more, and another value in the other's place
        house.sync(samples=[{"type": "steps", "start": told(NIGHT + minute * MINUTE), "end": told(NIGHT + (minute + 1) * MINUTE),
                             "value": value, "unit": "count", "source": "Alice's Apple Watch"}])  # fmt: skip
    supersede.put_in_force(house.database, house.alice.id, accepted.batch, undo=True)
    house.run()
    found = [value for start, _, value in house.samples("steps") if (start - NIGHT // 1000) // 60 in (10, 20)]
    assert sorted(found) == [110, 120, 777]


def test_what_comes_back_to_an_equal_one_gives_it_its_name(house: House, tmp_path: Path) -> None:
    said = {"type": "steps", "start": told(NIGHT + 11 * MINUTE), "end": told(NIGHT + 12 * MINUTE), "value": 3, "unit": "count",
            "source": "Alice's Apple Watch"}  # fmt: skip
    house.at = EARLIER
    house.sync(samples=[said | {"uuid": "00000000-0000-4000-8000-000000000001"}])
    house.at = NOON
    accepted = begin(house, export(tmp_path, LATER, *SECOND))
    answer(house, accepted, move=True)
    house.sync(samples=[said])
    supersede.put_in_force(house.database, house.alice.id, accepted.batch, undo=True)
    house.run()
    assert steps(house)[11] == 3
    house.sync(deleted=[{"uuid": "00000000-0000-4000-8000-000000000001"}])
    assert 11 not in steps(house)
