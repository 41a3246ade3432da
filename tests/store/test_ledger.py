"""The ledger by itself: claims, turns, failures, closing. Times in ms; one person, one device."""

import pytest

from healthbox.store import devices, ledger, people, repairs

NOW = 1_000_000_000_000


@pytest.fixture
def book(database):
    with database.writing() as c:
        alice = people.add_person(c, "Alice", "Europe/Berlin", NOW)
        phone, _ = devices.add_device(c, alice.id, "Phone", ["ingest"], NOW)
    return Book(database, alice.id, phone.id)


class Book:
    def __init__(self, database, person_id, device_id):
        self.database, self.person_id, self.device_id = database, person_id, device_id

    def batch(self, client=None, anchor=None, metric=None):
        with self.database.writing() as c:
            return ledger.add_batch(
                c, person_id=self.person_id, device_id=self.device_id, client=client, format="native-sync", headers={}, zone="UTC",
                anchor=anchor, metric=metric, now=NOW,
            )  # fmt: skip

    def chunk(self, batch, idx, final=False, now=NOW, sha=None):
        with self.database.writing() as c:
            ledger.add_chunk(
                c, batch, idx, sha=sha or bytes([batch.id, idx]), body=b"x", spool=None, size=1, final=final, anchor=None, now=now
            )

    def claim(self, now=NOW, after=0):
        with self.database.writing() as c:
            return ledger.claim(c, now, after=after)

    def do(self, act, *args, **given):
        with self.database.writing() as c:
            return act(c, *args, **given)

    def statuses(self):
        with self.database.reading() as c:
            return [tuple(row) for row in c.exec_driver_sql("SELECT batch_id, idx, status, attempts FROM chunk ORDER BY 1, 2")]

    def done(self, claim, now=NOW):
        self.do(ledger.advance, claim, position=1, done=True, counts={"new": 1}, now=now)


def test_a_claim_is_taken_once_and_counts_its_attempt_first(book):
    book.chunk(book.batch(), 0)
    assert book.claim().attempts == 1
    assert book.claim() is None and book.statuses() == [(1, 0, "running", 1)]


def test_an_earlier_open_chunk_holds_the_later_ones_of_its_batch_only(book):
    first, second = book.batch("a"), book.batch("b")
    for batch in (first, second):
        book.chunk(batch, 0)
        book.chunk(batch, 1)
    claims = [book.claim(), book.claim(), book.claim()]
    assert [(c.batch_id, c.idx) for c in claims if c] == [(1, 0), (2, 0)]
    book.done(claims[0])
    assert (book.claim().batch_id, book.statuses()[0][2]) == (1, "done")


def test_batches_take_turns(book):
    for name in "abc":
        batch = book.batch(name)
        book.chunk(batch, 0)
    assert [book.claim(after=after).batch_id for after in (1, 2, 3)] == [2, 3, 1]


def test_a_chunk_is_not_claimed_before_it_is_due(book):
    book.chunk(book.batch(), 0, now=NOW + 5)
    assert book.claim(NOW + 4) is None and book.claim(NOW + 5) is not None


def test_failures_wait_30_90_270_seconds_and_then_are_dead(book):
    book.chunk(book.batch(), 0)
    now, waits = NOW, []
    while (claim := book.claim(now)) is not None:
        outcome = book.do(ledger.fail, claim, error="boom", permanent=False, now=now)
        with book.database.reading() as c:
            due = ledger.next_due(c)
        waits.append((outcome, None if due is None else (due - now) // 1000))
        now = due or now
    assert waits == [("pending", 30), ("pending", 90), ("pending", 270), ("dead", None)]


def test_a_permanent_failure_is_dead_at_once(book):
    book.chunk(book.batch(), 0)
    assert book.do(ledger.fail, book.claim(), error="unreadable", permanent=True, now=NOW) == "dead"


def test_progress_resets_the_attempts_and_giving_back_burns_none(book):
    book.chunk(book.batch(), 0)
    book.do(ledger.fail, book.claim(), error="boom", permanent=False, now=NOW)
    claim = book.claim(NOW + 30_000)
    book.do(ledger.give_back, claim, due_at=NOW + 40_000)
    assert book.statuses() == [(1, 0, "pending", 1)]
    claim = book.claim(NOW + 40_000)
    book.do(ledger.advance, claim, position=2_000, done=False, counts={}, now=NOW)
    assert book.statuses() == [(1, 0, "pending", 0)]
    assert book.claim(NOW + 40_000).position == 2_000


def test_what_took_the_process_along_four_times_is_buried_at_boot(book):
    book.chunk(book.batch(), 0)
    for boot in range(5):
        book.do(ledger.reset_running)
        buried = book.do(ledger.bury_exhausted, NOW)
        assert buried == (boot == 4)
        assert (book.claim() is None) == (boot == 4)
    assert book.statuses() == [(1, 0, "dead", 4)]


def test_a_batch_is_complete_when_0_to_final_are_all_terminal(book):
    batch = book.batch("a")
    book.chunk(batch, 2, final=True)
    book.chunk(batch, 0)
    for _ in range(2):
        book.done(book.claim())
    assert book.do(ledger.closable, NOW) == []
    book.chunk(batch, 1)
    assert book.do(ledger.close, batch.id, NOW) != "completed", "not while a chunk is open"
    book.done(book.claim())
    assert book.do(ledger.closable, NOW) == [batch.id]
    assert book.do(ledger.close, batch.id, NOW) == "completed"


def test_a_silent_batch_may_close_after_six_hours(book):
    batch = book.batch("a")
    book.chunk(batch, 0)
    book.done(book.claim())
    assert book.do(ledger.closable, NOW + 6 * 3_600_000) == []
    assert book.do(ledger.closable, NOW + 6 * 3_600_000 + 1) == [batch.id]


def test_as_of_is_the_first_time_the_person_sent_this_very_body(book):
    book.chunk(book.batch(), 0, now=NOW, sha=b"same")
    book.chunk(book.batch(), 0, now=NOW + 9_000, sha=b"same")
    book.chunk(book.batch(), 0, now=NOW + 9_000, sha=b"other")
    assert [book.claim(NOW + 9_000).as_of - NOW for _ in range(3)] == [0, 0, 9_000]


def test_the_parts_of_one_batch_are_as_old_as_its_first(book):
    batch = book.batch("a")
    book.chunk(batch, 1, now=NOW)
    book.chunk(batch, 0, now=NOW + 5_000)
    claim = book.claim(NOW + 5_000)
    assert (claim.idx, claim.as_of, claim.batch_as_of) == (0, NOW + 5_000, NOW)


def test_revived_and_restarted_chunks_are_due_again_and_discarded_ones_are_not(book):
    batch = book.batch("a")
    for idx in range(3):
        book.chunk(batch, idx, final=idx == 2)
        book.do(ledger.fail, book.claim(), error="unreadable", permanent=True, now=NOW)
    assert book.do(ledger.close, batch.id, NOW) == "failed"
    assert book.do(repairs.revive, [1], NOW) == 1
    assert book.do(repairs.discard, [2], NOW) == [batch.id]
    assert [status for _, _, status, _ in book.statuses()] == ["pending", "discarded", "dead"]
    book.do(repairs.restart, batch.id, [3], NOW)
    assert [status for _, _, status, _ in book.statuses()] == ["pending", "discarded", "pending"]


def test_the_open_batch_of_a_token_is_found_without_walking_the_device_s_history(book):
    given = (book.device_id, "token", "steps", "steps")
    with book.database.reading() as c:
        plan = [row[3] for row in c.exec_driver_sql("EXPLAIN QUERY PLAN " + ledger._NEWEST, given).fetchall()]
    assert plan == ["SEARCH batch USING INDEX batch_unnamed (device_id=? AND anchor=?)"]


def test_the_open_batch_is_the_newest_unfinished_one_of_its_token_and_type(book):
    first, second = book.batch(anchor="token", metric="steps"), book.batch(anchor="token", metric="weight")
    book.batch("named", anchor="token", metric="steps")
    book.batch(anchor="other", metric="steps")
    assert book.do(ledger.open_batch, book.device_id, "token", "steps") == first
    assert book.do(ledger.open_batch, book.device_id, "token", None) == second
    book.chunk(second, 0, final=True)
    assert book.do(ledger.open_batch, book.device_id, "token", None) == first
    book.do(ledger.close, first.id, NOW)
    assert book.do(ledger.open_batch, book.device_id, "token", "steps") is None
