"""What a device brought, and what it was refused for while it was new."""

from pathlib import Path

import pytest

from healthbox.store import contact, devices, ledger, people
from healthbox.store.engine import Database
from healthbox.store.migrations.upgrade import upgrade

NOW = 1_763_640_000_000


@pytest.fixture
def database(tmp_path: Path):
    database = Database(tmp_path)
    upgrade(database)
    yield database
    database.close()


def upload(c, device, format="shortcuts"):
    batch = ledger.add_batch(
        c, person_id=device.person_id, device_id=device.id, client=None, format=format, headers={"a": "b"}, zone="UTC", anchor=None,
        metric=None, now=NOW,
    )  # fmt: skip
    ledger.add_chunk(c, batch, 0, sha=b"1", body=b"x", spool=None, size=1, final=True, anchor=None, now=NOW)
    return batch


def test_a_device_is_told_from_the_others_of_its_person(database):
    with database.writing() as c:
        alice = people.add_person(c, "Alice", "UTC", NOW).id
        phone, _ = devices.add_device(c, alice, "Phone", ["ingest"], NOW)
        watch, _ = devices.add_device(c, alice, "Watch", ["ingest"], NOW)
        assert contact.contact(c, phone.id) == (0, 0, 0, 0, "", "", "")
        read, broken, other = upload(c, phone), upload(c, phone), upload(c, watch)
        c.exec_driver_sql("UPDATE batch SET new=3, duplicate=2, rejected=1, closed_at=? WHERE id=?", (NOW, read.id))
        c.exec_driver_sql("UPDATE chunk SET status='done' WHERE batch_id IN (?, ?)", (read.id, other.id))
        c.exec_driver_sql("UPDATE chunk SET status='dead', error='too short' WHERE batch_id=?", (broken.id,))
        assert contact.contact(c, phone.id) == (2, 1, 5, 1, broken.public, broken.public, "too short")
        assert [(sent.format, sent.zone, sent.headers) for sent in contact.bodies(c, phone.id, 9)] == [("shortcuts", "UTC", {"a": "b"})]


def test_a_refusal_is_noted_seldom_and_only_of_what_was_just_paired(database):
    with database.writing() as c:
        alice = people.add_person(c, "Alice", "UTC", NOW).id
        phone, token = devices.add_device(c, alice, "Phone", ["ingest"], NOW)

        def note(text, status, at):
            due = devices.refusal_is_due(c, text, status, at)
            devices.note_refusal(c, text, status, at)
            found = devices.get_device(c, phone.id)
            assert due == (found.refused_at == at)
            return due

        assert note(token, 422, NOW)
        assert not note(token, 422, NOW + devices.REFUSED_MS - 1)
        assert note(token, 404, NOW + 1), "another reason is news"
        assert note(token[:20], 401, NOW + 2), "its name is enough"
        assert not note("hbx_00000000_", 401, NOW + 3)
        assert not note("", 401, NOW + 3)
        assert not note(token, 404, NOW + devices.PAIRING_MS)
        devices.touch_contact(c, phone.id, NOW + 4)
        assert not note(token, 404, NOW + 5)
