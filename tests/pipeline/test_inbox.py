"""The drop folder: taken when still, imported once, moved with its receipt."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from house import SECOND, House, at, steps
from test_slices import EXPORT

from healthbox.pipeline.inbox import AGAIN_MS, STILL_MS, Inbox
from healthbox.store import disk, people


@pytest.fixture
def house(house: House) -> House:
    """With the machine's own time: the ledger is compared with the times of files."""
    house.at = time.time_ns() // 1_000_000 + SECOND
    return house


@pytest.fixture
def inbox(house: House) -> Inbox:
    inbox = made(house)
    inbox.look(house.at)
    return inbox


def made(house: House) -> Inbox:
    return Inbox(house.database, house.settings, house.door)


def put(house: House, name: str, content: bytes = EXPORT) -> Path:
    path = house.settings.data / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def rounds(house: House, inbox: Inbox, *, run: bool = True) -> None:
    """Long enough for a file to stand still, be accepted, worked off and moved."""
    for _ in range(3):
        inbox.look(house.at)
        house.at += STILL_MS
        if run:
            house.run()


def lying(house: House) -> list[str]:
    folder = house.settings.data / "inbox"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def told(house: House, name: str) -> Any:
    return json.loads((house.settings.data / "inbox" / name).read_text("utf-8"))


def add(house: House, name: str) -> None:
    with house.database.writing() as c:
        people.add_person(c, name, "Europe/Berlin", house.at)


def test_a_file_is_imported_and_moved_with_its_receipt(house: House, inbox: Inbox) -> None:
    put(house, "export.xml")
    rounds(house, inbox)
    assert lying(house) == ["done/export.xml", "done/export.xml.receipt.json"]
    receipt = told(house, "done/export.xml.receipt.json")
    assert (receipt["file"], receipt["status"], receipt["records"]["new"]) == ("export.xml", "completed", 1)
    assert house.days("steps") == {"2026-03-01": 512.0}


def test_it_waits_until_the_file_stands_still_and_until_the_batch_is_closed(house: House, inbox: Inbox) -> None:
    path = put(house, "export.xml", EXPORT[:100])
    inbox.look(house.at)
    path.write_bytes(EXPORT)
    inbox.look(house.at + STILL_MS)
    inbox.look(house.at + 2 * STILL_MS - 1)
    assert house.rows("SELECT count(*) FROM batch") == [(0,)]
    inbox.look(house.at + 2 * STILL_MS)
    assert house.rows("SELECT count(*) FROM batch") == [(1,)]
    house.at += 3 * STILL_MS
    inbox.look(house.at)
    assert lying(house) == ["export.xml"]
    house.run()
    inbox.look(house.at)
    assert lying(house) == ["done/export.xml", "done/export.xml.receipt.json"]


def test_json_goes_through_the_door_of_the_phones(house: House, inbox: Inbox) -> None:
    put(house, "sync.json", json.dumps(house.body(samples=[steps(at(1, 9), at(1, 10), 900)])).encode())
    rounds(house, inbox)
    assert lying(house) == ["done/sync.json", "done/sync.json.receipt.json"]
    assert house.days("steps") == {"2026-03-01": 900.0}


def test_a_part_of_a_sync_does_not_wait_for_its_end(house: House, inbox: Inbox) -> None:
    put(house, "part.json", json.dumps(house.body(final=False, samples=[steps(at(1, 9), at(1, 10), 900)])).encode())
    rounds(house, inbox)
    assert told(house, "done/part.json.receipt.json")["records"]["new"] == 1


def test_a_crash_at_any_moment_neither_loses_nor_doubles(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    put(house, "export.xml")
    first = made(house)
    first.look(house.at)
    first.look(house.at + STILL_MS)  # accepted; then the process ends
    house.at += 10 * STILL_MS
    rounds(house, made(house), run=False)
    assert house.rows("SELECT count(*) FROM batch") == [(1,)]
    house.run()
    with monkeypatch.context() as patch:

        def die(*_: object) -> None:
            raise KeyboardInterrupt  # between the receipt and the move

        patch.setattr("shutil.move", die)
        with pytest.raises(KeyboardInterrupt):
            rounds(house, made(house))
    rounds(house, made(house))
    assert lying(house) == ["done/export.xml", "done/export.xml.receipt.json"]
    assert house.rows("SELECT count(*), sum(new) FROM batch") == [(1, 1)]


def test_the_same_file_put_there_again_gets_a_receipt_of_its_own(house: House, inbox: Inbox) -> None:
    put(house, "export.xml")
    rounds(house, inbox)
    time.sleep(0.02)
    house.at = time.time_ns() // 1_000_000 + SECOND
    with house.database.writing() as c:  # the clock of this house ran ahead
        c.exec_driver_sql("UPDATE chunk SET accepted_at=?", (time.time_ns() // 1_000_000 - 10,))
    put(house, "export.xml")
    rounds(house, inbox)
    assert "done/export (2).xml" in lying(house)
    assert told(house, "done/export (2).xml.receipt.json")["records"]["duplicate"] == 1


def test_each_person_has_a_folder_and_nobody_elses_is_taken(house: House, inbox: Inbox) -> None:
    add(house, "Zoë")
    put(house, "export.xml")
    put(house, "alice/a.xml")
    put(house, "Zoe\u0308/z.xml")  # as macOS writes it
    put(house, "Mallory/m.xml")
    rounds(house, inbox)
    assert [name for name in lying(house) if not name.endswith(".json")] == [
        "done/Zoe\u0308/z.xml", "done/alice/a.xml", "failed/Mallory/m.xml", "failed/export.xml",
    ]  # fmt: skip
    assert told(house, "failed/Mallory/m.xml.receipt.json")["error"]["code"] == "nobody"
    assert told(house, "failed/export.xml.receipt.json")["error"]["code"] == "whose"
    assert house.rows("SELECT name FROM batch JOIN person ON person.id=person_id ORDER BY name") == [("Alice",), ("Zoë",)]


def test_folders_in_a_persons_folder_are_looked_into(house: House, inbox: Inbox) -> None:
    put(house, "Alice/sub dir/done/deeper/x.xml")
    put(house, "Alice/.trash/y.xml")
    (house.settings.data / "inbox" / "Alice" / "loop").symlink_to(house.settings.data / "inbox")
    rounds(house, inbox)
    assert [name for name in lying(house) if not name.endswith(".json")] == [
        "Alice/.trash/y.xml", "done/Alice/sub dir/done/deeper/x.xml",
    ]  # fmt: skip
    assert told(house, "failed/Alice/loop.receipt.json")["error"]["code"] == "no_file"
    assert told(house, "done/Alice/sub dir/done/deeper/x.xml.receipt.json")["status"] == "completed"
    assert house.rows("SELECT count(*) FROM batch") == [(1,)]


def test_a_route_of_an_unpacked_export_is_no_workout_by_itself(house: House, inbox: Inbox) -> None:
    put(house, "Alice/apple_health_export/export.xml")
    put(house, "Alice/apple_health_export/workout-routes/route_1.gpx", b"<gpx/>")
    rounds(house, inbox)
    error = told(house, "failed/Alice/apple_health_export/workout-routes/route_1.gpx.receipt.json")["error"]
    assert error["code"] == "unpacked" and "zip" in error["hint"]
    assert "done/Alice/apple_health_export/export.xml" in lying(house)


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "unknown_shape"), (b"\xff\xd8\xff", "unknown_shape"), (b"PK\x03\x04 cut short", "broken_zip"), (b"{", "malformed")],
)
def test_what_cannot_be_read_fails_with_the_reason(house: House, inbox: Inbox, content: bytes, code: str) -> None:
    put(house, "strange.bin", content)
    rounds(house, inbox)
    assert lying(house) == ["failed/strange.bin", "failed/strange.bin.receipt.json"]
    assert told(house, "failed/strange.bin.receipt.json")["error"]["code"] == code


def test_a_link_is_not_followed(house: House, inbox: Inbox) -> None:
    (house.settings.data / "inbox" / "export.xml").symlink_to(house.settings.data / "healthbox.db")
    rounds(house, inbox)
    assert told(house, "failed/export.xml.receipt.json")["error"]["code"] == "no_file"
    assert os.path.lexists(house.settings.data / "inbox" / "failed" / "export.xml")


def test_hidden_and_unfinished_files_are_left_alone(house: House, inbox: Inbox) -> None:
    names = [".DS_Store", "export.zip.part", "~lock", "export.zip.crdownload"]
    for name in names:
        put(house, name)
    rounds(house, inbox)
    assert lying(house) == sorted(names)


def test_a_full_disk_is_waited_out(house: House, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    put(house, "export.xml")
    with monkeypatch.context() as patch:
        patch.setattr(disk, "room", lambda _: disk.Room(free=0, total=1))
        rounds(house, inbox)
    assert lying(house) == ["export.xml"]
    house.at += AGAIN_MS
    rounds(house, inbox)
    assert lying(house)[0] == "done/export.xml"


def test_a_file_that_cannot_be_moved_is_imported_once_all_the_same(house: House, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "not yours")

    put(house, "export.xml")
    with monkeypatch.context() as patch:
        patch.setattr("shutil.move", refuse)
        for _ in range(3):
            rounds(house, inbox)
            rounds(house, made(house))
            house.at += AGAIN_MS
    assert house.rows("SELECT count(*) FROM batch") == [(1,)]
    rounds(house, inbox)
    assert "done/export.xml" in lying(house)


def test_an_empty_house_leaves_files_where_they_are(house: House, inbox: Inbox) -> None:
    with house.database.writing() as c:
        people.remove(c, house.alice.id)
    put(house, "export.xml")
    rounds(house, inbox)
    assert lying(house) == ["export.xml"]
