"""Points and stages under a parent's uuid: what the receipt counts is the same wherever the steps are cut. Times in s and ms."""

import itertools

import pytest

from healthbox.domain.records import SourceRef
from healthbox.store import people, sleep
from healthbox.store.samples import Apply
from healthbox.store.series import Registry
from healthbox.store.sources import Sources
from healthbox.store.standing import Incoming

PARENT = b"p" * 16
NUMBERS = itertools.count(1)


class Beats:
    """Alice's pulse: a set is its values, a minute apart."""

    metric = "heart_rate"

    def __init__(self, database):
        self.database = database
        with database.writing() as c:
            self.alice = people.add_person(c, f"Alice {next(NUMBERS)}", "Europe/Berlin", 0).id
            self.series = Registry(c, self.alice).series(self.metric, Sources(c, self.alice, 0).resolve(SourceRef(name="Watch")))

    def points(self, values, as_of):
        return [Incoming(self.series, n * 60, n * 60, float(v), uuid=PARENT, parent=True, as_of=as_of) for n, v in enumerate(values)]

    def step(self, c, batch, points):
        apply = Apply(c, self.alice, batch, {self.series: self.metric})
        apply.run(points)
        return apply.counts

    def upload(self, batch, points, cuts=()):
        counts = dict.fromkeys(("new", "updated", "duplicate", "deleted"), 0)
        for low, high in itertools.pairwise([0, *cuts, len(points)]):
            with self.database.writing() as c:
                for name, count in self.step(c, batch, points[low:high]).items():
                    counts[name] += count
        return {name: count for name, count in counts.items() if count}


class Stages(Beats):
    """Alice's night: a set is its stages, ten minutes each."""

    metric = "sleep_analysis"
    names = ("core", "deep", "rem", "awake")

    def points(self, values, as_of):
        return [
            sleep.StageRow(self.series, n * 600_000, (n + 1) * 600_000, self.names[v], PARENT, True, None, as_of)
            for n, v in enumerate(values)
        ]

    def step(self, c, batch, points):
        return sleep.apply(c, self.alice, batch, points).counts


@pytest.mark.parametrize("kind", [Beats, Stages])
@pytest.mark.parametrize("cuts", [(), (2,), (1, 3)])
def test_a_fresh_set_is_new_however_it_is_cut(database, kind, cuts):
    alice = kind(database)
    assert alice.upload(1, alice.points([0, 1, 2, 3], 5), cuts) == {"new": 4}


@pytest.mark.parametrize("kind", [Beats, Stages])
@pytest.mark.parametrize("cuts", [(), (2,), (1, 3)])
def test_a_set_stated_again_counts_the_same_however_it_is_cut(database, kind, cuts):
    alice = kind(database)
    alice.upload(1, alice.points([0, 1, 2, 3], 5), (2,))
    assert alice.upload(2, alice.points([0, 1, 2, 0, 1], 6), cuts) == {"duplicate": 3, "updated": 2}
    assert alice.upload(3, alice.points([0, 1, 2, 0, 1], 6), cuts) == {"duplicate": 5}, "the same statement in another upload"
    assert alice.upload(4, alice.points([3, 3, 3, 3, 3, 3], 5), cuts) == {"duplicate": 6}, "an older one"


@pytest.mark.parametrize("kind", [Beats, Stages])
def test_what_another_upload_adds_to_a_set_is_an_update(database, kind):
    alice = kind(database)
    alice.upload(1, alice.points([0, 1], 5))
    assert alice.upload(2, alice.points([0, 1, 2, 3], 5), (3,)) == {"duplicate": 2, "updated": 2}
