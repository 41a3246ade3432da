"""Following an upload from the terminal, until its records are stored and its days are counted."""

import sys

from healthbox.cli import words, work
from healthbox.cli.meter import Meter
from healthbox.config import Settings
from healthbox.store import ledger, receipts
from healthbox.store.engine import Database


def follow(database: Database, given: Settings, person_id: int, public: str, total: int = 0, meter: Meter | None = None) -> None:
    """Show how far an upload of this person is, working on it where no server does. ``total``: how many records are in it, if known.
    ``meter``: one that has shown something already.

    Ctrl-C ends the process (130); the upload is kept and goes on from where it was."""
    meter = meter or Meter(sys.stderr)

    def done() -> bool:
        with database.reading() as c:
            found = receipts.receipt(c, person_id, public, limit=1)
            batch = ledger.by_public(c, public)
        share = found["share"]
        meter.reading(found["read"], min(found["read"] / total, 1.0) if share is None and total else share)
        counted_out = batch is not None and batch.final is None  # a part of a sync whose end is in another file
        return not found["chunks"]["pending"] + found["chunks"]["running"] and (counted_out or found["timings"]["closed"] is not None)

    try:
        with work.working(database, given) as own:
            work.wait(given, own, done)
            meter.read()
            work.wait_for_days(database, given, own, person_id, meter.counting)
            meter.counted()
    except KeyboardInterrupt:
        hint = f"healthbox batches {public} --watch"
        words.note(f"\nStopped waiting. It is kept and goes on with the server or the next command: {hint}")
        sys.exit(130)
