"""Process: one claimed chunk, step by step, each step one transaction with its mark.

A reader stays open between the steps of a chunk so that batches can take turns without reading a body twice.
"""

import logging
import zlib
from pathlib import Path
from typing import NamedTuple

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.clock import ZoneHistory
from healthbox.domain.errors import DiskFull, Malformed, Problem, Unavailable
from healthbox.formats.contract import Envelope
from healthbox.formats.json_body import decode
from healthbox.formats.registry import discover, discover_files
from healthbox.pipeline import meters, supersede
from healthbox.pipeline.apart import WORTH, Apart
from healthbox.pipeline.close import close_batch
from healthbox.pipeline.readers import Here, Reader
from healthbox.pipeline.store_records import Step
from healthbox.store import days, ledger, people, receipts
from healthbox.store.engine import Database
from healthbox.store.ledger import SLICE, Claim

log = logging.getLogger("healthbox.process")
BACK_OFF_MS = 5_000
FILE_STEP = 12_000  # records of a file in one transaction: a phone that sends meanwhile waits for some 50 ms


class _Open(NamedTuple):
    """A reader between two steps and how many items it has given."""

    batch_id: int
    position: int
    reader: Reader


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
        self.reading = False  # whether the last step found only files whose next records are not here yet
        self.closed: set[int] = set()  # people whose batches were closed since somebody last took this set

    def step(self, now: int) -> bool:
        """Take the next due chunk one step further. False when none is due, or none but those still ``reading``."""
        if self._owed is not None:  # no room even to note it then
            owed, due_at = self._owed
            with self._database.working() as c:
                ledger.give_back(c, owed, due_at=due_at)
            self._owed = None
        waiting = {one.batch_id for one in self._open.values() if one.reader.waits}
        with self._database.working() as c:
            claim = ledger.claim(c, now, after=self._last, besides=waiting)
        self.reading = claim is None and bool(waiting)
        if claim is None:
            if not waiting:
                self.close()
            return False
        self._last = claim.batch_id
        try:
            with meters.CHUNK_SECONDS.time():
                self._apply(claim, now)
        except (DiskFull, Unavailable) as problem:
            self._shut(claim.chunk_id)
            log.warning("chunk waits", extra={"batch": claim.public, "chunk": claim.idx, "code": problem.code})
            self._owed = (claim, now + BACK_OFF_MS)
            with self._database.working() as c:
                ledger.give_back(c, claim, due_at=now + BACK_OFF_MS)
            self._owed = None
        except Exception as error:  # the edge of the loop: a chunk's failure is recorded, the batch goes on
            self._shut(claim.chunk_id)
            self._owed = (claim, now + BACK_OFF_MS)
            self._record_failure(claim, error, now)
            self._owed = None
        return True

    def _apply(self, claim: Claim, now: int) -> None:
        reader = self._reader(claim)
        if reader.waits:  # it has only begun
            with self._database.working() as c:
                ledger.give_back(c, claim, due_at=now)
            return
        items, done = reader.take(SLICE if reader.share is None else FILE_STEP)
        with self._database.working() as c:
            zones = ZoneHistory(people.zone_history(c, claim.person_id))
            step = Step(c, claim, self._plain, zones, now)
            step.store(items)
            if (file := self._files.get(claim.format)) is not None and file.whole:
                supersede.note(step, items, self._spool)
            position = claim.position + len(items)
            receipts.add_rejections(c, claim.batch_id, claim.idx, step.rejections)
            # what a phone sends beside a big import is looked at now; behind the import's own days it would wait for seconds
            live = done and reader.share is None and not days.others_wait(c, claim.person_id, claim.chunk_id)
            days.mark(c, claim.person_id, step.dirty, days.AT_ONCE if live else now)
            for source_id in step.sources.reclassed:
                days.mark_source(c, claim.person_id, source_id, now)
            ledger.advance(c, claim, position=position, done=done, counts=step.counts, now=now, share=reader.share)
            if done and ledger.is_complete(c, claim.batch_id):
                self.closed.add(close_batch(c, claim.batch_id, now))
        meters.count(step.counts)
        if done:
            self._shut(claim.chunk_id)
        else:
            self._open[claim.chunk_id] = _Open(claim.batch_id, position, reader)
        log.info("chunk step", extra={"batch": claim.public, "chunk": claim.idx, "position": position, **step.counts})

    def close(self) -> None:
        """Let go of every reader; what they have not given is read again."""
        for chunk_id in list(self._open):
            self._shut(chunk_id)

    def _shut(self, chunk_id: int) -> None:
        if (found := self._open.pop(chunk_id, None)) is not None:
            found.reader.close()

    def _reader(self, claim: Claim) -> Reader:
        """The reader that stands where the chunk does; a new one skips what is stored."""
        found = self._open.get(claim.chunk_id)
        if found is None or found.position != claim.position:
            self._shut(claim.chunk_id)
            found = _Open(claim.batch_id, claim.position, self._new_reader(claim))
            self._open[claim.chunk_id] = found
        return found.reader

    def _new_reader(self, claim: Claim) -> Reader:
        envelope = Envelope(zone=claim.zone, accepted_at=claim.accepted_at, headers=claim.headers)
        if (form := self._formats.get(claim.format)) is not None:
            reader = Here(iter(form.records(decode(self._body(claim)), envelope)))
        elif (file := self._files.get(claim.format)) is not None:
            path = self._file(claim)
            if path.stat().st_size >= WORTH:
                return Apart(file, path, envelope, claim.position)
            reader = Here.file(file, path, envelope)
        else:
            raise Malformed(f"No format called {claim.format} is installed any more.", hint="Update healthbox, then replay the upload.")
        reader.skip(claim.position)
        return reader

    def _file(self, claim: Claim) -> Path:
        with self._database.reading() as c:
            _, spool = ledger.body_of(c, claim.chunk_id)
        if spool is None or not (self._spool / spool).is_file():
            raise Malformed("The file of this upload is gone.", hint="Send it again.")
        return self._spool / spool

    def _body(self, claim: Claim) -> bytes:
        with self._database.reading() as c:
            body, spool = ledger.body_of(c, claim.chunk_id)
        if body is None and spool is not None and (self._spool / spool).is_file():
            body = (self._spool / spool).read_bytes()
        if body is None:
            raise Malformed("The body of this chunk is gone.", hint="Send it again.")
        return zlib.decompress(body)

    def _record_failure(self, claim: Claim, error: Exception, now: int) -> None:
        permanent = isinstance(error, Problem) and error.permanent
        words = error.message if isinstance(error, Problem) else type(error).__name__
        with self._database.working() as c:
            status = ledger.fail(c, claim, error=words[:300], permanent=permanent, now=now)
        meters.CHUNK_FAILURES.labels(status).inc()
        log.error(
            "chunk failed",
            extra={"batch": claim.public, "chunk": claim.idx, "attempt": claim.attempts, "error": words, "now": status},
            exc_info=error if not permanent else None,
        )
