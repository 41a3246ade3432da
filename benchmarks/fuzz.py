"""Every parser against damaged bodies and files: ``python benchmarks/fuzz.py --seconds 600 [--seed N] [--only PARSER ...]``.

The corpus and the damage are those of tests/formats (seeds.py, fuzzing.py); a case is made from the seed, the parser's name and its
number alone. Parsers take turns in child processes. A case fails when a reader raises anything but a ``Problem``, gives what cannot
be stored, takes more than 1 s of CPU or 64 MB per MB of input (of 1 MB for less), hangs or dies. What every tenth case gives is
stored, too. Exit code 1 when one failed; ``--case PARSER NUMBER`` repeats one with its traceback, ``--keep DIR`` writes failing inputs.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import random
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "formats"))

import seeds
from fuzzing import Fuzzer

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.clock import ZoneHistory
from healthbox.pipeline.store_records import Step
from healthbox.store import devices, ledger, people
from healthbox.store.engine import Database
from healthbox.store.migrations.upgrade import upgrade

MB = 1 << 20
CPU_S, MEMORY_MB = 1.0, 64
HANG_S, CEILING = 60.0, 1_500 * MB  # wall; address space beyond what the child has at its start
TURN_S, STORED = 8.0, 10


@dataclass
class Tally:
    """What a parser has shown so far; seconds and MB are the worst of a case, per MB of input where that is more than one."""

    cases: int = 0
    claimed: int = 0
    seconds: float = 0.0
    memory: float = 0.0
    failures: list[str] = field(default_factory=list)


class Undo(Exception):
    """Takes back what a case stored."""


class Store:
    """A house of its own, in which a case's records are stored and taken back."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._database = Database(folder)
        upgrade(self._database)
        with self._database.writing() as c:
            person = people.add_person(c, "Alice", "Europe/Berlin", 0)
            device, _ = devices.add_device(c, person.id, "Phone", ["ingest"], 0)
            batch = ledger.add_batch(
                c, person_id=person.id, device_id=device.id, client=None, format="", headers={}, zone="UTC", anchor=None, metric=None, now=0
            )
            ledger.add_chunk(c, batch, 0, sha=b"", body=b"", spool=None, size=1, final=True, anchor=None, now=0)
            claim = ledger.claim(c, 1)
            self._zones = ZoneHistory(people.zone_history(c, person.id))
        assert claim is not None
        self._claim, self._catalogue = claim, Catalogue.load()

    def keep(self, records: list[Any]) -> None:
        try:
            with self._database.writing() as c:
                Step(c, self._claim, self._catalogue, self._zones, seeds.ENVELOPE.accepted_at).store(records)
                raise Undo
        except Undo:
            pass


def child(fuzzer: Fuzzer, parser: str, first: int, pipe: Connection, folder: Path) -> None:
    """Cases from ``first`` on, until the turn is over; says each before it begins and how it went."""
    store = Store(folder / f"store-{parser}-{first}")
    pages = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (pages + CEILING, pages + CEILING))
    until, usual = time.monotonic() + TURN_S, _resident("VmRSS")
    for number in itertools.count(first):
        if time.monotonic() > until:
            break
        pipe.send(("begin", number))
        case = fuzzer.case(parser, number)
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
        began = time.process_time()
        error, claimed = None, False
        try:
            fuzzer.drain(parser, case)
        except Exception as problem:
            error = _words(problem)
        seconds, memory = time.process_time() - began, _resident("VmHWM") - usual
        try:
            claimed = error is None and fuzzer.read(parser, case, *([store.keep] if number % STORED == 0 else []))
        except Exception as problem:
            error = _words(problem)
        pipe.send(("end", number, len(case.content) / MB, seconds, memory, claimed, error))
    pipe.send(("over",))


def _resident(name: str) -> float:
    """MB"""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def _words(problem: Exception) -> str:
    place = traceback.extract_tb(problem.__traceback__)[-1]
    ours = [frame for frame in traceback.extract_tb(problem.__traceback__) if "/healthbox/" in frame.filename]
    place = ours[-1] if ours else place
    return f"{type(problem).__name__}: {str(problem)[:200]} ({Path(place.filename).name}:{place.lineno})"


def turn(fuzzer: Fuzzer, parser: str, tally: Tally, folder: Path, failed: Callable[[str, int, str], None]) -> None:
    """One child's worth of cases."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=child, args=(fuzzer, parser, tally.cases, theirs, folder))
    process.start()
    theirs.close()
    number = tally.cases
    try:
        while ours.poll(HANG_S):
            said = ours.recv()
            if said[0] == "over":
                break
            number = said[1]
            if said[0] == "end":
                _judge(parser, tally, said, failed)
        else:
            process.kill()
            failed(parser, number, f"no end within {HANG_S:.0f} s")
            tally.cases = number + 1
    except EOFError:
        failed(parser, number, "the process died")
        tally.cases = number + 1
    process.join(HANG_S)
    process.close()
    ours.close()


def _judge(parser: str, tally: Tally, said: tuple[Any, ...], failed: Callable[[str, int, str], None]) -> None:
    _, number, size, seconds, memory, claimed, error = said
    seconds, memory = seconds / max(size, 1), memory / max(size, 1)
    tally.cases, tally.claimed = number + 1, tally.claimed + claimed
    tally.seconds, tally.memory = max(tally.seconds, seconds), max(tally.memory, memory)
    if error is not None:
        failed(parser, number, error)
    if seconds > CPU_S:
        failed(parser, number, f"{seconds:.1f} s per MB")
    if memory > MEMORY_MB:
        failed(parser, number, f"{memory:.0f} MB per MB")


def run(given: argparse.Namespace, folder: Path) -> dict[str, Tally]:
    """All parsers in turn until the time is over."""
    fuzzer = Fuzzer(folder, given.seed)
    parsers = [name for name in fuzzer.parsers if name not in fuzzer.unseeded() and (not given.only or name in given.only)]
    tallies = {name: Tally() for name in parsers}

    def failed(parser: str, number: int, words: str) -> None:
        tallies[parser].failures.append(words)
        print(f"FAILED {parser} {number}: {words}", flush=True)
        if given.keep:
            case = fuzzer.case(parser, number)
            (given.keep / f"{parser}-{given.seed}-{number}{case.suffix}").write_bytes(case.content)

    until = time.monotonic() + given.seconds
    for parser in itertools.cycle(parsers):
        if time.monotonic() >= until:
            return tallies
        turn(fuzzer, parser, tallies[parser], folder, failed)
    raise SystemExit("no such parser")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=600)
    arguments.add_argument("--seed", default=str(random.SystemRandom().randrange(10**6)))
    arguments.add_argument("--only", nargs="+", metavar="PARSER")
    arguments.add_argument("--case", nargs=2, metavar=("PARSER", "NUMBER"))
    arguments.add_argument("--keep", type=Path, metavar="DIR")
    given = arguments.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.case:
            fuzzer = Fuzzer(folder, given.seed)
            case = fuzzer.case(given.case[0], int(given.case[1]))
            print(f"{len(case.content)} bytes, claimed: {fuzzer.read(given.case[0], case, Store(folder / 'store').keep)}")
            return 0
        tallies = run(given, folder)
    print(f"\n{'parser':24}{'cases':>8}{'claimed':>9}{'worst s':>9}{'worst MB':>10}{'failed':>8}")
    for parser, tally in tallies.items():
        print(f"{parser:24}{tally.cases:8}{tally.claimed:9}{tally.seconds:9.2f}{tally.memory:10.1f}{len(tally.failures):8}")
    return 1 if any(tally.failures for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
