"""The client's bookmark moves only past what is stored, only forward, and never past something that may yet be lost."""

from house import HOUR, SECOND, at, steps

from healthbox.pipeline import process
from healthbox.pipeline.repair import discard_dead, replay_dead
from healthbox.store import anchors


def chunk(batch, index, final=False, anchor=None, metric="steps", hour=9):
    samples = [steps(at(1, hour, index), at(1, hour, index + 1), 10)]
    return {"batch": batch, "index": index, "final": final, "anchor": anchor, "metric": metric, "samples": samples}


def fail(monkeypatch, *batches):
    """Storing fails for the batches with these ids."""
    store = process.Step.store

    def stumble(step, records):
        if step.claim.batch_id in failing:
            raise RuntimeError("boom")
        store(step, records)

    failing = set(batches)
    monkeypatch.setattr(process.Step, "store", stumble)
    return failing


def exhaust(house):
    house.run()
    for wait in (30, 90, 270):
        house.at += wait * SECOND
        house.run()


def dead(house):
    return [row[0] for row in house.rows("SELECT id FROM chunk WHERE status='dead'")]


def test_a_complete_batch_moves_the_anchor_of_its_metric(house):
    house.send(chunk("a", 0, True, "one"))
    house.send(chunk("b", 0, True, "everything", metric=None, hour=10))
    assert house.anchors() == {"steps": "one", "*": "everything"}


def test_no_anchor_moves_before_every_chunk_is_there_and_done(house):
    house.send(chunk("a", 2, True, "one"))
    house.send(chunk("a", 0, False, "one"))
    assert house.anchors() == {}
    house.send(chunk("a", 1, False, "one"))
    assert house.anchors() == {"steps": "one"}


def test_chunks_out_of_order_are_worked_off_and_a_gap_holds_nobody(house):
    accepted = house.send(chunk("a", 2, True, "one"))
    assert house.rows("SELECT idx, status FROM chunk") == [(2, "done")]
    assert house.receipt(accepted)["status"] == "processing" and house.days("steps") == {"2026-03-01": 10.0}


def test_an_empty_sync_leaves_the_anchor_unmoved(house):
    house.send(chunk("a", 0, True, "one"))
    house.send({"batch": "b", "index": 0, "final": True, "anchor": "two", "metric": "steps", "samples": []})
    assert house.anchors() == {"steps": "one"}


def test_a_silent_batch_is_closed_after_six_hours_naming_what_is_missing(house):
    accepted = house.send(chunk("a", 0, False, "one"))
    house.send(chunk("a", 3, True, "one"))
    house.at += 6 * HOUR - 10 * SECOND
    house.run()
    assert house.receipt(accepted)["status"] == "processing"
    house.at += 20 * SECOND
    house.run()
    receipt = house.receipt(accepted)
    assert receipt["status"] == "completed_with_errors" and receipt["unfinished"] == {"missing": [1, 2], "final_seen": True}
    assert house.anchors() == {}


def test_a_late_chunk_reopens_its_batch_and_completes_it(house):
    accepted = house.send(chunk("a", 0, False, "one"))
    house.at += 7 * HOUR
    house.run()
    assert house.receipt(accepted)["unfinished"] == {"missing": [], "final_seen": False}
    house.send(chunk("a", 1, True, "one"))
    receipt = house.receipt(accepted)
    assert (receipt["status"], receipt["unfinished"]) == ("completed", None) and house.anchors() == {"steps": "one"}


def test_an_anchor_only_moves_forward_in_accept_order(house):
    house.send(chunk("a", 0, False, "one"))
    house.send(chunk("b", 0, True, "two", hour=10))
    assert house.anchors() == {"steps": "two"}
    house.send(chunk("a", 1, True, "one"))
    assert house.anchors() == {"steps": "two"}, "the older batch ends later"


def test_an_anchor_waits_behind_an_earlier_dead_chunk_until_it_is_replayed(house, monkeypatch):
    failing = fail(monkeypatch, 1)
    house.send(chunk("a", 0, True, "one"), run=False)
    house.send(chunk("b", 0, True, "two", hour=10), run=False)
    exhaust(house)
    assert len(dead(house)) == 1 and house.anchors() == {}
    failing.clear()
    replay_dead(house.database, dead(house), house.at)
    house.run()
    assert house.anchors() == {"steps": "two"}


def test_an_anchor_waits_while_an_earlier_chunk_may_still_die(house, monkeypatch):
    fail(monkeypatch, 1)
    house.send(chunk("a", 0, True, "one"), run=False)
    house.send(chunk("b", 0, True, "two", hour=10))
    assert house.rows("SELECT status FROM chunk ORDER BY id") == [("pending",), ("done",)]
    assert house.anchors() == {}


def test_a_discarded_letter_lets_the_later_anchors_go(house, monkeypatch):
    fail(monkeypatch, 1)
    house.send(chunk("a", 0, True, "one"), run=False)
    house.send(chunk("b", 0, True, "two", hour=10), run=False)
    exhaust(house)
    discard_dead(house.database, dead(house), house.at)
    assert house.anchors() == {"steps": "two"}


def test_a_dead_chunk_of_another_metric_holds_nothing_back(house, monkeypatch):
    fail(monkeypatch, 1)
    house.send(chunk("a", 0, True, "one", metric="heart_rate"), run=False)
    house.send(chunk("b", 0, True, "two", hour=10), run=False)
    exhaust(house)
    assert house.anchors() == {"steps": "two"}


def test_where_there_is_no_anchor_the_state_says_since_when_to_send(house):
    with house.database.reading() as c:
        state = anchors.state(c, house.phone.id, house.at)
    assert state["anchors"] == {} and state["since"] == house.at - 30 * 24 * HOUR and state["epoch"]
