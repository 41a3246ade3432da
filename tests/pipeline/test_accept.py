"""The door: what is accepted is on disk, the same again gives the same answer, other content under one index is a conflict."""

import json

import msgspec
import pytest
from house import MINUTE, at, steps

from healthbox.domain.errors import Conflict, Invalid, TooLarge, Unavailable
from healthbox.pipeline import accept
from healthbox.pipeline.accept import Door
from healthbox.store import devices


def chunk(index, final=False, batch="sync", value=100, **more):
    return {"batch": batch, "index": index, "final": final, "samples": [steps(at(1, 9 + index), at(1, 10 + index), value)], **more}


def test_an_accepted_body_is_durable_and_rings(house):
    accepted = house.send(chunk(0, True), run=False)
    assert (accepted.status, accepted.chunk, accepted.again, house.rings) == ("pending", 0, False, 1)
    assert house.rows("SELECT status, position FROM chunk") == [("pending", 0)]
    assert house.samples("steps") == []


def test_the_same_chunk_again_gives_the_same_answer(house):
    first, again = house.send(chunk(0, True)), house.send(chunk(0, True))
    assert (again.batch, again.chunk, again.again, again.status) == (first.batch, 0, True, "completed")
    assert house.rows("SELECT count(*) FROM chunk") == [(1,)]


def test_other_content_for_the_same_index_is_a_conflict(house):
    house.send(chunk(0))
    with pytest.raises(Conflict):
        house.send(chunk(0, value=101))


def test_a_chunk_after_the_final_one_is_a_conflict(house):
    house.send(chunk(1, True))
    with pytest.raises(Conflict):
        house.send(chunk(2))


def test_another_device_may_use_the_same_batch_name(house):
    with house.database.writing() as c:
        tablet, _ = devices.add_device(c, house.alice.id, "Alice's tablet", ["ingest"], house.at)
    first, other = house.send(chunk(0, True)), house.send(chunk(0, True, value=300), device=tablet)
    assert first.batch != other.batch


@pytest.mark.parametrize("wrong", [{"index": -1}, {"index": "0"}, {"index": True}, {"batch": ""}, {"batch": 7}, {"anchor": 5}])
def test_a_wrong_count_is_refused_with_words(house, wrong):
    with pytest.raises(Invalid):
        house.send({**chunk(0), **wrong})
    assert house.rows("SELECT count(*) FROM chunk") == [(0,)]


def test_a_big_body_is_a_file_until_it_is_worked_off_and_a_small_one_stands_in_the_ledger(house):
    samples = [steps(at(1, 9, n // 60, n % 60), at(1, 9, n // 60, n % 60), n, metadata={"note": f"{n} " * 60}) for n in range(3000)]
    accepted = house.send({"batch": "big", "index": 0, "final": True, "samples": samples}, run=False)
    ((body, spool, size),) = house.rows("SELECT body, spool, size FROM chunk")
    assert body is None and size > 1_000_000 and (house.settings.data / "spool" / spool).is_file()
    house.run()
    assert house.counts(accepted)["new"] == 3000


def big():
    return {**chunk(0, True), "samples": [steps(at(1, 9), at(1, 10), n, metadata={"note": "x" * 90}) for n in range(5000)]}


def test_a_big_body_that_is_held_already_is_not_written_again(house):
    first = house.send(big(), run=False)
    lying = set((house.settings.data / "spool").iterdir())
    assert len(lying) == 1
    again = house.send(big(), run=False)
    assert (again.batch, again.again) == (first.batch, True)
    with pytest.raises(Conflict):
        house.send({**big(), "anchor": "another"}, run=False)
    assert set((house.settings.data / "spool").iterdir()) == lying
    assert house.rows("SELECT again FROM chunk") == [(1,)]


def test_a_big_body_whose_upload_is_removed_meanwhile_is_asked_for_again(house, monkeypatch):
    house.send(big(), run=False)
    real, calls = accept._standing, []

    def standing(*given):
        calls.append(given)
        return real(*given) if len(calls) == 1 else (None, None)

    monkeypatch.setattr(accept, "_standing", standing)
    with pytest.raises(Unavailable):
        house.send(big(), run=False)
    assert house.rows("SELECT count(*) FROM chunk") == [(1,)]


def test_too_large_a_body_is_refused_before_it_is_read(build, tmp_path):
    house = build()
    door = Door(house.database, msgspec.structs.replace(house.settings, max_json_bytes=1024), lambda: None)
    with pytest.raises(TooLarge):
        door.sync(house.phone, b"[" + b" " * 2000, house.at)


# -- the plain chunk: no batch, no index --------------------------------------------------------------------------------


def plain(value, final=False, anchor="anchor-1", kind="HKQuantityTypeIdentifierStepCount", hour=9):
    point = {
        "uuid": None,
        "type": kind,
        "value": value,
        "unit": "count",
        "date_from": at(1, hour),
        "date_to": at(1, hour + 1),
        "source": "Phone",
    }
    return {"anchor_token": anchor, "is_final_chunk": final, "data": [point]}


def test_plain_chunks_of_one_token_and_type_are_one_batch_in_order(house):
    parts = [house.send(plain(n, n == 2, hour=9 + n)) for n in range(3)]
    assert len({part.batch for part in parts}) == 1 and [part.chunk for part in parts] == [0, 1, 2]
    assert house.receipt(parts[0])["status"] == "completed"
    assert house.anchors() == {"HKQuantityTypeIdentifierStepCount": "anchor-1"}


def test_a_plain_chunk_sent_again_is_known_by_its_content(house):
    first = house.send(plain(1))
    again = house.send(plain(1))
    assert (again.batch, again.chunk, again.again) == (first.batch, first.chunk, True)


def test_another_type_under_one_token_is_another_batch(house):
    first, second = house.send(plain(1)), house.send(plain(60, kind="HKQuantityTypeIdentifierHeartRate"))
    assert first.batch != second.batch


def test_an_empty_final_chunk_ends_the_open_batch_of_its_token(house):
    first = house.send(plain(1))
    last = house.send({"anchor_token": "anchor-1", "is_final_chunk": True, "data": []})
    assert last.batch == first.batch and house.receipt(first)["status"] == "completed"


# -- nothing new --------------------------------------------------------------------------------------------------------


def test_an_empty_sync_is_a_success_that_moves_the_last_contact(house):
    accepted = house.send({"batch": "quiet", "index": 0, "final": True, "samples": [], "anchor": "x", "metric": "steps"})
    receipt = house.receipt(accepted)
    assert receipt["status"] == "completed" and set(receipt["records"].values()) == {0}
    contact = house.rows("SELECT last_contact_at FROM device")[0][0]
    house.at += 5 * MINUTE
    house.send({"batch": "quiet", "index": 0, "final": True, "samples": [], "anchor": "x", "metric": "steps"})
    assert house.rows("SELECT last_contact_at FROM device")[0][0] > contact + 4 * MINUTE, "a resend is a contact too"


def test_as_of_is_when_this_very_body_first_came(house):
    body = {"is_final_chunk": True, "data": plain(1)["data"]}
    first = house.at
    house.ingest(body)
    house.at += 10 * MINUTE
    house.ingest(body)
    assert house.rows("SELECT as_of FROM chunk") == [(first,), (first,)]


def test_a_body_that_no_format_knows_is_refused_with_what_was_looked_for(house):
    with pytest.raises(Invalid) as refused:
        house.ingest({"hello": "world"})
    assert refused.value.hint or refused.value.message
    assert json.dumps(house.rows("SELECT count(*) FROM batch")) == "[[0]]"
