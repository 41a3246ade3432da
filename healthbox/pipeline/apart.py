"""A file read by a process of its own: the parent's side (``Apart``) and the child's (``python -m healthbox.pipeline.apart``).

The child gets one question and answers with messages that hold some items, or how the reading ended. What a format raises for a
file arrives here as the same error; a child that ends without a last word is a failure like any other, and the chunk is tried again.
"""

import importlib
import os
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from healthbox.domain import errors, records
from healthbox.domain.catalogue import Catalogue
from healthbox.domain.errors import Problem
from healthbox.domain.records import SampleBlock
from healthbox.formats.contract import Envelope, FileFormat
from healthbox.formats.registry import home_of
from healthbox.pipeline import child
from healthbox.pipeline.readers import Item, weight
from healthbox.pipeline.ready import Ready, ready
from healthbox.pipeline.storable import storable
from healthbox.store.disk import let_go

MODULE = "healthbox.pipeline.apart"
WORTH = 1 << 20  # bytes of a file from which a process of its own is worth its start
MESSAGE, MESSAGE_BYTES = 2_000, 1 << 18  # records and bytes from which one is full
ENOUGH, PAUSE_S = 1 << 18, 0.05  # bytes that are worth a step by themselves; anything is, once it has lain so long
STILL_S = 300.0  # without a message: something is wrong with the child
EACH = 250  # bytes; a message of larger records counts as more of them, so that a step of them needs no more memory
_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        Ready, SampleBlock, records.Sample, records.Bucket, records.StatedTotal, records.SleepStage, records.StatedNight,
        records.Workout, records.Clinical, records.Tombstone, records.SetAside, records.WholeExport, records.Rejected,
    )
}  # fmt: skip
_READ = {name: msgspec.msgpack.Decoder(kind) for name, kind in _KINDS.items()}


class Question(msgspec.Struct):
    module: str  # that exports the ``FILE_FORMAT``
    path: str
    zone: str
    accepted_at: int
    headers: dict[str, str]
    skip: int  # items that are stored already


class Message(msgspec.Struct, array_like=True):
    """``items`` are (kind, item). The last message has ``end``; ``problem`` is (class, message, hint, code) of what was raised."""

    items: list[tuple[str, msgspec.Raw]]
    share: float
    end: bool = False
    problem: tuple[str, str, str, str] | None = None


_message = msgspec.msgpack.Decoder(Message)


class Apart:
    """Reads ``path`` in a child. ``close`` ends it."""

    def __init__(self, form: FileFormat, path: Path, envelope: Envelope, skip: int) -> None:
        question = Question(home_of(form), str(path), envelope.zone, envelope.accepted_at, envelope.headers, skip)
        self.share: float | None = 0.0
        self._heard = time.monotonic()
        self._child = child.start(MODULE)
        try:
            child.put(self._child.stdin, msgspec.msgpack.encode(question))
        except BaseException:
            self.close()
            raise

    @property
    def waits(self) -> bool:
        quiet = time.monotonic() - self._heard
        if not child.speaks(self._child.stdout):
            return quiet < STILL_S
        return quiet < PAUSE_S and child.lying(self._child.stdout) < ENOUGH

    def take(self, most: int) -> tuple[list[Item], bool]:
        found: list[Item] = []
        held = 0
        while held < most and (not found or child.speaks(self._child.stdout)):
            try:
                raw = child.take(self._child.stdout, max(1.0, STILL_S - (time.monotonic() - self._heard)))
            except TimeoutError:
                raise RuntimeError("the process that reads the file stands still") from None
            self._heard = time.monotonic()
            if not raw:
                raise RuntimeError("the process that read the file ended without a word")
            message = _message.decode(raw)
            items: list[Item] = [_READ[kind].decode(item) for kind, item in message.items]
            found += items
            held += max(sum(map(weight, items)), len(raw) // EACH)
            self.share = message.share
            if message.problem is not None:
                raise _problem(*message.problem)
            if message.end:
                return found, True
        return found, False

    def close(self) -> None:
        child.end(self._child)


def _problem(kind: str, message: str, hint: str, code: str) -> Problem:
    made: Problem = getattr(errors, kind)(message, hint=hint, code=code)
    return made


def messages(form: FileFormat, question: Question) -> Iterator[Message]:
    """What a child says about a file; the last message has ``end``."""
    catalogue = Catalogue.load()
    share = 0.0

    def tell(now: float) -> None:
        nonlocal share
        share = now

    held: list[tuple[str, msgspec.Raw]] = []
    size, room = 0, MESSAGE_BYTES
    encode = msgspec.msgpack.encode
    envelope = Envelope(zone=question.zone, accepted_at=question.accepted_at, headers=question.headers)
    problem = None
    try:
        for item in islice(form.records(Path(question.path), envelope, tell), question.skip, None):
            made = (ready(item, catalogue) or item) if isinstance(item, SampleBlock) else storable(item)
            held.append((type(made).__name__, msgspec.Raw(encode(made))))
            size += weight(made)
            room -= len(held[-1][1])
            if size >= MESSAGE or room < 0:
                yield Message(held, share)
                held, size, room = [], 0, MESSAGE_BYTES
    except Problem as raised:
        problem = type(raised).__name__, raised.message, raised.hint, raised.code
    yield Message(held, share, True, problem)


def main() -> None:
    question = msgspec.msgpack.decode(child.take(sys.stdin.buffer), type=Question)
    form: FileFormat = importlib.import_module(question.module).FILE_FORMAT
    out = sys.stdout.buffer
    with open(question.path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        for message in messages(form, question):
            child.put(out, msgspec.msgpack.encode(message))
            let_go(file.fileno(), int(message.share * size))


if __name__ == "__main__":
    child.run(main)
