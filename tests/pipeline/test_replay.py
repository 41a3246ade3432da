"""A whole upload read again from what was sent: after an update that reads more of it, as of when it came."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_supersede as exports
from apple_fixtures import bare, document, record
from house import HOUR, House, at, steps
from prometheus_client import REGISTRY

from healthbox.domain.errors import Conflict
from healthbox.domain.records import Rejected
from healthbox.formats.contract import FileFormat
from healthbox.pipeline import process, schedule
from healthbox.pipeline.accept import Accepted
from healthbox.pipeline.accept_file import accept_file
from healthbox.pipeline.repair import discard_dead, replay
from healthbox.store import repairs

DAY = 24 * HOUR


@pytest.fixture
def imported(house: House, tmp_path: Path) -> Accepted:
    """An export of one step count and one pulse."""
    path = bare(tmp_path, document(record(), record("HKQuantityTypeIdentifierHeartRate", "61", "count/min")))
    accepted = accept_file(house.database, house.settings, house.phone, path, now=house.at, ring=lambda: None)
    house.run()
    return accepted


def spool(house: House) -> list[str]:
    return [file.name for file in (house.settings.data / "spool").iterdir()]


def test_a_format_that_was_mended_stores_what_was_refused(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = process.discover_files()["apple-health-export"]

    def worse(path, envelope, tell):  # type: ignore[no-untyped-def]
        for number, found in enumerate(real.records(path, envelope, tell)):
            yield found if number else Rejected(position="1", code="broken", reason="not understood yet")

    monkeypatch.setattr(process, "discover_files", lambda: {real.name: FileFormat(real.name, real.looks_for, real.claims, worse)})
    house.pump = house.new_pump()
    path = bare(tmp_path, document(record(), record("HKQuantityTypeIdentifierHeartRate", "61", "count/min")))
    accepted = accept_file(house.database, house.settings, house.phone, path, now=house.at, ring=lambda: None)
    house.run()
    assert house.counts(accepted) == {"new": 1, "rejected": 1}
    as_of = house.rows("SELECT as_of FROM chunk")
    monkeypatch.undo()
    house.pump = house.new_pump()
    for _ in range(2):  # pressed twice, it is read once
        replay(house.database, house.alice.id, accepted.batch, house.at)
    assert house.receipt(accepted)["share"] == 0
    house.run()
    found = house.receipt(accepted)
    assert house.counts(accepted) == {"new": 1, "duplicate": 1}
    assert (found["status"], found["rejections"], found["share"]) == ("completed", [], 1)
    assert house.rows("SELECT as_of FROM chunk") == as_of
    replay(house.database, house.alice.id, accepted.batch, house.at)
    house.run()
    assert house.counts(accepted) == {"duplicate": 2}


def test_what_is_being_read_is_not_begun_anew(house: House) -> None:
    accepted = house.sync(samples=[steps(at(1, 9), at(1, 10), 500)], run=False)
    assert replay(house.database, house.alice.id, accepted.batch, house.at) == 0
    house.run()
    assert replay(house.database, house.alice.id, accepted.batch, house.at) == 1


def test_a_file_goes_after_its_time_and_then_cannot_be_read_again(house: House, imported: Accepted) -> None:
    house.at += 89 * DAY
    schedule.JOBS["retention"].run(house.database, house.settings, house.at)
    assert len(spool(house)) == 1 and house.receipt(imported)["kept"]
    house.at += 2 * DAY
    schedule.JOBS["retention"].run(house.database, house.settings, house.at)
    assert spool(house) == [] and not house.receipt(imported)["kept"]
    with pytest.raises(Conflict, match="The file of this upload is no longer kept") as refused:
        replay(house.database, house.alice.id, imported.batch, house.at)
    assert refused.value.code == "body_gone"
    assert house.counts(imported) == {"new": 2}, "its receipt stays as it was"
    assert len(house.samples("steps")) == 1, "and so does what it brought"


def test_a_file_that_somebody_took_out_of_the_spool_is_said_to_be_gone(house: House, imported: Accepted) -> None:
    (house.settings.data / "spool" / spool(house)[0]).unlink()
    with pytest.raises(Conflict, match="no longer kept"):
        replay(house.database, house.alice.id, imported.batch, house.at)
    assert house.counts(imported) == {"new": 2}


def test_the_file_of_a_dead_import_is_kept_until_somebody_decides(house: House, tmp_path: Path) -> None:
    path = bare(tmp_path, document(record()))
    accept_file(house.database, house.settings, house.phone, path, now=house.at, ring=lambda: None)
    with house.database.writing() as c:
        c.exec_driver_sql("UPDATE chunk SET status='dead', error='x'")
        c.exec_driver_sql("UPDATE batch SET closed_at=?, status='failed'", (house.at,))
    house.at += 1000 * DAY
    schedule.JOBS["retention"].run(house.database, house.settings, house.at)
    assert len(spool(house)) == 1
    discard_dead(house.database, [1], house.at)
    house.at += 91 * DAY
    schedule.JOBS["retention"].run(house.database, house.settings, house.at)
    assert spool(house) == []


def test_of_an_upload_with_a_dead_part_no_part_goes(house: House) -> None:
    for index in (0, 1):
        accepted = house.send(
            {"batch": "b", "index": index, "final": index == 1, "samples": [steps(at(1, 9 + index), at(1, 10 + index), 5)]}
        )
    with house.database.writing() as c:
        c.exec_driver_sql("UPDATE chunk SET status='dead' WHERE idx=1")
        assert repairs.retire_bodies(c, house.at + 1000 * DAY, keep_ms=DAY, keep_duplicates_ms=DAY) == (0, [])
    assert replay(house.database, house.alice.id, accepted.batch, house.at) == 2
    house.run()
    assert house.counts(accepted) == {"duplicate": 2}


def test_the_share_is_by_bytes_and_inside_a_part_only_what_its_reader_tells(house: House, imported: Accepted) -> None:
    def share() -> float | None:
        return house.receipt(imported)["share"]

    assert share() == 1
    with house.database.writing() as c:
        c.exec_driver_sql("UPDATE chunk SET status='pending', share=0.43, position=7")
    assert share() == 0.43
    with house.database.writing() as c:
        c.exec_driver_sql("UPDATE chunk SET share=NULL")
    assert share() is None, "a plain body that is half read tells nothing"
    with house.database.writing() as c:
        c.exec_driver_sql("UPDATE chunk SET position=0")
    assert share() == 0
    with house.database.writing() as c:
        c.exec_driver_sql(
            "INSERT INTO chunk (batch_id, idx, sha, size, status, due_at, accepted_at, as_of) "
            "SELECT batch_id, 1, sha, 3*size, 'done', 0, 0, 0 FROM chunk"
        )
    assert share() == 0.75


def test_giving_a_part_up_closes_its_upload_as_the_pump_does(house: House, tmp_path: Path) -> None:
    exports.take(house, exports.export(tmp_path, exports.EARLIER, *exports.FIRST))
    second = exports.take(house, exports.export(tmp_path, exports.LATER, *exports.SECOND))
    assert (exports.runs(house), exports.runs(house, 1)) == ([600], [700])
    with house.database.writing() as c:  # read again, and dead; the pump has not looked yet
        chunk = c.exec_driver_sql("UPDATE chunk SET status='dead' WHERE id=(SELECT max(id) FROM chunk) RETURNING id").scalar_one()
        c.exec_driver_sql("UPDATE batch SET status='processing', closed_at=NULL WHERE public=?", (second.batch,))
    observed = REGISTRY.get_sample_value("healthbox_batch_seconds_count") or 0
    discard_dead(house.database, [chunk], house.at)
    assert (house.receipt(second)["status"], exports.set_aside(house, second)) == ("failed", None), "what was not wholly read lacks nothing"
    assert (exports.runs(house), exports.runs(house, 1)) == ([600, 700], [])
    house.run()
    assert exports.asleep(house) == [400]
    assert REGISTRY.get_sample_value("healthbox_batch_seconds_count") == observed + 1
