"""Files in slices: safe before counted, accepted whole, once, and gone when nobody wants them."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path
from typing import Any

import pytest
from house import SECOND, House

from healthbox.domain.errors import Conflict, DiskFull, Invalid, NotFound, Problem, TooLarge
from healthbox.pipeline import slices as room
from healthbox.pipeline.slices import KEEP_MS, NoRoom, Slices, WrongOffset, sweep
from healthbox.store import disk, people
from healthbox.store.slices import Busy, Incoming, Upload

EXPORT = b"""<?xml version="1.0" encoding="UTF-8"?>
<HealthData locale="en_GB">
 <ExportDate value="2026-03-02 10:00:00 +0100"/>
 <Record type="HKQuantityTypeIdentifierStepCount" sourceName="Watch" unit="count" creationDate="2026-03-01 08:11:00 +0100" startDate="2026-03-01 08:00:00 +0100" endDate="2026-03-01 08:10:00 +0100" value="512"/>
</HealthData>
"""  # noqa: E501 - as Apple writes it
HALF = len(EXPORT) // 2


@pytest.fixture
def slices(house: House) -> Slices:
    return Slices(house.database, house.settings, house.door)


def begin(slices: Slices, house: House, **more: Any) -> Upload:
    return slices.begin(house.phone, **({"name": "export.xml", "size": len(EXPORT), "now": house.at} | more))


def again(slices: Slices, upload: Upload) -> Upload:
    """As a restarted server finds it."""
    return slices.find(upload.id, device_id=upload.device_id)


def test_slices_make_the_file_and_the_last_one_makes_it_accepted(house: House, slices: Slices) -> None:
    upload = begin(slices, house, sha256=hashlib.sha256(EXPORT).hexdigest().upper())
    upload = slices.add(upload, 0, EXPORT[:HALF], house.at)
    assert (upload.offset, upload.batch, house.rows("SELECT count(*) FROM batch")) == (HALF, None, [(0,)])
    upload = slices.add(again(slices, upload), HALF, EXPORT[HALF:], house.at)
    assert upload.batch is not None
    assert house.rings == 1
    house.run()
    assert house.days("steps") == {"2026-03-01": 512.0}
    (spool,) = (house.settings.data / "spool").iterdir()
    assert spool.read_bytes() == EXPORT
    assert spool.suffix == ".xml"
    assert sorted(path.name for path in (house.settings.data / "incoming" / upload.id).iterdir()) == ["state.json"]


def test_a_slice_sent_twice_changes_nothing_and_the_last_answer_can_be_asked_for(house: House, slices: Slices) -> None:
    upload = begin(slices, house)
    slices.add(upload, 0, EXPORT[:HALF], house.at)
    assert slices.add(upload, 0, EXPORT[:HALF], house.at).offset == HALF
    whole = slices.add(upload, HALF, EXPORT[HALF:], house.at)
    assert slices.add(upload, HALF, EXPORT[HALF:], house.at) == whole == again(slices, upload)
    assert house.rows("SELECT count(*) FROM batch") == [(1,)]


def test_another_offset_is_told_the_right_one(house: House, slices: Slices) -> None:
    upload = slices.add(begin(slices, house), 0, EXPORT[:100], house.at)
    for offset, raw in ((50, EXPORT[50:200]), (200, EXPORT[200:210]), (0, b"other bytes")):
        with pytest.raises(WrongOffset) as told:
            slices.add(upload, offset, raw, house.at)
        assert told.value.offset == 100
    with pytest.raises(TooLarge):
        slices.add(upload, 100, EXPORT, house.at)


def test_bytes_that_were_written_but_not_counted_are_written_anew(house: House, slices: Slices) -> None:
    upload = slices.add(begin(slices, house), 0, EXPORT[:HALF], house.at)
    with (house.settings.data / "incoming" / upload.id / "body").open("ab") as body:
        body.write(b"torn by a power cut" * 100)
    assert slices.add(again(slices, upload), HALF, EXPORT[HALF:], house.at).batch
    house.run()
    assert house.days("steps") == {"2026-03-01": 512.0}


def test_announcing_the_same_file_continues_it(house: House, slices: Slices) -> None:
    upload = slices.add(begin(slices, house, mark="crc-1"), 0, EXPORT[:HALF], house.at)
    assert begin(slices, house, mark="crc-1") == upload
    assert begin(slices, house, mark="crc-2").id != upload.id
    assert begin(slices, house).id != upload.id, "without a mark nobody knows whether it is the same"
    with pytest.raises(Conflict):
        begin(slices, house, mark="a fourth one")
    slices.cancel(upload)
    assert begin(slices, house, mark="crc-1").offset == 0


def test_an_unknown_file_is_refused_in_words_and_its_bytes_go(house: House, slices: Slices) -> None:
    upload = begin(slices, house, name="holiday.jpg", size=4)
    with pytest.raises(Invalid) as refused:
        slices.add(upload, 0, b"\xff\xd8\xff\xe0", house.at)
    assert (refused.value.status, refused.value.code) == (422, "unknown_shape")
    assert not (house.settings.data / "incoming" / upload.id / "body").exists()
    with pytest.raises(Problem) as told:
        again(slices, upload)
    assert (told.value.status, told.value.message) == (422, refused.value.message), "who lost the answer gets it by asking"
    assert slices.unfinished(house.alice.id) == []


def test_content_that_is_not_what_was_announced_is_refused(house: House, slices: Slices) -> None:
    upload = begin(slices, house, sha256="0" * 64)
    with pytest.raises(Invalid, match="SHA-256"):
        slices.add(upload, 0, EXPORT, house.at)
    with pytest.raises(Invalid):
        begin(slices, house, sha256="not hexadecimal")


@pytest.mark.parametrize(("size", "problem"), [(0, Invalid), (-1, Invalid), ((8 << 30) + 1, TooLarge), (8 << 30, NoRoom)])
def test_a_size_is_looked_at_before_anything_is_sent(
    house: House, slices: Slices, size: int, problem: type[Problem], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "room_for", lambda _settings, size: {"needed": 2 * size, "free": 9 << 30})
    with pytest.raises(problem):
        begin(slices, house, size=size)


def test_what_other_uploads_still_lack_is_not_free(house: House, slices: Slices, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "room_for", lambda _settings, size: {"needed": 2 * size, "free": 3_000})
    first = begin(slices, house, size=1_500)
    assert slices.room(1_500, first) == (3_000, 3_000)
    with pytest.raises(NoRoom) as told:
        begin(slices, house, size=1_000)
    assert (told.value.needed, told.value.free) == (2_000, 1_500)


def test_a_crash_between_accepting_and_noting_it_accepts_once(house: House, slices: Slices, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = begin(slices, house)

    def note(self: Incoming, noted: Upload) -> None:
        if noted.batch is not None:
            raise KeyboardInterrupt  # as good as a kill
        real(self, noted)

    real = Incoming.note
    monkeypatch.setattr(Incoming, "note", note)
    with pytest.raises(KeyboardInterrupt):
        slices.add(upload, 0, EXPORT, house.at)
    monkeypatch.undo()
    house.at += SECOND
    whole = slices.add(again(slices, upload), len(EXPORT), b"", house.at)
    assert house.rows("SELECT public FROM batch") == [(whole.batch,)]


def test_a_full_disk_keeps_what_arrived(house: House, slices: Slices, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = slices.add(begin(slices, house), 0, EXPORT[:HALF], house.at)

    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(disk, "write_private", full)
    with pytest.raises(DiskFull):
        slices.add(upload, HALF, EXPORT[HALF:], house.at)
    monkeypatch.undo()
    assert again(slices, upload).offset == HALF
    assert slices.add(upload, HALF, EXPORT[HALF:], house.at).batch


def test_two_requests_at_once_do_not_mix(house: House, slices: Slices) -> None:
    upload = begin(slices, house)
    with Incoming(house.settings.data).held(upload.id), pytest.raises(Busy):
        slices.add(upload, 0, EXPORT, house.at)


def test_only_its_own_device_or_person_finds_an_upload(house: House, slices: Slices) -> None:
    upload = begin(slices, house)
    assert slices.find(upload.id, person_id=house.alice.id) == upload
    for device, person in ((house.phone.id + 1, None), (None, house.alice.id + 1), (None, None)):
        with pytest.raises(NotFound):
            slices.find(upload.id, device_id=device, person_id=person)
    for public in ("..", "../../healthbox.db", "", "0" * 32, f"{upload.id}/"):
        with pytest.raises(NotFound):
            slices.find(public, person_id=house.alice.id)


def test_a_filesystem_without_second_names_gets_a_copy(house: House, slices: Slices, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr("os.link", refuse)
    assert slices.add(begin(slices, house), 0, EXPORT, house.at).batch
    house.run()
    assert house.days("steps") == {"2026-03-01": 512.0}


def test_forgotten_uploads_are_swept_after_a_week(house: House, slices: Slices) -> None:
    upload = begin(slices, house)
    assert sweep(house.database, house.settings, house.at + KEEP_MS) == 0
    assert sweep(house.database, house.settings, house.at + KEEP_MS + 1) == 1
    with pytest.raises(NotFound):
        again(slices, upload)


def test_uploads_of_a_removed_person_go_at_once(house: House, slices: Slices) -> None:
    begin(slices, house)
    with house.database.writing() as c:
        people.remove(c, house.alice.id)
    assert sweep(house.database, house.settings, house.at) == 1
