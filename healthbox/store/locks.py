"""Who runs on a data directory: one server, told by an flock that dies with its process."""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from healthbox.domain.errors import Problem

FILE = "server.lock"
# ``is_held`` takes the lock for an instant; a starting server outwaits that, not another server.
_TRIES, _PAUSE_S = 10, 0.05


class ServerLock:
    """Held by the running server, or by a command that does the server's work while none runs. Raises ``already_running``."""

    def __init__(self, data: Path) -> None:
        self._descriptor = os.open(data / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for attempt in range(_TRIES):
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt < _TRIES - 1:
                    time.sleep(_PAUSE_S)
        else:
            pid = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise Problem(
                f"A healthbox server already runs on {data}{f' (process {pid})' if pid else ''}.",
                hint="Stop it first, or use another --data directory.",
                code="already_running",
            )
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "ServerLock":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def is_held(data: Path) -> bool:
    """Whether a server (or a command in its place) runs on this directory now."""
    try:
        descriptor = os.open(data / FILE, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
