"""How fast an upload of 200 samples is safe on disk, against the same server's bare echo of the same body, by eight clients.

Once with the worker at rest (accepting alone), once while it works off what comes in, which is more than it can, and once while
it also reads the Apple Health export of one of the two people whose phones send. Echo and sync take turns in one server.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from during import another, importing
from house import House, Row, house, median, percentile, ratio_row

HERE = Path(__file__).parent
CLIENTS, RECORDS = 8, 200
BAR, P99_MS = 0.3, {"worker at rest": 25, "while a queue is worked off": 100, "while an import runs": 100}


@contextmanager
def served(place: House, *, with_worker: bool) -> Iterator[int]:
    """A server over this folder; gives its port."""
    command = [sys.executable, str(HERE / "server.py"), str(place.data), str(int(with_worker))]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        yield int(server.stdout.readline())
    finally:
        server.stdin.close()
        server.wait(timeout=60)
        server.stdout.close()


def storm(port: int, path: str, token: str, seconds: float) -> tuple[float, list[float]]:
    """(answers a second, the time each took in s)."""
    command = [sys.executable, str(HERE / "client.py"), str(port), path, token, str(CLIENTS), str(seconds), str(RECORDS)]
    rate, took = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return rate, took


def run(*, seconds: float, rounds: int, records: int, files: int) -> list[Row]:
    return [row for how in P99_MS for row in _measure(seconds, rounds, how, records, files)]


def _measure(seconds: float, rounds: int, how: str, records: int, files: int) -> list[Row]:
    echo, sync, took = [], [], []
    imports = how == "while an import runs"
    with house() as place, served(place, with_worker=how != "worker at rest") as port:
        tokens = f"{place.token},{another(place).token}"
        storm(port, "/api/v1/sync", tokens, seconds / 4)
        with importing(place, records, files) if imports else nullcontext() as state:
            for _ in range(rounds):
                echo.append(storm(port, "/echo", tokens, seconds)[0])
                rate, times = storm(port, "/api/v1/sync", tokens, seconds)
                sync.append(rate)
                took += times
        flush = _flush_ms(place.data)
    share = median([one / other for one, other in zip(sync, echo, strict=True)])
    p99, bar = percentile(took, 0.99) * 1000, P99_MS[how]
    note = f"{len(took):,} chunks; the disk alone flushes in {flush:.1f} ms" + (f"; {state.note()}" if state else "")
    return [
        ratio_row(f"durable 202, {CLIENTS} clients, against a bare echo, {how}", BAR, share, at_least=True, note=note),
        Row(f"p99 of the same, {how}", f"≤ {bar} ms", f"{p99:.0f} ms", p99 <= bar, f"median {percentile(took, 0.5) * 1000:.0f} ms"),
    ]


def _flush_ms(folder: Path) -> float:
    """What a durable write of a chunk's size costs on this disk (median)."""
    took = []
    with open(folder / "flush", "wb", buffering=0) as file:
        for _ in range(40):
            file.write(os.urandom(16_384))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return median(took)
