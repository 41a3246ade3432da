"""Two series that become one end as if all had been said of one from the beginning; of two buckets the later statement stays."""

import itertools
import json
import random
import zlib
from collections import Counter
from typing import get_args

import pytest

from healthbox.domain.records import Clinical, SourceRef, Stage
from healthbox.store import buckets, clinical, deletions, metrics, people, sleep
from healthbox.store.buckets import BucketRow
from healthbox.store.samples import Apply
from healthbox.store.series import Registry
from healthbox.store.sleep import StageRow
from healthbox.store.sources import Sources, set_precedence
from healthbox.store.standing import Incoming, plain

DAY = 86_400
NAMES = [bytes([65 + n]) * 16 for n in range(4)]
OWN = ((None, None, *NAMES[:2]), (None, None, *NAMES[2:]))  # a uuid is of one source
PARENTS = b"P" * 16, b"Q" * 16
STAGES = ("core", "deep", "rem")
CODES = sorted(get_args(Stage))
NUMBERS = itertools.count(1)


class Shelf:
    """Alice's scale under two names, or under one: whatever is said of the second is said of ``second``."""

    def __init__(self, c, metric, names=("Scale", "Waage")):
        self.c, self.metric = c, metric
        self.alice = people.add_person(c, f"Alice {next(NUMBERS)}", "Europe/Berlin", 0).id
        self.sources = [Sources(c, self.alice, 0).resolve(SourceRef(name=name)) for name in names]
        self.series = [Registry(c, self.alice).series(metric, source) for source in self.sources]

    def say(self, which, batch, said):
        series_id = self.series[which]
        if isinstance(said, bytes):
            deletions.delete(self.c, self.alice, self.metric, [said], batch, 0)
        elif isinstance(said[0], Incoming):
            items = [item._replace(series_id=series_id) for item in said]
            Apply(self.c, self.alice, batch, {series_id: self.metric}).run(items)
        else:
            sleep.apply(self.c, self.alice, batch, [row._replace(series_id=series_id) for row in said])

    def merge(self):
        metrics.merge_sources(self.c, self.alice, *self.sources)

    def rows(self, query):
        found = self.c.exec_driver_sql(f"{query} WHERE series_id IN (SELECT id FROM series WHERE person_id=?)", (self.alice,)).fetchall()
        return sorted(map(tuple, found), key=repr)

    def samples(self):
        """(start, end, tag, value and every uuid with its as_of) of each sample."""
        names = self.rows('SELECT start, "end", tag, uuid, as_of FROM also_uuid')
        found = []
        for row in self.rows('SELECT start, "end", tag, value, uuid, as_of FROM sample'):
            own = [row[4:]] if row[4] is not None else []
            every = frozenset(own + [name[3:] for name in names if name[:3] == row[:3]])
            found.append((*row[:2], plain(row[2]), row[3], every))
        return Counter(found)

    def kept(self):
        stages = self.rows('SELECT start, "end", stage, uuid IS NULL FROM sleep_stage')
        sets = self.rows('SELECT uuid, as_of, start, "end" FROM point_set')
        second = self.rows('SELECT uuid, start, "end", tag, as_of FROM also_uuid') if stages else []
        long = [plain(tag) for (tag,) in self.rows("SELECT tag FROM long_sample")]
        return self.samples(), stages, sets, second, sorted(long), self.gone()

    def gone(self):
        """But for what another uuid holds."""
        stands = self.rows('SELECT start, "end", value FROM sample')
        stands += [(*row[:2], float(CODES.index(row[2]))) for row in self.rows('SELECT start, "end", stage FROM sleep_stage')]
        return [row for row in self.rows('SELECT start, "end", value FROM gone') if row not in stands]

    def nothing_hangs(self):
        at = 'series_id, start, "end", tag'
        stands = set(self.rows(f"SELECT {at} FROM sample")) | set(self.rows('SELECT series_id, start, "end", stage FROM sleep_stage'))
        assert {row for table in ("long_sample", "also_uuid") for row in self.rows(f"SELECT {at} FROM {table}")} <= stands
        assert {row for row in stands if row[2] - row[1] > 2 * DAY} == set(self.rows(f"SELECT {at} FROM long_sample")) or not self.samples()


def sampled(chance, source, as_of):
    start = chance.randrange(3) * 60
    if chance.random() < 0.2:
        points = {(start + 60 * n, chance.choice((70.0, 80.0))) for n in range(chance.randrange(1, 3))}
        return [Incoming(0, at, at, value, uuid=PARENTS[source], parent=True, as_of=as_of) for at, value in sorted(points)]
    return [
        Incoming(0, start, start + chance.choice((0, 60, 3 * DAY)), chance.choice((70.0, 70.0, 80.0)), uuid=chance.choice(OWN[source]),
                 as_of=as_of)
    ]  # fmt: skip


def slept(chance, source, as_of):
    start, step = chance.randrange(3) * 600_000, 600_000
    if chance.random() < 0.2:
        spans = [(start + n * step, start + (n + 1) * step) for n in (0, 1)]
        return [StageRow(0, *span, chance.choice(STAGES), PARENTS[source], True, None, as_of) for span in spans]
    return [StageRow(0, start, start + step, chance.choice(STAGES[:2]), chance.choice(OWN[source]), False, None, as_of)]


@pytest.mark.parametrize(("metric", "draw"), [("weight", sampled), (sleep.METRIC, slept)])
def test_merged_sources_end_as_if_they_had_been_one(database, metric, draw):
    with database.writing() as c:
        for seed in range(300):
            chance = random.Random(seed)
            said = []
            for as_of in range(1, chance.randrange(3, 14)):
                if chance.random() < 0.1:
                    said.append((0, as_of, chance.choice(NAMES)))
                else:
                    source = chance.randrange(2)
                    said.append((source, as_of, draw(chance, source, as_of)))
            two, one = Shelf(c, metric), Shelf(c, metric, ("Scale", "Scale"))
            for shelf in (two, one):
                for which, batch, what in said:
                    shelf.say(which, batch, what)
            two.merge()
            assert two.kept() == one.kept(), (seed, said)
            two.nothing_hangs()


def test_of_two_equal_rows_one_stays_with_what_either_says(database):
    with database.writing() as c:
        shelf = Shelf(c, "weight")
        shelf.say(0, 1, [Incoming(0, 0, 0, 70.0, zone_id=1), Incoming(0, 60, 60, 70.0, uuid=NAMES[0], as_of=1)])
        shelf.say(
            1,
            2,
            [Incoming(0, 0, 0, 70.0001, uuid=NAMES[2], ms=500, tag="fasting", as_of=3), Incoming(0, 60, 60, 70.0, uuid=NAMES[3], as_of=4)],
        )
        shelf.merge()
        assert shelf.rows("SELECT tag, value, uuid, as_of, ms, zone_id FROM sample") == [
            ("", 70.0, NAMES[0], 1, None, None),
            ("fasting", 70.0001, NAMES[2], 3, 500, 1),
        ]
        assert shelf.rows("SELECT start, uuid, as_of FROM also_uuid") == [(60, NAMES[3], 4)]


def test_of_two_equal_stages_one_stays_with_what_either_says(database):
    with database.writing() as c:
        shelf = Shelf(c, sleep.METRIC)
        shelf.say(0, 1, [StageRow(0, 0, 600_000, "core", None, False, "Asia/Tokyo", 7)])
        shelf.say(1, 2, [StageRow(0, 0, 600_000, "core", NAMES[2], False, None, 3)])
        shelf.merge()
        assert shelf.rows("SELECT uuid, zone, as_of, batch_id FROM sleep_stage") == [(NAMES[2], "Asia/Tokyo", 7, 1)]
        assert shelf.rows("SELECT uuid, as_of FROM also_uuid") == [(NAMES[2], 3)]


def test_merging_goes_on_over_many_slices(database, monkeypatch):
    monkeypatch.setattr("healthbox.store.merging.SLICE", 2)
    with database.writing() as c:
        shelf = Shelf(c, "weight")
        for which in (0, 1):
            tagged = [Incoming(0, 60 * n, 60 * n, 70.0 + t, tag=f"{which if t else 'same'}{t}") for n in range(9) for t in range(4)]
            shelf.say(which, which + 1, tagged)
        shelf.merge()
        assert len(shelf.samples()) == 9 * 7
        assert dict(c.exec_driver_sql("SELECT batch_id, count(*) FROM sample GROUP BY batch_id").fetchall()) == {1: 36, 2: 27}


@pytest.mark.parametrize("values", [(70.0, 70.0), (70.0, 80.0)])
def test_long_samples_are_found_in_the_kept_series(database, values):
    with database.writing() as c:
        shelf = Shelf(c, "weight")
        for which, value in enumerate(values):
            shelf.say(which, 1, [Incoming(0, 0, 10 * DAY, value)])
        shelf.merge()
        assert len(shelf.rows("SELECT * FROM sample")) == len(set(values))
        shelf.nothing_hangs()


def test_an_export_in_the_middle_of_reconciling_takes_nothing_of_a_merged_series(database):
    with database.writing() as c:
        shelf = Shelf(c, "weight")
        c.exec_driver_sql(
            "INSERT INTO device (id, person_id, name, token_id, token_hash, scopes, created_at) VALUES (1,?,'','',x'','',0)", (shelf.alice,)
        )
        for batch, state in enumerate(("counting", "asking", "moving", "moved"), 1):
            c.exec_driver_sql(
                "INSERT INTO batch (id, public, person_id, device_id, format, status, zone, created_at, touched_at) "
                "VALUES (?,?,?,1,'','','UTC',0,0)",
                (batch, str(batch), shelf.alice),
            )
            c.exec_driver_sql("INSERT INTO reconcile (batch_id, held, state) VALUES (?,?,?)", (batch, str(batch), state))
            for series_id in shelf.series:
                c.exec_driver_sql("INSERT INTO reconcile_count (batch_id, series_id, samples) VALUES (?,?,3)", (batch, series_id))
        shelf.merge()
        assert list(c.exec_driver_sql("SELECT state FROM reconcile ORDER BY batch_id").scalars()) == ["lost", "lost", "moved", "moved"]
        assert shelf.rows("SELECT samples FROM reconcile_count") == [(6,)] * 4


# -- buckets and records kept whole -------------------------------------------------------------------------------------


def total(metric, value, as_of, uuid=None):
    return BucketRow(metric, "app", "day", 739_000, "2024-04-28", value, None, None, "Watch", as_of, uuid)


@pytest.mark.parametrize("later", ["unknown.grip.kg", "grip"])
def test_the_later_of_two_buckets_stays_when_a_metric_gets_the_key_of_another(database, later):
    with database.writing() as c:
        alice = people.add_person(c, "Alice", "UTC", 0).id
        for metric in ("unknown.grip.kg", "grip"):
            buckets.put(
                c,
                alice,
                1,
                total(metric, 45.0 if metric == later else 40.0, 5 if metric == later else 1, None if metric == later else NAMES[0]),
            )
        metrics.rekey(c, alice, "unknown.grip.kg", "grip")
        assert c.exec_driver_sql("SELECT metric, value, as_of, uuid FROM bucket").fetchall() == [("grip", 45.0, 5, NAMES[0])]


def test_the_own_order_of_sources_goes_along_unless_the_new_key_has_one(database):
    with database.writing() as c:
        shelf = Shelf(c, "unknown.grip.kg")
        first, second = shelf.sources
        set_precedence(c, shelf.alice, "unknown.grip.kg", [second, first])
        metrics.rekey(c, shelf.alice, "unknown.grip.kg", "grip")
        set_precedence(c, shelf.alice, "unknown.grip.lb", [first, second])
        metrics.rekey(c, shelf.alice, "unknown.grip.lb", "grip")
        orders = c.exec_driver_sql("SELECT metric, source_id FROM precedence ORDER BY metric, rank").fetchall()
        assert orders == [("grip", second), ("grip", first)]


@pytest.mark.parametrize("order", list(itertools.permutations(((1.0, 1, NAMES[0]), (2.0, 2, None), (3.0, 3, None)))))
def test_a_bucket_answers_to_the_latest_uuid_that_any_of_its_statements_had(database, order):
    with database.writing() as c:
        alice = people.add_person(c, "Alice", "UTC", 0).id
        for value, as_of, uuid in order:
            buckets.put(c, alice, 1, total("steps", value, as_of, uuid))
        assert c.exec_driver_sql("SELECT value, uuid FROM bucket").fetchall() == [(3.0, NAMES[0])]
        assert len(buckets.remove(c, alice, "steps", NAMES[0])) == 1


@pytest.mark.parametrize("uuid", ["4d2b6f1e-0000-0000-0000-000000000001", None])
@pytest.mark.parametrize("order", list(itertools.permutations((("A", 1), ("B", 3), ("A", 5)))))
def test_a_record_said_again_later_stands_whatever_came_first(database, order, uuid):
    with database.writing() as c:
        alice = people.add_person(c, "Alice", "UTC", 0).id
        for said, as_of in order:
            record = Clinical(position="", kind="fhir", data={"said": said}, uuid=uuid, start=1, end=1)
            clinical.put(c, alice, 1, None, record, None, as_of)
        assert sorted(c.exec_driver_sql("SELECT as_of FROM clinical").scalars()) == ([5] if uuid else [3, 5])
        newest = c.exec_driver_sql("SELECT json FROM clinical WHERE as_of=5").scalar_one()
        assert json.loads(zlib.decompress(newest)) == {"said": "A"}
