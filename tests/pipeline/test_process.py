"""Working chunks off: steps, retries, dead letters, and what is nobody's fault."""

import pytest
import test_import_files as files
from house import SECOND, at, steps
from prometheus_client import REGISTRY

from healthbox.domain.errors import DiskFull, Unavailable
from healthbox.pipeline import process
from healthbox.pipeline.repair import discard_dead, replay, replay_dead
from healthbox.store import ledger, receipts


def chunk(index, final=False, batch="sync", hour=None):
    hour = 9 + index if hour is None else hour
    return {"batch": batch, "index": index, "final": final, "samples": [steps(at(1, hour), at(1, hour, 30), 100 + index)]}


def chunks(house):
    return house.rows("SELECT idx, status, attempts FROM chunk ORDER BY batch_id, idx")


class Trouble:
    """Makes storing fail while ``error`` is set."""

    def __init__(self, monkeypatch):
        self.error = None
        store = process.Step.store

        def stumble(step, records):
            if self.error is not None:
                raise self.error
            store(step, records)

        monkeypatch.setattr(process.Step, "store", stumble)


@pytest.fixture
def trouble(monkeypatch):
    return Trouble(monkeypatch)


def test_a_failing_chunk_is_tried_after_30_90_and_270_seconds_and_then_dead(house, trouble):
    trouble.error = RuntimeError("boom")
    accepted = house.send(chunk(0, True), run=False)
    house.pump.run()
    for attempt, wait in enumerate((30, 90, 270), start=1):
        assert chunks(house) == [(0, "pending", attempt)]
        house.at += wait * SECOND - 1
        house.pump.run()
        assert chunks(house) == [(0, "pending", attempt)], "not a moment too early"
        house.at += 1
        house.pump.run()
    assert chunks(house) == [(0, "dead", 4)]
    assert house.receipt(accepted)["status"] == "failed"
    assert house.receipt(accepted)["errors"] == [{"chunk": 0, "error": "RuntimeError", "attempts": 4}], "no words that could hold a value"


def test_the_batch_goes_on_after_a_dead_chunk_and_a_replay_completes_it(house, trouble):
    accepted = house.send(chunk(0), run=False)
    trouble.error = RuntimeError("boom")
    for wait in (0, 30, 90, 270):
        house.at += wait * SECOND
        house.pump.run()
    trouble.error = None
    house.send(chunk(1, True))
    assert chunks(house) == [(0, "dead", 4), (1, "done", 0)]
    assert house.receipt(accepted)["status"] == "completed_with_errors"
    assert house.days("steps") == {"2026-03-01": 101.0}
    assert replay_dead(house.database, [house.rows("SELECT id FROM chunk WHERE status='dead'")[0][0]], house.at) == 1
    house.run()
    assert house.receipt(accepted)["status"] == "completed" and house.days("steps") == {"2026-03-01": 201.0}


def test_a_discarded_letter_leaves_a_batch_with_errors(house, trouble):
    trouble.error = RuntimeError("boom")
    accepted = house.send(chunk(0, True), run=False)
    for wait in (0, 30, 90, 270):
        house.at += wait * SECOND
        house.pump.run()
    discard_dead(house.database, [house.rows("SELECT id FROM chunk")[0][0]], house.at)
    assert chunks(house) == [(0, "discarded", 4)]
    assert house.receipt(accepted)["status"] != "completed"


def test_discarding_one_letter_does_not_close_a_batch_whose_other_chunk_waits(house, trouble):
    trouble.error = RuntimeError("boom")
    house.send(chunk(0), run=False)
    for wait in (0, 30, 90, 270):
        house.at += wait * SECOND
        house.pump.run()
    trouble.error = None
    accepted = house.send(chunk(1, True), run=False)
    discard_dead(house.database, [house.rows("SELECT id FROM chunk WHERE idx=0")[0][0]], house.at)
    house.run()
    assert house.receipt(accepted)["status"] == "completed_with_errors" and house.receipt(accepted)["timings"]["closed"]


def test_what_cannot_be_read_is_dead_at_once(house):
    house.send(chunk(0, True), run=False)
    with house.database.writing() as c:
        c.exec_driver_sql("UPDATE batch SET format='gone'")
    house.run()
    assert chunks(house) == [(0, "dead", 1)]


def test_giving_a_part_up_leaves_an_upload_open_that_has_another_to_read_and_times_a_closed_one_once(house, trouble):
    def timed():
        return REGISTRY.get_sample_value("healthbox_batch_seconds_count") or 0

    trouble.error = RuntimeError("boom")
    house.send(chunk(0), run=False)
    for wait in (0, 30, 90, 270):
        house.at += wait * SECOND
        house.pump.run()
    trouble.error = None
    accepted, before = house.send(chunk(1, True), run=False), timed()
    discard_dead(house.database, [house.rows("SELECT id FROM chunk WHERE idx=0")[0][0]], house.at)
    assert (house.receipt(accepted)["timings"]["closed"], timed()) == (None, before)
    house.run()
    assert (bool(house.receipt(accepted)["timings"]["closed"]), timed()) == (True, before + 1)
    with house.database.writing() as c:
        c.exec_driver_sql("UPDATE chunk SET status='dead' WHERE idx=1")
    discard_dead(house.database, [house.rows("SELECT id FROM chunk WHERE idx=1")[0][0]], house.at)
    assert (house.receipt(accepted)["status"], timed()) == ("failed", before + 1)


@pytest.mark.parametrize("error", [DiskFull("full"), Unavailable("busy")])
def test_a_full_disk_or_a_busy_database_burns_no_attempt(house, trouble, error):
    trouble.error = error
    accepted = house.send(chunk(0, True), run=False)
    for _ in range(10):
        house.pump.run()
        house.at += 6 * SECOND
    assert chunks(house) == [(0, "pending", 0)]
    trouble.error = None
    house.run()
    assert house.receipt(accepted)["status"] == "completed"


def test_a_claim_that_could_not_even_be_given_back_is_given_back_later_without_a_restart(house, trouble, monkeypatch):
    trouble.error = DiskFull("full")
    give_back = ledger.give_back

    def no_room(*_args, **_given):
        raise DiskFull("full")

    monkeypatch.setattr(ledger, "give_back", no_room)
    accepted = house.send(chunk(0, True), run=False)
    house.pump.run()
    assert chunks(house) == [(0, "running", 1)]
    trouble.error = None
    monkeypatch.setattr(ledger, "give_back", give_back)
    house.at += 10 * SECOND
    house.run()
    assert house.receipt(accepted)["status"] == "completed" and chunks(house) == [(0, "done", 0)]


def test_one_bad_record_never_fails_its_chunk(house):
    bad = [
        steps(at(1, 9), at(1, 10), "many"),
        steps(at(1, 10), at(1, 9), 5),
        steps("yesterday", at(1, 9), 5),
        steps(at(1, 9), at(1, 10), 5, unit="kg"),
        7,
    ]
    accepted = house.sync(samples=[*bad, steps(at(1, 9), at(1, 10), 500)])
    receipt = house.receipt(accepted)
    assert house.counts(accepted) == {"new": 1, "rejected": 5} and receipt["status"] == "completed_with_errors"
    assert [r["position"] for r in receipt["rejections"]] and all(r["reason"] for r in receipt["rejections"])


def test_a_body_of_several_steps_resumes_where_it_was(house):
    points = [
        {"type": "HKQuantityTypeIdentifierHeartRate", "value": 60 + n % 9, "unit": "count/min", "date_from": 1_772_000_000 + n,
         "date_to": 1_772_000_000 + n, "source": "Watch"} for n in range(4_500)
    ]  # fmt: skip
    accepted = house.ingest({"is_final_chunk": True, "data": points}, run=False)
    processor = process.Processor(house.database, house.settings.data)
    assert processor.step(house.at)
    assert house.rows("SELECT position, status, attempts FROM chunk") == [(2_000, "pending", 0)]
    again = process.Processor(house.database, house.settings.data)  # as after a crash: the reader is gone
    while again.step(house.at):
        pass
    assert house.counts(accepted) == {"new": 4_500}


def test_a_full_chunk_of_two_thousand_is_one_claim_and_one_transaction(house):
    moments = [at(1, 9, n // 60, n % 60) for n in range(2_000)]
    house.sync(samples=[steps(moment, moment, 1) for moment in moments], run=False)
    processor = process.Processor(house.database, house.settings.data)
    assert processor.step(house.at) and not processor.step(house.at)
    assert chunks(house) == [(0, "done", 0)]


def test_a_whole_batch_read_again_changes_nothing(house):
    accepted = house.send(chunk(0, True))
    before = house.all_days()
    assert replay(house.database, house.alice.id, accepted.batch, house.at) == 1
    house.run()
    assert house.counts(accepted) == {"duplicate": 1} and house.all_days() == before


def test_only_so_many_refused_records_are_kept_with_their_text_and_all_are_counted(house, monkeypatch):
    monkeypatch.setattr(receipts, "LISTED", 3)
    bad = [{"type": "steps", "start": "nonsense", "end": "nonsense", "value": 1, "unit": "count"} for _ in range(2_005)]
    found = house.receipt(house.sync(samples=bad))
    assert (found["records"]["rejected"], len(found["rejections"]), found["unlisted"]) == (2_005, 3, 2_002)
    assert found["cursor"] is None


def test_what_a_phone_sends_beside_an_import_is_folded_before_the_imports_own_days(house, tmp_path):
    accepted = files.take(house, files.export(tmp_path, files.history(30)), run=False)
    while not house.rows("SELECT 1 FROM dirty_day"):
        house.pump._processor.step(house.at)
    house.at += 5_000  # the import's own days are due by now
    house.sync(
        samples=[{"type": "weight", "start": "2026-03-19T08:00:00Z", "end": "2026-03-19T08:00:00Z", "value": 70, "unit": "kg"}], run=False
    )
    house.pump._processor.step(house.at)
    house.pump._folder.step(house.at)
    assert house.rows("SELECT metric, value FROM day") == [("weight", 70.0)]
    house.run()
    assert house.receipt(accepted)["status"] == "completed"
    assert not house.rows("SELECT 1 FROM dirty_day")


def test_after_a_restart_habits_are_computed_for_everybody(house):
    house.sync(samples=[{"type": "weight", "start": "2026-03-19T08:00:00Z", "end": "2026-03-19T08:00:00Z", "value": 70, "unit": "kg"}])
    before = house.rows("SELECT count(*) FROM arrival")
    assert before != [(0,)]
    with house.database.writing() as c:
        c.exec_driver_sql("DELETE FROM arrival")
    house.pump = house.new_pump()
    house.pump.boot()
    house.run()
    assert house.rows("SELECT count(*) FROM arrival") == before


@pytest.mark.parametrize("value", ["NaN", "1e999", "-Infinity"])
def test_a_word_that_only_looks_like_a_number_costs_its_record_alone(house, value):
    accepted = house.sync(samples=[steps(at(1, 8), at(1, 9), value), steps(at(1, 9), at(1, 10), 100)])
    assert house.counts(accepted) == {"new": 1, "rejected": 1}
    assert house.days("steps") == {"2026-03-01": 100.0}


def test_what_lies_outside_a_bound_that_stands_alone_is_refused_with_words(house):
    point = {"date": "2026-03-01 09:05:00 +0100", "qty": -1}
    accepted = house.ingest({"data": {"metrics": [{"name": "sexual_activity", "units": "count", "data": [point]}]}})
    assert house.counts(accepted) == {"rejected": 1}
    (reason,) = house.rows("SELECT reason FROM rejection")
    assert "0 to anything" in reason[0]
