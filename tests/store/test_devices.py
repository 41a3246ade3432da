import pytest
from sqlalchemy import Connection

from healthbox.domain.errors import Invalid, NotFound
from healthbox.store import devices, people
from healthbox.store.engine import Database

NOW = 1_763_000_000_000


def alice(connection: Connection) -> int:
    return people.add_person(connection, "Alice", "UTC", NOW).id


def test_a_token_opens_its_device_and_nothing_else_does(database: Database) -> None:
    with database.writing() as c:
        device, token = devices.add_device(c, alice(c), "Phone", ["read", "ingest"], NOW)
        assert devices.authenticate(c, token, NOW) == device
        assert device.scopes == {"ingest", "read"}
        other = devices.new_token().text
        assert devices.authenticate(c, other, NOW) is None
        # right id, right check digits, another secret
        head = token[:13] + other[13:-6]
        assert devices.authenticate(c, head + devices._check(head), NOW) is None


@pytest.mark.parametrize("text", ["", "hbx_", "Bearer x", "hbx_" + "a" * 8 + "_" + "b" * 49, "é" * 62, "hbx_\ud800", "x" * 10_000, "\x00"])
def test_what_is_no_token_is_refused_without_an_error(database: Database, text: str) -> None:
    with database.reading() as c:
        assert devices.authenticate(c, text, NOW) is None


def test_a_mistyped_token_costs_no_look_up() -> None:
    token = devices.new_token().text
    typo = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
    assert devices.authenticate(None, typo, NOW) is None  # type: ignore[arg-type]


def test_a_token_has_its_published_shape() -> None:
    seen = {devices.new_token().text for _ in range(50)}
    assert len(seen) == 50
    assert all(len(t) == 62 and t.startswith("hbx_") and t[12] == "_" and t.replace("_", "").isalnum() for t in seen)


def test_the_secret_is_neither_stored_nor_shown(database: Database) -> None:
    with database.writing() as c:
        device, token = devices.add_device(c, alice(c), "Phone", ["ingest"], NOW)
        row = str(tuple(c.exec_driver_sql("SELECT * FROM device").one()))
    made = devices.new_token()
    assert token[13:56] not in row and token[13:56] not in repr(device)
    assert made.text[13:] not in repr(made)


def test_a_revoked_token_stops_at_its_instant_and_stays_revoked(database: Database) -> None:
    with database.writing() as c:
        device, token = devices.add_device(c, alice(c), "Phone", ["ingest"], NOW)
        devices.revoke(c, device.id, NOW + 1000)
        assert devices.authenticate(c, token, NOW + 999) is not None
        assert devices.authenticate(c, token, NOW + 1000) is None
        devices.revoke(c, device.id, NOW + 5000)
        assert devices.authenticate(c, token, NOW + 2000) is None
        with pytest.raises(NotFound):
            devices.revoke(c, 99, NOW)


def test_use_is_noted_at_most_once_a_minute(database: Database) -> None:
    with database.writing() as c:
        device, _ = devices.add_device(c, alice(c), "Phone", ["ingest"], NOW)
        assert devices.used_is_due(device, NOW)
        assert devices.touch_used(c, device.id, NOW)
        assert not devices.touch_used(c, device.id, NOW + 59_999)
        assert not devices.used_is_due(devices.get_device(c, device.id), NOW + 59_999)
        assert devices.touch_used(c, device.id, NOW + 60_000)
        assert devices.get_device(c, device.id).last_used_at == NOW + 60_000


def test_contact_moves_only_forward(database: Database) -> None:
    with database.writing() as c:
        device, _ = devices.add_device(c, alice(c), "Phone", ["ingest"], NOW)
        devices.touch_contact(c, device.id, NOW)
        devices.touch_contact(c, device.id, NOW - 1)
        assert devices.get_device(c, device.id).last_contact_at == NOW


def test_devices_are_listed_by_person(database: Database) -> None:
    with database.writing() as c:
        mine, _ = devices.add_device(c, alice(c), "Phone", ["ingest"], NOW)
        bob = people.add_person(c, "Bob", "UTC", NOW).id
        his, _ = devices.add_device(c, bob, "Phone", ["ingest"], NOW)
        assert devices.list_devices(c, mine.person_id) == [mine]
        assert devices.list_devices(c) == [mine, his]


@pytest.mark.parametrize("scopes", [[], ["write"], ["ingest", "root"]])
def test_only_known_scopes_are_given(database: Database, scopes: list[str]) -> None:
    with pytest.raises(Invalid), database.writing() as c:
        devices.add_device(c, alice(c), "Phone", scopes, NOW)
