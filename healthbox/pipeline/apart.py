"""A file read by a process of its own: the parent's side (``Apart``) and the child's (``python -m healthbox.pipeline.apart``).

The child gets one question as JSON on its standard input and answers with messages: a length in four bytes, then msgpack. Each
holds some items, or how the reading ended. What a format raises for a file arrives here as the same error; a child that ends
without a last word is a failure like any other, and the chunk is tried again. It lets go by itself when the parent is gone.
"""

import gc
import importlib
import os
import queue
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import msgspec

import healthbox
from healthbox.domain import errors, records
from healthbox.domain.catalogue import Catalogue
from healthbox.domain.errors import Problem
from healthbox.domain.records import SampleBlock
from healthbox.formats.contract import Envelope, FileFormat
from healthbox.formats.registry import home_of
from healthbox.pipeline.readers import Item, weight
from healthbox.pipeline.ready import Ready, ready
from healthbox.pipeline.storable import storable
from healthbox.store.disk import let_go

MODULE = "healthbox.pipeline.apart"
WORTH = 1 << 20  # bytes of a file from which a process of its own is worth its start
MESSAGE = 2_000  # records in one
STILL_S = 300.0  # without a message: something is wrong with the child
AHEAD = 24  # messages that wait here at most
_LENGTH = struct.Struct("<I")
_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        Ready, SampleBlock, records.Sample, records.Bucket, records.StatedTotal, records.SleepStage, records.StatedNight,
        records.Workout, records.Clinical, records.Tombstone, records.Rejected,
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
        self._waiting: queue.Queue[bytes] = queue.Queue(AHEAD)
        self._over = threading.Event()
        self._heard = time.monotonic()
        self._child = subprocess.Popen(  # noqa: S603 - our own module; what it is to read goes in by stdin
            [sys.executable, "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(Path(healthbox.__file__).parent.parent)},
        )
        assert self._child.stdin is not None  # noqa: S101 - it is a pipe
        self._child.stdin.write(msgspec.json.encode(question))
        self._child.stdin.close()
        threading.Thread(target=self._listen, name="reader", daemon=True).start()

    @property
    def waits(self) -> bool:
        return self._waiting.empty() and time.monotonic() - self._heard < STILL_S

    def take(self, most: int) -> tuple[list[Item], bool]:
        found: list[Item] = []
        held = 0
        while held < most and (not found or not self._waiting.empty()):
            try:
                raw = self._waiting.get(timeout=max(0.0, STILL_S - (time.monotonic() - self._heard)))
            except queue.Empty:
                raise RuntimeError("the process that reads the file stands still") from None
            self._heard = time.monotonic()
            if not raw:
                raise RuntimeError("the process that read the file ended without a word")
            message = _message.decode(raw)
            items: list[Item] = [_READ[kind].decode(item) for kind, item in message.items]
            found += items
            held += sum(map(weight, items))
            self.share = message.share
            if message.problem is not None:
                raise _problem(*message.problem)
            if message.end:
                return found, True
        return found, False

    def close(self) -> None:
        self._over.set()
        self._child.kill()
        self._child.wait()

    def _listen(self) -> None:
        pipe = self._child.stdout
        assert pipe is not None  # noqa: S101 - it is a pipe
        with pipe:
            raw = b"-"
            while raw:
                raw = _next(pipe)
                while not self._over.is_set():
                    try:
                        self._waiting.put(raw, timeout=1.0)
                        break
                    except queue.Full:
                        continue


def _next(pipe: IO[bytes]) -> bytes:
    """The next message; nothing when there is none, or only a part of one."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return b""
    (length,) = _LENGTH.unpack(head)
    raw = pipe.read(length)
    return raw if len(raw) == length else b""


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
    size = 0
    encode = msgspec.msgpack.encode
    envelope = Envelope(zone=question.zone, accepted_at=question.accepted_at, headers=question.headers)
    problem = None
    try:
        for item in islice(form.records(Path(question.path), envelope, tell), question.skip, None):
            made = (ready(item, catalogue) or item) if isinstance(item, SampleBlock) else storable(item)
            held.append((type(made).__name__, msgspec.Raw(encode(made))))
            size += weight(made)
            if size >= MESSAGE:
                yield Message(held, share)
                held, size = [], 0
    except Problem as raised:
        problem = type(raised).__name__, raised.message, raised.hint, raised.code
    yield Message(held, share, True, problem)


def _leave_with(parent: int) -> None:
    """A reader that finds nothing to say would not notice a broken pipe."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)


def main() -> None:
    threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)  # millions of short-lived tuples, no cycles worth looking for
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    form: FileFormat = importlib.import_module(question.module).FILE_FORMAT
    out = sys.stdout.buffer
    with open(question.path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        for message in messages(form, question):
            raw = msgspec.msgpack.encode(message)
            out.write(_LENGTH.pack(len(raw)) + raw)
            out.flush()
            let_go(file.fileno(), int(message.share * size))


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # the parent has gone or has heard enough
        os._exit(0)
