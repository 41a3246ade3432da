"""Reading an Apple Health export into records, against pyexpat that only calls back with the attributes of the same xml.

    python benchmarks/apple_read.py [records] [rounds]

The two take turns; each round is a process of its own, so that peaks of memory are its own too. Times are wall time, memory is
the peak above what the process held when it began to read. The catalogue is loaded before: a server has it in memory anyway.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from xml.parsers import expat

from apple_export import write_export

from healthbox.domain.records import SampleBlock
from healthbox.formats.apple_export import FILE_FORMAT
from healthbox.formats.contract import Envelope
from healthbox.formats.wire import catalogue

BAR = 0.5


def by_healthbox(path: Path) -> int:
    seen = 0
    for record in FILE_FORMAT.records(path, Envelope(zone="Europe/Berlin", accepted_at=0)):
        seen += len(record.rows) if isinstance(record, SampleBlock) else 1
    return seen


def by_expat(path: Path) -> int:
    seen = 0

    def element(name: str, attributes: dict[str, str]) -> None:
        nonlocal seen
        seen += 1

    parser = expat.ParserCreate()
    parser.StartElementHandler = element
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(1 << 20):
            parser.Parse(chunk, False)
    parser.Parse(b"", True)
    return seen


def measure(what: str, path: Path) -> dict[str, float]:
    catalogue()
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    seen = {"healthbox": by_healthbox, "expat": by_expat}[what](path)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall": wall, "cpu": cpu, "seen": seen, "mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle) / 1024}


def main(records: int = 200_000, rounds: int = 5) -> None:
    with TemporaryDirectory() as folder:
        path = write_export(Path(folder) / "export.xml", records)
        took: dict[str, list[dict[str, float]]] = {"healthbox": [], "expat": []}
        for _ in range(rounds):
            for what in took:
                done = subprocess.run([sys.executable, __file__, "--one", what, str(path)], capture_output=True, check=True)
                took[what].append(json.loads(done.stdout))
        print(f"{path.stat().st_size / 1e6:.0f} MB of xml, {records:,} records, {rounds} rounds")
    for what, all_of in took.items():
        wall, cpu, most = (median(one[field] for one in all_of) for field in ("wall", "cpu", "mb"))
        print(f"{what:10} {wall:7.3f} s wall {cpu:7.3f} s CPU  {all_of[0]['seen']:,.0f} seen  +{most:.0f} MB")
    for field in ("wall", "cpu"):
        ratios = [ours[field] / theirs[field] for ours, theirs in zip(took["healthbox"], took["expat"], strict=True)]
        print(f"{field}: {median(ratios):.2f} x pyexpat [{min(ratios):.2f} to {max(ratios):.2f}], bar {BAR}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2], Path(sys.argv[3]))))
    else:
        main(*map(int, sys.argv[1:3]))
