"""What makes two records the same: the rules of the house, one after the other, and in any order of arrival."""

import itertools
import json

import pytest
from house import House, at, steps, work_off

from healthbox.domain.records import SourceRef
from healthbox.store.samples import Apply
from healthbox.store.series import Registry
from healthbox.store.sources import Sources
from healthbox.store.standing import Incoming

A, B, C = "AAAAAAAA-0000-4000-8000-000000000001", "BBBBBBBB-0000-4000-8000-000000000002", "CCCCCCCC-0000-4000-8000-000000000003"


def in_every_order(build, *chunks):
    """The house after each processing order; all bodies are accepted in the given order, and worked off in another."""
    for order in itertools.permutations(range(len(chunks))):
        house = build()
        accepted = [house.sync(run=False, **chunk) for chunk in chunks]
        work_off(house, [accepted[place] for place in order])
        yield house


# -- 1: without uuid ------------------------------------------------------------------------------------------------


def test_the_same_sample_again_is_a_duplicate(house):
    sample = steps(at(1, 9), at(1, 10), 500)
    assert house.counts(house.sync(samples=[sample])) == {"new": 1}
    assert house.counts(house.sync(samples=[sample, sample])) == {"duplicate": 2}
    assert house.days("steps") == {"2026-03-01": 500.0}


def energy(value, unit):
    return {"type": "active_energy", "start": at(1, 9), "end": at(1, 10), "value": value, "unit": unit, "source": "Alice's Watch"}


def test_kilojoules_after_kilocalories_is_the_same_sample_whichever_comes_first(build):
    for house in in_every_order(build, {"samples": [energy(123.456, "kcal")]}, {"samples": [energy(516.540, "kJ")]}):
        assert len(house.samples("active_energy")) == 1
        assert house.days("active_energy")["2026-03-01"] == pytest.approx(123.456, rel=1e-5)
        assert house.days("active_energy") == {"2026-03-01": max(123.456, 516.540 / 4.184)}


def test_another_value_at_the_same_time_is_another_sample(house):
    house.sync(samples=[steps(at(1, 9), at(1, 10), 500), steps(at(1, 9), at(1, 10), 501)])
    assert len(house.samples("steps")) == 2


def test_a_tag_tells_apart_and_a_resend_of_tagged_rows_adds_nothing(house):
    def put(*tags_and_values):
        with house.database.writing() as c:
            series = Registry(c, 1).series("dietary_energy", Sources(c, 1, 0).resolve(SourceRef(name="Food diary")))
            apply = Apply(c, 1, 1, {series: "dietary_energy"})
            apply.run([Incoming(series, 1000, 1000, value, tag) for tag, value in tags_and_values])
            return {name: n for name, n in apply.counts.items() if n}

    assert put(("apple", 80.0), ("pear", 80.0), ("apple", 160.0)) == {"new": 3}
    assert put(("apple", 160.0), ("pear", 80.0), ("apple", 80.0)) == {"duplicate": 3}
    assert put(("", 80.0)) == {"duplicate": 1}
    assert len(house.samples("dietary_energy")) == 3


# -- 2: with uuid ---------------------------------------------------------------------------------------------------


def test_the_same_uuid_with_other_content_is_an_update(house):
    house.sync(samples=[steps(at(1, 9), at(1, 10), 500, uuid=A)])
    assert house.counts(house.sync(samples=[steps(at(1, 9), at(1, 10), 700, uuid=A)])) == {"updated": 1}
    assert house.days("steps") == {"2026-03-01": 700.0}


def test_a_retried_older_body_never_overwrites_a_newer_one_in_any_processing_order(build):
    old, new = {"samples": [steps(at(1, 9), at(1, 10), 900, uuid=A)]}, {"samples": [steps(at(1, 9), at(1, 10), 700, uuid=A)]}
    for house in in_every_order(build, old, new):
        assert house.days("steps") == {"2026-03-01": 700.0}


def test_a_statement_made_again_counts_from_its_last_time_in_any_order(build):
    first, other = {"samples": [steps(at(1, 9), at(1, 10), 900, uuid=A)]}, {"samples": [steps(at(1, 9), at(1, 10), 700, uuid=A)]}
    for house in in_every_order(build, first, other, first):
        assert house.days("steps") == {"2026-03-01": 900.0}


def test_a_uuid_is_read_inside_the_metric_whatever_the_source_is_called(build):
    known = {"samples": [steps(at(1, 9), at(1, 10), 500, "Alice's Watch", uuid=A)]}
    renamed = {"samples": [steps(at(1, 9), at(1, 10), 500, "Alice's new Watch", uuid=A)]}
    other = {"samples": [{"type": "heart_rate", "start": at(1, 9), "end": at(1, 9), "value": 60, "source": "Alice's Watch", "uuid": A}]}
    for house in in_every_order(build, known, renamed, other):
        assert len(house.samples("steps")) == 1 and len(house.samples("heart_rate")) == 1
        assert '"Alice\'s new Watch"' in house.rows("SELECT detail FROM day WHERE metric='steps'")[0][0]


def test_a_first_uuid_is_adopted(house):
    house.sync(samples=[steps(at(1, 9), at(1, 10), 500)])
    assert house.counts(house.sync(samples=[steps(at(1, 9), at(1, 10), 500, uuid=A)])) == {"duplicate": 1}
    house.sync(deleted=[A])
    assert house.samples("steps") == [] and house.days("steps") == {}


def test_two_uuids_on_equal_content_are_one_row_that_goes_with_the_last(build):
    both = {"samples": [steps(at(1, 9), at(1, 10), 500, uuid=A), steps(at(1, 9), at(1, 10), 500, uuid=B)]}
    for house in in_every_order(build, both, {"deleted": [A]}):
        assert house.days("steps") == {"2026-03-01": 500.0}
        house.sync(deleted=[B])
        assert house.days("steps") == {}


def test_an_update_of_one_of_two_uuids_leaves_the_content_to_the_other_even_in_one_chunk(build):
    a, b, moved = (
        steps(at(1, 9), at(1, 10), 500, uuid=A),
        steps(at(1, 9), at(1, 10), 500, uuid=B),
        steps(at(1, 11), at(1, 12), 80, uuid=A),
    )
    for chunks in ([{"samples": [a, b]}, {"samples": [moved]}], [{"samples": [a]}, {"samples": [b]}, {"samples": [moved]}]):
        for house in in_every_order(build, *chunks):
            assert house.days("steps") == {"2026-03-01": 580.0}


# -- parents ----------------------------------------------------------------------------------------------------------


def beats(house: House, values, minute=0, second=0):
    return [
        {"uuid": C, "type": "HEART_RATE", "unit": "BEATS_PER_MINUTE", "value": {"numericValue": v},
         "dateFrom": at(1, 9, minute, second + i), "dateTo": at(1, 9, minute, second + i),
         "platform": "googleHealthConnect", "sourcePlatform": "googleHealthConnect",
         "sourceId": "", "sourceName": "com.samsung.shealth"}
        for i, v in enumerate(values)
    ]  # fmt: skip


def test_beats_that_share_one_uuid_all_stay(house):
    assert house.counts(house.ingest(beats(house, [60, 61, 62]))) == {"new": 3}
    assert [value for _, _, value in house.samples("heart_rate")] == [60.0, 61.0, 62.0]


def test_a_new_point_set_replaces_the_old_as_a_whole(build):
    for first, second in ((0, 1), (1, 0)):
        house = build()
        sets = [beats(house, [60, 61, 62]), beats(house, [60, 75])]
        accepted = [house.ingest(body, run=False) for body in sets]
        work_off(house, [accepted[first], accepted[second]])
        assert [value for _, _, value in house.samples("heart_rate")] == [60.0, 75.0]


def chunked(name, final, points):
    return {"anchor_token": name, "is_final_chunk": final, "data": points}


def test_a_point_set_over_several_chunks_is_one_set(house):
    house.send(chunked("first", False, beats(house, [60, 61])))
    house.send(chunked("first", True, beats(house, [62, 63], minute=1)))
    assert len(house.samples("heart_rate")) == 4
    house.send(chunked("second", False, beats(house, [60, 80])))
    house.send(chunked("second", True, beats(house, [62], minute=1)))
    assert [value for _, _, value in house.samples("heart_rate")] == [60.0, 80.0, 62.0]


def test_deleting_a_parent_takes_every_point_however_far_apart(house):
    far = [dict(p, dateFrom=p["dateFrom"].replace("-03-", f"-{1 + i:02d}-"), dateTo=p["dateTo"].replace("-03-", f"-{1 + i:02d}-"))
           for i, p in enumerate(beats(house, [60, 61, 62]))]  # fmt: skip
    house.ingest(far)
    assert len(house.samples("heart_rate")) == 3
    house.sync(deleted=[C])
    assert house.samples("heart_rate") == [] and house.days("heart_rate") == {}
    assert house.counts(house.ingest(far)) == {"deleted": 3}


# -- 4: what is gone stays gone -----------------------------------------------------------------------------------------


def test_a_deleted_sample_does_not_come_back_without_its_uuid(build):
    named, bare = {"samples": [steps(at(1, 9), at(1, 10), 500, uuid=A)]}, {"samples": [steps(at(1, 9), at(1, 10), 500)]}
    for house in in_every_order(build, named, {"deleted": [A]}, bare):
        assert house.days("steps") == {}, "in no order"


def test_updated_content_does_not_come_back_without_its_uuid(build):
    old, new = steps(at(1, 9), at(1, 10), 500, uuid=A), steps(at(1, 9), at(1, 10), 400, uuid=A)
    bare = {"samples": [steps(at(1, 9), at(1, 10), 500)]}
    for house in in_every_order(build, {"samples": [old]}, {"samples": [new]}, bare):
        assert house.days("steps") == {"2026-03-01": 400.0}


def test_a_deletion_of_one_metric_leaves_the_same_uuid_of_another(build):
    heart = {"type": "heart_rate", "start": at(1, 9), "end": at(1, 9), "value": 60, "source": "Alice's Watch", "uuid": A}
    for house in in_every_order(build, {"samples": [heart]}, {"deleted": [{"uuid": A, "type": "steps"}]}):
        assert len(house.samples("heart_rate")) == 1


def test_deleting_a_sample_of_its_own_zone_empties_the_day_it_stood_on(house):
    house.sync(samples=[steps(at(1, 1), at(1, 2), 500, uuid=A, zone="America/New_York")])
    assert list(house.days("steps")) == ["2026-02-28"]
    house.sync(deleted=[A])
    assert house.days("steps") == {}


def test_a_deleted_clinical_record_stays_deleted_in_any_order(build):
    record = {"resourceType": "Observation", "uuid": B, "effectiveDateTime": at(1, 9), "valueQuantity": {"value": 5.1}}
    for house in in_every_order(build, {"clinical": [record]}, {"deleted": [B]}):
        assert house.rows("SELECT count(*) FROM clinical") == [(0,)]


@pytest.mark.parametrize("section", ["symptoms", "ecg", "medications", "stateOfMind"])
@pytest.mark.parametrize("ident", [{}, {"id": "S1"}])
def test_a_record_kept_whole_is_known_again_after_a_journey(house, section, ident):
    def told(start, source):
        return {"data": {section: [ident | {"start": start, "name": "Headache", "source": source}]}}

    assert house.counts(house.ingest(told("2026-03-01 07:00:00 +0100", "Alice’s Watch"))) == {"new": 1}
    assert house.counts(house.ingest(told("2026-03-01 01:00:00 -0500", "Alice's Watch"))) == {"duplicate": 1}


# -- 5: buckets ---------------------------------------------------------------------------------------------------------


def export(quantity, source, unit="count", name="step_count", date="2026-03-01"):
    point = {"date": f"{date} 00:00:00 +0100", "qty": quantity, "source": source}
    return {"data": {"metrics": [{"name": name, "units": unit, "data": [point]}]}}


def aggregated(house, body, run=True):
    raw = json.dumps(body).encode()
    accepted = house.door.ingest(
        house.phone, raw,
        headers={"automation-aggregation": "days", "automation-period": "today"}, now=house.at,
    )  # fmt: skip
    house.at += 1000
    if run:
        house.run()
    return accepted


def test_a_day_bucket_whose_source_text_changes_stays_one_bucket(build):
    growing = [export(3000, "Watch"), export(9000, "Watch|iPhone"), export(9500, "")]
    for order in itertools.permutations(range(3)):
        house = build()
        accepted = [aggregated(house, body, run=False) for body in growing]
        work_off(house, [accepted[place] for place in order])
        assert house.rows("SELECT value, source FROM bucket") == [(9500.0, "")]
        assert house.days("steps") == {"2026-03-01": 9500.0}
    assert house.counts(aggregated(house, growing[0])) == {"duplicate": 1}, "an older body once more"
    assert house.days("steps") == {"2026-03-01": 9500.0}


def bridged(value, ident="day-1", deleted=None):
    """A day's total by Health Bridge, or the deletion of one."""
    source = {"source_key": "w", "name": "Alice's Watch", "kind": "watch"}
    total = {"client_record_id": ident, "source_key": "w", "type_code": "steps", "start_time": at(1, 0), "end_time": at(2, 0),
             "value": value, "unit": "count"}  # fmt: skip
    gone = [{"client_record_id": deleted, "source_key": "w", "family": "sample"}] if deleted else []
    samples = [] if value is None else [total]
    return {"schema_id": "health_bridge.batch.v1", "sources": [source], "samples": samples, "deleted_records": gone}


def test_a_day_total_goes_with_its_id_whichever_comes_first(build):
    total, deletion = bridged(4321), bridged(None, deleted="day-1")
    for bodies in ([total, deletion], [deletion, total], [total, deletion, total]):
        house = build()
        told = [house.counts(house.ingest(body)) for body in bodies]
        assert {"deleted": 1} in told and told[-1] == {"deleted": 1}
        assert (house.days("steps"), house.rows("SELECT count(*) FROM bucket")) == ({}, [(0,)])


def test_a_day_total_answers_to_what_its_latest_statement_was_called(house):
    house.ingest(bridged(4000, "morning"))
    house.ingest(bridged(9000, "evening"))
    house.ingest(bridged(None, deleted="morning"))
    assert house.days("steps") == {"2026-03-01": 9000.0}
    house.ingest(bridged(9000, "midnight"))
    house.ingest(bridged(None, deleted="midnight"))
    assert house.days("steps") == {}


def test_a_statement_repeated_later_covers_more_of_its_day(house):
    house.at -= 4 * 3_600_000
    today = export(4000, "Watch", date="2026-03-20")
    aggregated(house, today)
    before = house.rows("SELECT coverage FROM day")[0][0]
    house.at += 8 * 3_600_000
    aggregated(house, {"again": 1, **today})
    assert house.rows("SELECT coverage FROM day")[0][0] > before


# -- 7: workouts --------------------------------------------------------------------------------------------------------


def workout(start, end, uuid=None, **more):
    return {"activity": "running", "start": start, "end": end, "uuid": uuid, "source": "Alice's Watch", **more}


def test_workouts_within_two_seconds_are_merged_field_by_field(house):
    house.sync(workouts=[workout(at(1, 9), at(1, 10), totals={"distance": {"value": 10_000, "unit": "m"}})])
    second = workout(at(1, 9, 0, 2), at(1, 9, 59, 58), A, totals={"energy": {"value": 700, "unit": "kcal"}})
    assert house.counts(house.sync(workouts=[second])) == {"updated": 1}
    ((totals, series),) = house.rows("SELECT totals, series FROM workout")
    assert totals == '{"distance": 10000.0, "energy": 700.0}' and series is None
    assert house.counts(house.sync(workouts=[second])) == {"duplicate": 1}
    assert house.counts(house.sync(workouts=[workout(at(1, 9, 0, 5), at(1, 10))])) == {"new": 1}


def test_a_deleted_workout_does_not_come_back_without_its_uuid(build):
    named, bare = {"workouts": [workout(at(1, 9), at(1, 10), A)]}, {"workouts": [workout(at(1, 9), at(1, 10))]}
    for house in in_every_order(build, named, {"deleted": [A]}, bare):
        assert house.rows("SELECT count(*) FROM workout WHERE superseded=0") == [(0,)]


def test_a_workout_stays_when_another_one_at_its_times_is_deleted(build):
    mine, gone = {"workouts": [workout(at(1, 9), at(1, 10), A)]}, {"workouts": [workout(at(1, 9), at(1, 10), B)]}
    for house in in_every_order(build, mine, gone, {"deleted": [B]}):
        assert house.rows("SELECT count(*), hex(max(uuid)) FROM workout WHERE superseded=0") == [(1, A.replace("-", ""))]


# -- 8: sleep -----------------------------------------------------------------------------------------------------------


def stage(start, end, value, uuid=None, source="Alice's Watch"):
    return {"type": "sleep_analysis", "start": start, "end": end, "value": value, "uuid": uuid, "source": source}


def test_a_stage_is_reclassified_by_its_uuid_in_any_order(build):
    night = [stage(at(1, 23), at(2, 1), "core", A), stage(at(2, 1), at(2, 6), "deep", B)]
    for house in in_every_order(build, {"samples": night}, {"samples": [stage(at(2, 1), at(2, 6), "rem", B)]}):
        found = house.nights()["2026-03-02"]
        assert (found["core"], found["deep"], found["rem"]) == (120.0, 0.0, 300.0)


def test_a_deleted_stage_does_not_come_back_without_its_uuid(build):
    deep, core = stage(at(2, 1), at(2, 6), "deep", B), stage(at(1, 23), at(2, 1), "core", A)
    bare = {"samples": [stage(at(2, 1), at(2, 6), "deep")]}
    for house in in_every_order(build, {"samples": [deep, core]}, {"deleted": [B]}, bare):
        assert house.nights()["2026-03-02"]["asleep"] == 120.0


def test_metadata_that_only_python_thinks_equal_is_told_apart(house):
    said = [steps(at(1, hour), at(1, hour + 1), 10, metadata={"k": value}) for hour, value in enumerate([1, True, 1.0, "1"])]
    house.sync(samples=said)
    assert sorted(row[0] for row in house.rows("SELECT json FROM meta")) == ['{"k":"1"}', '{"k":1.0}', '{"k":1}', '{"k":true}']
