"""Reading everything of a person, in an order that does not depend on how it came."""

import pytest

from healthbox.domain.records import SourceRef
from healthbox.store import leaving, people
from healthbox.store.engine import Database
from healthbox.store.samples import Apply
from healthbox.store.series import Registry
from healthbox.store.sources import Sources
from healthbox.store.standing import Incoming

PARENT, FIRST, SECOND = bytes(range(16)), b"\xaa" * 16, b"client 7"


@pytest.fixture
def alice(database: Database) -> int:
    with database.writing() as c:
        return people.add_person(c, "Alice", "Europe/Berlin", 0).id


def put(database: Database, person: int, metric: str, ref: SourceRef, *rows: Incoming) -> int:
    """Store rows in the series of a metric and a source; returns the series."""
    with database.writing() as c:
        series = Registry(c, person).series(metric, Sources(c, person, 0).resolve(ref))
        Apply(c, person, 1, {series: metric}).run([row._replace(series_id=series) for row in rows])
        return series


def test_sources_come_in_the_order_that_makes_them_again(database: Database, alice: int) -> None:
    told = [SourceRef("Watch", kind="unknown"), SourceRef("iPhone", "com.a"), SourceRef("iPhone", "com.b"), SourceRef("iPhone", kind="app"),
            SourceRef(None, "com.c"), SourceRef("Ring", kind="ring")]  # fmt: skip
    with database.writing() as c:
        for ref in told:
            Sources(c, alice, 0).resolve(ref)
    with database.reading() as c:
        found = leaving.origins(c, alice)
    assert [one.number for one in found] == [1, 2, 3, 4, 5, 6]
    assert [(one.name, one.bundles, one.kind) for one in found] == [
        ("", ["com.c"], "app"), ("iPhone", ["com.a"], "app"), ("iPhone", ["com.b"], "app"), ("Ring", [], "ring"),
        ("Watch", [], "unknown"), ("iPhone", [], "app"),
    ]  # fmt: skip
    assert found[0].label == "com.c"


def test_a_sample_leaves_with_all_that_was_said_of_it(database: Database, alice: int) -> None:
    watch = SourceRef("Watch", kind="watch")
    with database.writing() as c:
        registry = Registry(c, alice)
        zone, meta = registry.zone("Asia/Tokyo"), registry.meta({"n": 1})
    series = put(
        database, alice, "steps", watch,
        Incoming(0, 100, 200, 5.0, "food", FIRST, False, 250_750, zone, meta, 11),
        Incoming(0, 100, 200, 5.0, "", SECOND, False, None, None, None, 12),
        Incoming(0, 300, 300, 7.0, "", PARENT, True, None, None, None, 13),
        Incoming(0, 300, 300, 8.0),
    )  # fmt: skip
    with database.reading() as c:
        first, *rest = leaving.samples(c, series)
    assert first[:4] == (100_250, 200_750, 5.0, "food")
    assert first.names == [("AAAAAAAA-AAAA-AAAA-AAAA-AAAAAAAAAAAA", 11, False), ("client 7", 12, False)]
    assert (first.zone, first.metadata) == ("Asia/Tokyo", {"n": 1})
    assert [(one.value, one.tag, one.names) for one in rest] == [
        (7.0, "", [("00010203-0405-0607-0809-0A0B0C0D0E0F", 13, True)]), (8.0, "", []),
    ]  # fmt: skip


def test_the_amounts_are_what_the_receipts_say(database: Database, alice: int) -> None:
    with database.reading() as c:
        assert leaving.amounts(c, alice) == {"records": 0, "day": 0, "night": 0, "workout": 0, "clinical": 0}
