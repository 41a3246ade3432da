"""Process: one claimed chunk, step by step, each step one transaction with its mark.

A reader stays open between the steps of a chunk so that batches can take turns without reading a body twice.
"""

import logging
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.clock import ZoneHistory
from healthbox.domain.errors import DiskFull, Malformed, Problem, Unavailable
from healthbox.domain.records import Record, SampleBlock
from healthbox.formats.contract import Envelope
from healthbox.formats.json_body import decode
from healthbox.formats.registry import discover, discover_files
from healthbox.pipeline import meters
from healthbox.pipeline.close import close_batch
from healthbox.pipeline.store_records import Step
from healthbox.store import days, ledger, people, receipts
from healthbox.store.engine import Database
from healthbox.store.ledger import SLICE, Claim

log = logging.getLogger("healthbox.process")
BACK_OFF_MS = 5_000

Item = Record | SampleBlock


class _Reader:
    """The items of one body; ``share`` is how far a file is read, None for what is not a file."""

    def __init__(self) -> None:
        self.items: Iterator[Item] = iter(())
        self.share: float | None = None

    def tell(self, share: float) -> None:
        self.share = share


class _Open(NamedTuple):
    """A reader between two steps: how many items it has given, and the next one, already read."""

    position: int
    ahead: Item
    reader: "_Reader"


class Processor:
    """Works off chunks of any batch; not for several threads at once."""

    def __init__(self, database: Database, data: Path) -> None:
        self._database = database
        self._spool = data / "spool"
        self._formats, self._files = discover(), discover_files()
        self._plain = Catalogue.load()
        self._open: dict[int, _Open] = {}
        self._last = 0
        self._owed: tuple[Claim, int] | None = None  # a claim that the full disk did not let us give back
        self.closed: set[int] = set()  # people whose batches were closed since somebody last took this set

    def step(self, now: int) -> bool:
        """Take the next due chunk one step further. False when none is due."""
        if self._owed is not None:  # no room even to note it then
            owed, due_at = self._owed
            with self._database.writing() as c:
                ledger.give_back(c, owed, due_at=due_at)
            self._owed = None
        with self._database.writing() as c:
            claim = ledger.claim(c, now, after=self._last)
        if claim is None:
            self._open.clear()
            return False
        self._last = claim.batch_id
        try:
            with meters.CHUNK_SECONDS.time():
                self._apply(claim, now)
        except (DiskFull, Unavailable) as problem:
            self._open.pop(claim.chunk_id, None)
            log.warning("chunk waits", extra={"batch": claim.public, "chunk": claim.idx, "code": problem.code})
            self._owed = (claim, now + BACK_OFF_MS)
            with self._database.writing() as c:
                ledger.give_back(c, claim, due_at=now + BACK_OFF_MS)
            self._owed = None
        except Exception as error:  # the edge of the loop: a chunk's failure is recorded, the batch goes on
            self._open.pop(claim.chunk_id, None)
            self._owed = (claim, now + BACK_OFF_MS)
            self._record_failure(claim, error, now)
            self._owed = None
        return True

    def _apply(self, claim: Claim, now: int) -> None:
        ahead, reader = self._reader(claim)
        items: list[Item] = []
        weight = 0
        while ahead is not None and weight < SLICE:
            items.append(ahead)
            weight += len(ahead.rows) if isinstance(ahead, SampleBlock) else 1
            ahead = next(reader.items, None)  # one ahead, so that a full chunk is done in one step too
        done = ahead is None
        with self._database.writing() as c:
            zones = ZoneHistory(people.zone_history(c, claim.person_id))
            step = Step(c, claim, self._plain, zones, now)
            step.store(items)
            position = claim.position + len(items)
            receipts.add_rejections(c, claim.batch_id, claim.idx, step.rejections)
            days.mark(c, claim.person_id, step.dirty, now)
            for source_id in step.sources.reclassed:
                days.mark_source(c, claim.person_id, source_id, now)
            ledger.advance(c, claim, position=position, done=done, counts=step.counts, now=now, share=reader.share)
            if done and ledger.is_complete(c, claim.batch_id):
                self.closed.add(close_batch(c, claim.batch_id, now))
        meters.count(step.counts)
        if ahead is None:
            self._open.pop(claim.chunk_id, None)
        else:
            self._open[claim.chunk_id] = _Open(position, ahead, reader)
        log.info("chunk step", extra={"batch": claim.public, "chunk": claim.idx, "position": position, **step.counts})

    def _reader(self, claim: Claim) -> tuple[Item | None, _Reader]:
        """The next item of the chunk and the reader behind it; a reader that is not open yet skips what is stored."""
        found = self._open.pop(claim.chunk_id, None)
        if found is not None and found.position == claim.position:
            return found.ahead, found.reader
        reader = _Reader()
        reader.items = self._items(claim, reader)
        for _ in islice(reader.items, claim.position):
            pass
        return next(reader.items, None), reader

    def _items(self, claim: Claim, reader: _Reader) -> Iterator[Item]:
        envelope = Envelope(zone=claim.zone, accepted_at=claim.accepted_at, headers=claim.headers)
        if (form := self._formats.get(claim.format)) is not None:
            return iter(form.records(decode(self._body(claim)), envelope))
        if (file := self._files.get(claim.format)) is not None:
            reader.share = 0.0
            return file.records(self._file(claim), envelope, reader.tell)
        raise Malformed(f"No format called {claim.format} is installed any more.", hint="Update healthbox, then replay the upload.")

    def _file(self, claim: Claim) -> Path:
        with self._database.reading() as c:
            _, spool = ledger.body_of(c, claim.chunk_id)
        if spool is None or not (self._spool / spool).is_file():
            raise Malformed("The file of this upload is gone.", hint="Send it again.")
        return self._spool / spool

    def _body(self, claim: Claim) -> bytes:
        with self._database.reading() as c:
            body, spool = ledger.body_of(c, claim.chunk_id)
        if body is None and spool is not None:
            body = (self._spool / spool).read_bytes()
        if body is None:
            raise Malformed("The body of this chunk is gone.", hint="Send it again.")
        return zlib.decompress(body)

    def _record_failure(self, claim: Claim, error: Exception, now: int) -> None:
        permanent = isinstance(error, Problem) and error.permanent
        words = error.message if isinstance(error, Problem) else type(error).__name__
        with self._database.writing() as c:
            status = ledger.fail(c, claim, error=words[:300], permanent=permanent, now=now)
        meters.CHUNK_FAILURES.labels(status).inc()
        log.error(
            "chunk failed",
            extra={"batch": claim.public, "chunk": claim.idx, "attempt": claim.attempts, "error": words, "now": status},
            exc_info=error if not permanent else None,
        )
