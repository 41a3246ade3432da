"""Who is worked off when: strictly one after another inside a batch, batches in turns."""

from house import SECOND, at, steps

from healthbox.pipeline import process
from healthbox.store import days


def chunk(batch, index, final=False):
    return {"batch": batch, "index": index, "final": final, "samples": [steps(at(1, 9, index), at(1, 9, index + 1), 10)]}


def watched(monkeypatch):
    """The (batch id, index) of every step, in order."""
    seen = []
    store = process.Step.store

    def look(step, records):
        seen.append((step.claim.batch_id, step.claim.idx))
        if (step.claim.batch_id, step.claim.idx) in look.failing:
            raise RuntimeError("boom")
        store(step, records)

    look.failing = set()
    monkeypatch.setattr(process.Step, "store", look)
    return seen, look.failing


def test_the_chunks_of_a_batch_go_by_index_whatever_came_first(house, monkeypatch):
    seen, _ = watched(monkeypatch)
    for index in (2, 0, 1):
        house.send(chunk("a", index, index == 2), run=False)
    house.run()
    assert seen == [(1, 0), (1, 1), (1, 2)]


def test_a_chunk_that_waits_for_its_next_attempt_holds_the_later_ones_of_its_batch_only(house, monkeypatch):
    seen, failing = watched(monkeypatch)
    failing.add((1, 0))
    for batch in ("a", "b"):
        for index in (0, 1):
            house.send(chunk(batch, index, index == 1), run=False)
    house.pump.run()
    assert seen == [(1, 0), (2, 0), (2, 1)]
    failing.clear()
    house.at += 31 * SECOND
    house.pump.run()
    assert seen[3:] == [(1, 0), (1, 1)]


def test_a_big_import_never_starves_a_live_sync(house, monkeypatch):
    seen, _ = watched(monkeypatch)
    points = [
        {"type": "HKQuantityTypeIdentifierHeartRate", "value": 60 + n % 9, "unit": "count/min", "date_from": 1_772_000_000 + n,
         "date_to": 1_772_000_000 + n, "source": "Watch"} for n in range(9_000)
    ]  # fmt: skip
    house.ingest({"is_final_chunk": True, "data": points}, run=False)
    for index in (0, 1):
        house.send(chunk("live", index, index == 1), run=False)
    house.pump.run()
    assert seen[:4] == [(1, 0), (2, 0), (1, 0), (2, 1)] and seen.count((1, 0)) == 5


def test_days_are_folded_two_seconds_after_the_first_mark_while_chunks_still_come(house):
    for index in (0, 1):
        house.send(chunk("a", index), run=False)
    processor = process.Processor(house.database, house.settings.data)
    assert processor.step(house.at)
    folder = house.pump._folder
    assert not folder.step(house.at), "the queue is not idle and the mark is young"
    house.at += 2 * SECOND
    assert folder.step(house.at) and house.days("steps") == {"2026-03-01": 10.0}


def test_a_mark_made_while_a_fold_runs_survives_it(house, monkeypatch):
    house.send(chunk("a", 0))
    put = days.put_days

    def late(c, person_id, rows, absent, done):
        days.mark(c, person_id, [(mark.metric, mark.date) for mark in done], house.at)
        return put(c, person_id, rows, absent, done)

    house.send(chunk("a", 1, True), run=False)
    processor = process.Processor(house.database, house.settings.data)
    while processor.step(house.at):
        pass
    monkeypatch.setattr(days, "put_days", late)
    assert house.pump._folder.step(house.at)
    assert house.rows("SELECT count(*) FROM dirty_day") == [(1,)]
