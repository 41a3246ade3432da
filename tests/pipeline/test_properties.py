"""However the records are cut into chunks, in whatever order they are worked off, however often they are sent: the same days."""

import datetime as dt
import itertools
import json

from house import MINUTE, NOON, House, work_off
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthbox.pipeline.fold import rebuild

START = NOON - 40 * 3_600_000  # the day before, evening in Berlin: midnight lies inside
SOURCES = ("Alice's Watch", "Alice's iPhone", "Step app")
VALUES = (100.0, 100.0005, 250.0)
METRICS = ("steps", "heart_rate", "active_energy", "no_such_metric")
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture)
relaxed = settings(deadline=None, suppress_health_check=SLOW, max_examples=40)


def iso(ms):
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).isoformat(timespec="milliseconds")


def uuid(kind, number):
    return f"{kind:08d}-0000-4000-8000-{number:012d}"


@st.composite
def statement(draw):
    """A record, from a space so small that many are about the same thing. A uuid stays near its own hours and has one source."""
    kind = draw(st.sampled_from(("sample", "sample", "sample", "stage")))
    slot, shift = draw(st.integers(0, 5)), draw(st.integers(0, 1))
    start = START + slot * 200 * MINUTE + shift * 10 * MINUTE + draw(st.sampled_from((0, 0, 250)))
    named = draw(st.sampled_from((None, None, slot)))
    source = SOURCES[slot % 3] if named is not None else draw(st.sampled_from(SOURCES))
    zone = draw(st.sampled_from((None, None, None, "America/New_York"))) if named is None else None
    if kind == "stage":
        return {"type": "sleep_analysis", "start": iso(start), "end": iso(start + draw(st.sampled_from((30, 120, 150))) * MINUTE),
                "value": draw(st.sampled_from(("core", "deep", "awake", "in_bed"))), "source": source,
                "uuid": None if named is None else uuid(99, named)}  # fmt: skip
    metric = draw(st.sampled_from(METRICS))
    long = 0 if metric in ("heart_rate",) else draw(st.sampled_from((10, 60 * 14))) * MINUTE
    return {"type": metric, "start": iso(start), "end": iso(start + long), "value": draw(st.sampled_from(VALUES)), "source": source,
            "uuid": None if named is None else uuid(METRICS.index(metric), named), "zone": zone}  # fmt: skip


deletion = st.builds(uuid, st.integers(0, len(METRICS) - 1), st.integers(0, 7)) | st.builds(uuid, st.just(99), st.integers(0, 7))
said, unsaid = st.tuples(st.just("samples"), statement()), st.tuples(st.just("deleted"), deletion)
pieces = st.lists(said | said | unsaid, min_size=3, max_size=24)


def cut(records, cuts):
    """The records as chunks: cut after each index in ``cuts``."""
    edges = [0, *sorted(c for c in set(cuts) if 0 < c < len(records)), len(records)]
    for low, high in itertools.pairwise(edges):
        part = records[low:high]
        yield {name: [record for kind, record in part if kind == name] for name in ("samples", "deleted")}


def accept_all(house: House, bodies, *, frozen: bool):
    accepted = []
    for body in bodies:
        accepted.append(house.sync(run=False, **body))
        if frozen:
            house.at = NOON
    return accepted


@relaxed
@given(records=pieces, cuts=st.lists(st.integers(1, 23), max_size=6), data=st.data())
def test_any_processing_order_gives_the_same_days_and_so_does_a_rebuild(build, records, cuts, data):
    build.clear()
    bodies = list(cut(records, cuts))
    straight, shuffled = build(), build()
    accept_all(straight, bodies, frozen=False)
    straight.run()
    accepted = accept_all(shuffled, bodies, frozen=False)
    work_off(shuffled, data.draw(st.permutations(accepted)))
    expected = straight.all_days()
    assert shuffled.all_days() == expected
    rebuild(shuffled.database, shuffled.at)
    shuffled.run()
    assert shuffled.all_days() == expected
    with shuffled.database.writing() as c:
        c.exec_driver_sql("DELETE FROM day")
        c.exec_driver_sql("DELETE FROM night")
    rebuild(shuffled.database, shuffled.at)
    shuffled.run()
    assert shuffled.all_days() == expected, "rebuilt from nothing but the samples"


@relaxed
@given(records=pieces, cuts=st.lists(st.integers(1, 23), max_size=8), others=st.lists(st.integers(1, 23), max_size=8))
def test_any_chunking_gives_the_same_days(build, records, cuts, others):
    build.clear()
    one, two = build(), build()
    accept_all(one, cut(records, cuts), frozen=True)
    one.run()
    for accepted in accept_all(two, cut(records, others), frozen=True):
        work_off(two, [accepted])
    assert two.all_days() == one.all_days()


def loose(house: House, part, number):
    """A body that is a batch of its own each time it is sent."""
    points = [
        {"type": r["type"], "date_from": r["start"], "date_to": r["end"], "value": r["value"], "source": r["source"], "uuid": r["uuid"]}
        for r in part["samples"]
    ]
    return {"is_final_chunk": True, "data": points, "number": number}


@relaxed
@given(records=pieces, cuts=st.lists(st.integers(1, 23), max_size=5), data=st.data())
def test_any_number_of_resends_in_any_order_gives_the_same_days(build, records, cuts, data):
    build.clear()
    once, often = build(), build()
    bodies = [loose(once, part, number) for number, part in enumerate(cut(records, cuts))]
    for body in bodies:
        once.ingest(body)
    accepted = [often.ingest(body, run=False) for body in bodies]
    accepted += [often.ingest(bodies[again], run=False) for again in data.draw(st.lists(st.integers(0, len(bodies) - 1), max_size=4))]
    work_off(often, data.draw(st.permutations(accepted)))
    assert often.all_days() == once.all_days()
    assert often.rows("SELECT count(*) FROM sample") == once.rows("SELECT count(*) FROM sample")


@st.composite
def exported(draw):
    """A body of Health Auto Export about the same few days and hours."""
    width = draw(st.sampled_from(("day", "hour", "minute")))
    points = []
    for _ in range(draw(st.integers(1, 4))):
        date = f"2026-03-{draw(st.integers(17, 20)):02d}"
        clock = {"day": "00:00:00", "hour": f"{draw(st.integers(0, 3)):02d}:00:00", "minute": f"01:{draw(st.integers(0, 5)):02d}:00"}[width]
        points.append(
            {"date": f"{date} {clock} +0100", "qty": draw(st.sampled_from((3000, 9000, 9500))), "source": draw(st.sampled_from(SOURCES))}
        )
    body = {"data": {"metrics": [{"name": "step_count", "units": "count", "data": points}]}}
    return body, {"automation-aggregation": f"{width}s", "automation-period": "today"}


@relaxed
@given(bodies=st.lists(exported(), min_size=2, max_size=5), data=st.data())
def test_buckets_end_the_same_in_any_order_with_any_resends(build, bodies, data):
    build.clear()

    def send(house, body, headers):
        raw = json.dumps(body).encode()
        accepted = house.door.ingest(house.phone, raw, headers=headers, now=house.at)
        house.at += 3_600_000
        return accepted

    straight, shuffled = build(), build()
    for body in bodies:
        send(straight, *body)
    straight.run()
    accepted = [send(shuffled, *body) for body in bodies]
    accepted += [send(shuffled, *bodies[again]) for again in data.draw(st.lists(st.integers(0, len(bodies) - 1), max_size=3))]
    work_off(shuffled, data.draw(st.permutations(accepted)))
    assert shuffled.all_days() == straight.all_days()
    rebuild(shuffled.database, shuffled.at)
    shuffled.run()
    assert shuffled.all_days() == straight.all_days()
