"""One row per real source, found again under every name it goes by, in whatever order the names come."""

import itertools

import pytest
from house import at, steps

from healthbox.domain.records import SourceRef
from healthbox.store import metrics
from healthbox.store.sources import Sources, list_sources

ALONE, LINKED, BUNDLE = (
    SourceRef(name="Alice\u2019s  Watch"),
    SourceRef(name="Alice's Watch", bundle="com.apple.health.11AA", product="Watch7,1"),
    SourceRef(bundle="com.apple.health.11AA", product="Watch7,1"),
)


@pytest.mark.parametrize("order", list(itertools.permutations((ALONE, LINKED, LINKED))))
def test_name_alone_and_name_with_bundle_are_one_source_in_any_order(house, order):
    with house.database.writing() as c:
        resolve = Sources(c, house.alice.id, 0).resolve
        assert len({resolve(ref) for ref in order}) == 1
        assert [(s.name, s.kind) for s in list_sources(c, house.alice.id)] == [("Alice's Watch", "watch")]


def test_a_bundle_that_was_linked_is_found_without_its_name(house):
    with house.database.writing() as c:
        resolve = Sources(c, house.alice.id, 0).resolve
        assert resolve(LINKED) == resolve(BUNDLE)


def test_a_renamed_watch_keeps_its_row_under_both_names(house):
    with house.database.writing() as c:
        resolve = Sources(c, house.alice.id, 0).resolve
        first = resolve(LINKED)
        assert resolve(SourceRef(name="Alice's new Watch", bundle="com.apple.health.11AA", product="Watch7,1")) == first
        assert resolve(SourceRef(name="Alice's new Watch")) == first == resolve(ALONE)


def test_a_name_of_two_sources_gets_a_row_of_its_own_when_it_comes_alone(house):
    with house.database.writing() as c:
        resolve = Sources(c, house.alice.id, 0).resolve
        two = {resolve(SourceRef(name="Scale app", bundle=bundle)) for bundle in ("com.one", "com.two")}
        alone = resolve(SourceRef(name="Scale app", kind="app"))
        assert len(two) == 2 and alone not in two and resolve(SourceRef(name="Scale app", kind="app")) == alone


@pytest.mark.parametrize(
    "order", list(itertools.permutations((SourceRef(name="Vitalo"), SourceRef(name="Vitalo", bundle="com.vitalo.app"))))
)
def test_a_row_known_only_by_name_takes_on_the_class_that_is_shown_later(house, order):
    with house.database.writing() as c:
        resolve = Sources(c, house.alice.id, 0).resolve
        assert len({resolve(ref) for ref in order}) == 1
        assert [s.kind for s in list_sources(c, house.alice.id)] == ["app"]


def test_what_a_person_typed_in_is_a_source_apart(house):
    with house.database.writing() as c:
        resolve = Sources(c, house.alice.id, 0).resolve
        assert resolve(SourceRef(name="Alice's iPhone")) != resolve(SourceRef(name="Alice's iPhone", kind="manual"))


def test_people_share_no_sources(house):
    with house.database.writing() as c:
        c.exec_driver_sql("INSERT INTO person (id, name, created_at) VALUES (7, 'Bob', 0)")
        assert Sources(c, house.alice.id, 0).resolve(LINKED) != Sources(c, 7, 0).resolve(LINKED)


# -- merging --------------------------------------------------------------------------------------------------------------

U = "AAAAAAAA-0000-0000-0000-000000000001"


def weighed(value, source, uuid=None, **more):
    start = "2026-03-01T08:00:00+01:00"
    return {"type": "weight", "start": start, "end": start, "value": value, "unit": "kg", "source": source, "uuid": uuid} | more


def merge(house):
    with house.database.writing() as c:
        metrics.merge_sources(c, house.alice.id, *[source.id for source in list_sources(c, house.alice.id)])
    house.run()


def test_a_correction_and_a_deletion_find_a_sample_whose_source_was_merged(house):
    house.sync(samples=[weighed(70, "Scale")])
    house.sync(samples=[weighed(70, "Waage", U)])
    merge(house)
    assert house.days("weight") == {"2026-03-01": 70.0}
    house.sync(samples=[weighed(71, "Waage", U)])
    assert [row[2] for row in house.samples("weight")] == [71.0]
    house.sync(deleted=[U])
    assert (house.samples("weight"), house.days("weight")) == ([], {})


def test_a_sample_of_ten_days_whose_source_was_merged_still_counts_when_the_other_one_is_deleted(house):
    house.sync(samples=[steps(at(1, 12), at(11, 12), 2200, "Scale", uuid=U)])
    house.sync(samples=[steps(at(1, 12), at(11, 12), 1100, "Waage")])
    merge(house)
    house.sync(deleted=[U])
    house.sync(samples=[steps(at(8, 9), at(8, 9, 1), 1, "Waage")])  # that day alone is computed again
    assert house.days("steps")["2026-03-07"] == 110.0 and house.days("steps")["2026-03-08"] >= 109.0
