"""The sample table under the rules of identity, step by step and all at once. Times in seconds."""

import itertools

import pytest

from healthbox.domain.records import SourceRef
from healthbox.store import deletions, people
from healthbox.store.engine import driver
from healthbox.store.samples import Apply, same
from healthbox.store.series import Registry
from healthbox.store.sources import Sources
from healthbox.store.standing import Incoming, windows

A, B = b"a" * 16, b"b" * 16
DAY = 86_400
NUMBERS = itertools.count(1)


@pytest.fixture
def shelf(database):
    return Shelf(database)


class Shelf:
    def __init__(self, database):
        self.database = database
        with database.writing() as c:
            self.alice = people.add_person(c, f"Alice {next(NUMBERS)}", "Europe/Berlin", 0).id
            watch = Sources(c, self.alice, 0).resolve(SourceRef(name="Watch"))
            self.steps, self.pulse = (Registry(c, self.alice).series(metric, watch) for metric in ("steps", "heart_rate"))

    def put(self, *items, batch=1):
        with self.database.writing() as c:
            apply = Apply(c, self.alice, batch, {self.steps: "steps", self.pulse: "heart_rate"})
            apply.run(items)
            return {name: n for name, n in apply.counts.items() if n}

    def delete(self, *uuids, metric=""):
        with self.database.writing() as c:
            return len(deletions.delete(c, self.alice, metric, list(uuids), 1, 0).samples)

    def rows(self, columns='start, "end", value, uuid'):
        with self.database.reading() as c:
            series = (self.steps, self.pulse)
            return [
                tuple(r) for r in c.exec_driver_sql(f"SELECT {columns} FROM sample WHERE series_id IN (?,?) ORDER BY start, value", series)
            ]

    def table(self, name):
        with self.database.reading() as c:
            return c.exec_driver_sql(f"SELECT count(*) FROM {name} WHERE series_id IN (?,?)", (self.steps, self.pulse)).scalar_one()


def at(shelf, start, value=10.0, uuid=None, as_of=0, length=60, **more):
    return Incoming(shelf.steps, start, start + length, value, uuid=uuid, as_of=as_of, **more)


def test_equal_means_within_a_hundred_thousandth():
    assert same(100.0, 100.0009) and not same(100.0, 100.01) and same(0.0, 0.0) and same(-5.0, -5.00001) and not same(0.0, 1e-12)


def test_windows_are_few_and_disjoint():
    assert windows([0, 100, 3_600 * 5, 50]) == [(-3_600, 3_700), (14_400, 21_600)]


def test_steps_and_one_step_end_alike_in_every_order(database):
    """Seven statements about two hours, pairwise about the same: whatever order and cut, the same rows remain."""

    def story(shelf):
        return [
            at(shelf, 0, 10.0), at(shelf, 0, 10.0, A, 1), at(shelf, 0, 20.0, A, 2), at(shelf, 600, 20.0, B, 3), at(shelf, 0, 20.0, B, 4),
        ]  # fmt: skip

    seen = set()
    for number, order in enumerate(itertools.permutations(range(5))):
        shelf = Shelf(database)
        items = [story(shelf)[place] for place in order]
        cut = number % 6
        shelf.put(*items[:cut])
        shelf.put(*items[cut:])
        seen.add(tuple(row[:3] for row in shelf.rows()))
    assert seen == {((0, 60, 20.0),)}


def test_deletions_end_alike_in_every_order(database):
    def story(shelf):
        return [
            lambda: shelf.put(at(shelf, 0, 10.0)), lambda: shelf.put(at(shelf, 0, 10.0, A, 1)), lambda: shelf.put(at(shelf, 0, 10.0, B, 2)),
            lambda: shelf.delete(A), lambda: shelf.put(at(shelf, 600, 7.0)),
        ]  # fmt: skip

    seen = set()
    for order in itertools.permutations(range(5)):
        shelf = Shelf(database)
        for place in order:
            story(shelf)[place]()
        seen.add(tuple((row[0], row[2]) for row in shelf.rows()))
    assert seen == {((0, 10.0), (600, 7.0))}


def test_nothing_is_left_in_the_side_tables_of_what_is_gone(shelf):
    shelf.put(at(shelf, 0, 10.0, A, 1, length=3 * DAY), at(shelf, 0, 10.0, B, 1, length=3 * DAY))
    assert (shelf.table("sample"), shelf.table("also_uuid"), shelf.table("long_sample")) == (1, 1, 1)
    shelf.delete(A)
    assert (shelf.table("sample"), shelf.table("also_uuid"), shelf.table("long_sample")) == (1, 0, 1)
    shelf.delete(B)
    assert (shelf.table("sample"), shelf.table("also_uuid"), shelf.table("long_sample"), shelf.table("gone")) == (0, 0, 0, 1)


def test_a_record_fills_what_another_left_open(shelf):
    shelf.put(at(shelf, 0), at(shelf, 600, ms=5_007, zone_id=3, meta_id=4))
    shelf.put(at(shelf, 0, ms=5_007, zone_id=3, meta_id=4), at(shelf, 600))
    assert shelf.rows("ms, zone_id, meta_id") == [(5_007, 3, 4)] * 2


def test_a_deletion_finds_samples_years_apart_and_only_its_own(shelf):
    uuids = [bytes([n]) * 16 for n in range(8)]
    shelf.put(*(at(shelf, n * 400 * DAY, float(n + 1), uuid) for n, uuid in enumerate(uuids)))
    assert shelf.delete(uuids[0], uuids[7], uuids[3], b"never seen") == 3
    assert [row[2] for row in shelf.rows()] == [2.0, 3.0, 5.0, 6.0, 7.0]


def test_a_parent_of_two_metrics_goes_from_both(shelf):
    shelf.put(at(shelf, 0, 120.0, A, 1, parent=True), at(shelf, 0, 80.0, A, 1, parent=True)._replace(series_id=shelf.pulse))
    assert shelf.table("point_set") == 2
    shelf.delete(A)
    assert shelf.rows() == [] and shelf.table("point_set") == 0


def test_points_of_one_statement_add_up_and_a_later_statement_replaces_them(shelf):
    def points(values, as_of):
        return [at(shelf, n * 60, v, A, as_of, length=0, parent=True) for n, v in enumerate(values)]

    shelf.put(*points([1.0, 2.0], 5))
    shelf.put(at(shelf, 9_000, 3.0, A, 5, length=0, parent=True))
    assert [row[2] for row in shelf.rows()] == [1.0, 2.0, 3.0]
    assert shelf.put(*points([1.0, 9.0, 8.0], 6), batch=2) == {"duplicate": 1, "updated": 2}
    assert [row[2] for row in shelf.rows()] == [1.0, 9.0, 8.0]
    assert shelf.put(*points([4.0], 5)) == {"duplicate": 1}
    assert [row[2] for row in shelf.rows()] == [1.0, 9.0, 8.0]


def test_a_series_keeps_its_longest_interval_and_very_long_ones_stand_apart(shelf):
    shelf.put(at(shelf, 0, length=120), at(shelf, 0, length=3 * DAY), at(shelf, 0, length=7_200))
    with shelf.database.reading() as c:
        assert c.exec_driver_sql("SELECT longest FROM series WHERE id=?", (shelf.steps,)).scalar_one() == 7_200
    assert shelf.table("long_sample") == 1


def test_people_never_share_a_uuid(database):
    alice, bob = Shelf(database), Shelf(database)
    alice.put(at(alice, 0, 1.0, A, 1))
    bob.put(at(bob, 0, 2.0, A, 2))
    alice.delete(A)
    assert (alice.rows(), [row[2] for row in bob.rows()]) == ([], [2.0])


def test_a_row_of_two_uuids_costs_the_same_however_many_have_two(shelf):
    def cost(start):
        """Of a resend, in thousands of steps of SQLite's machine."""
        asked = []
        with shelf.database.writing() as c:
            driver(c).set_progress_handler(lambda: asked.append(1), 1000)
            Apply(c, shelf.alice, 1, {shelf.steps: "steps"}).run([at(shelf, start, uuid=A)])
            driver(c).set_progress_handler(None, 0)
        return len(asked)

    shelf.put(at(shelf, 0, uuid=A), at(shelf, 0, uuid=B))
    before = cost(0)
    for name in (1, 2):
        shelf.put(*(at(shelf, DAY + n * 7200, uuid=n.to_bytes(8, "big") + bytes([name]) * 8) for n in range(2000)))
    assert shelf.table("also_uuid") == 2001 and cost(0) <= before + 1
