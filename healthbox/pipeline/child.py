"""Child processes of ours: one module each, run beside this process for what would keep it from everything else.

Messages go in by the child's standard input and come out of its standard output: a length in four bytes, then the message. A child
never opens the database, lets go by itself when its parent is gone, and leaves it to the parent when to stop.
"""

import contextlib
import fcntl
import gc
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import healthbox

_HOME = str(Path(healthbox.__file__).parent.parent)
_LENGTH = struct.Struct("<I")
_ROOM = 1 << 20  # bytes that a child may be ahead


def start(module: str) -> "subprocess.Popen[bytes]":
    child = subprocess.Popen(  # noqa: S603 - our own module; what it is to do goes in by stdin
        [sys.executable, "-P", "-m", module],  # nothing is imported from the folder that somebody happens to stand in
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (_HOME, os.environ.get("PYTHONPATH"))))},
    )
    with contextlib.suppress(OSError, AttributeError):  # not every system has it or allows it: the child waits more often then
        fcntl.fcntl(_pipe(child.stdout), fcntl.F_SETPIPE_SZ, _ROOM)
    return child


def end(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        _pipe(pipe).close()


def put(pipe: IO[bytes] | None, raw: bytes) -> None:
    """Waits until all of it is taken or lies in the pipe. Raises ``BrokenPipeError`` when nobody will take it."""
    whole = memoryview(_LENGTH.pack(len(raw)) + raw)
    while whole:
        whole = whole[_pipe(pipe).write(whole) :]
    _pipe(pipe).flush()


def take(pipe: IO[bytes] | None, still_s: float | None = None) -> bytes:
    """The next message; nothing when there is none, or only a part of one. Raises ``TimeoutError`` when nothing comes for so long."""
    (length,) = _LENGTH.unpack(_exactly(_pipe(pipe), _LENGTH.size, still_s) or bytes(_LENGTH.size))
    return _exactly(_pipe(pipe), length, still_s) if length else b""


def speaks(pipe: IO[bytes] | None, within_s: float = 0.0) -> bool:
    """Whether there is something to take, or the other side is gone."""
    look = select.poll()
    look.register(_pipe(pipe), select.POLLIN)
    return bool(look.poll(within_s * 1000))


def lying(pipe: IO[bytes] | None) -> int:
    """How many bytes there are to take."""
    (number,) = struct.unpack("i", fcntl.ioctl(_pipe(pipe), termios.FIONREAD, bytes(4)))
    return int(number)


def _exactly(pipe: IO[bytes], count: int, still_s: float | None) -> bytes:
    got = bytearray()
    while len(got) < count:
        if still_s is not None and not speaks(pipe, still_s):
            raise TimeoutError
        part = pipe.read(count - len(got))
        if not part:
            return b""
        got += part
    return bytes(got)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 - every child has both
    return pipe


def run(work: Callable[[], None]) -> None:
    """All of a child's life."""
    for word in (signal.SIGINT, signal.SIGTERM):  # said to a whole group, they are the parent's to answer
        signal.signal(word, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)  # millions of short-lived tuples, no cycles worth looking for
    try:
        work()
    except BrokenPipeError:  # the parent has gone or has heard enough
        os._exit(0)


def _leave_with(parent: int) -> None:
    """A child that finds nothing to say would not notice a broken pipe."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)
