"""Springs traps in a process of its own: ``python springing.py DATA FILE ...`` imports each file and prints a JSON line about it.

Good files go first, small and large, so that what is measured afterwards is the traps' own: seconds of CPU, and MB above what the
process needed until then. A large file is read by a process of its own, whose peak begins with the size of its parent; so its
reader is also let run here, where every MB counts.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from house import House

from healthbox.domain.errors import Problem
from healthbox.formats.contract import Envelope
from healthbox.formats.registry import recognise_file
from healthbox.pipeline.accept_file import accept_file
from healthbox.pipeline.apart import WORTH

GPX = (
    '<?xml version="1.0"?><gpx version="1.1" creator="Watch"><trk><trkseg><trkpt lat="52.5" lon="13.4"><time>2026-03-01T07:00:00Z</time>'
    '</trkpt><trkpt lat="52.6" lon="13.5"><time>2026-03-01T07:00:09Z</time></trkpt></trkseg></trk></gpx>'
)
ADDRESS_SPACE = 4 << 30  # nothing that goes wrong here takes the machine with it
KEPT = ("sample", "bucket", "workout", "sleep_stage", "clinical", "stated_night")


def sprung(house: House, path: Path) -> dict[str, Any]:
    """What became of one file. ``stored`` are the rows that came of it, ``new`` what its receipt says."""
    batches, kept, files = _batches(house), _kept(house), _spooled(house)
    try:
        accepted = accept_file(house.database, house.settings, house.phone, path, now=house.at, ring=lambda: None)
    except Problem as problem:
        left = _batches(house) - batches + _spooled(house) - files
        return {"refused": problem.code, "message": problem.message, "stored": _kept(house) - kept, "new": 0, "read": 0, "left": left}
    house.run()
    receipt = house.receipt(accepted)
    counts = receipt["records"]
    codes = sorted({rejection["code"] for rejection in receipt["rejections"]})
    return {
        "refused": None, "message": "; ".join(error["error"] for error in receipt["errors"]), "status": receipt["status"], "codes": codes,
        "chunks": receipt["chunks"], "stored": _kept(house) - kept, "new": counts["new"], "left": _spooled(house) - files - 1,
        "read": counts["new"] + counts["duplicate"] + counts["updated"],
    }  # fmt: skip


def drain(path: Path) -> None:
    try:
        for _ in recognise_file(path).records(path, Envelope(zone="Europe/Berlin", accepted_at=0)):
            pass
    except Problem:
        pass


def _batches(house: House) -> int:
    count: int = house.rows("SELECT count(*) FROM batch")[0][0]
    return count


def _kept(house: House) -> int:
    return sum(house.rows(f"SELECT count(*) FROM {table}")[0][0] for table in KEPT)


def _spooled(house: House) -> int:
    return sum(1 for _ in (house.settings.data / "spool").iterdir())


def _peaks() -> tuple[int, int]:
    """kB of this process since it was last asked, and of the largest of those it ever started. (``ru_maxrss`` of the process
    itself would begin with the size of whoever started it.)"""
    status = Path("/proc/self/status").read_text()
    Path("/proc/self/clear_refs").write_text("5")
    return int(status.partition("VmHWM:")[2].split()[0]), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def _spent() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def main(data: Path, paths: list[Path]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    house = House(data)
    (data / "spool").mkdir()
    for size in (0, WORTH):
        good = data / "good.gpx"
        good.write_text(GPX + " " * size)
        assert sprung(house, good)["status"] == "completed"
    _peaks()
    idle = _peaks()
    for path in paths:
        cpu, wall = _spent(), time.perf_counter()
        told = sprung(house, path)
        told |= {"cpu": _spent() - cpu, "wall": time.perf_counter() - wall}
        drain(path)
        told["mb"] = max(now - before for now, before in zip(_peaks(), idle, strict=True)) / 1024
        print(json.dumps(told | {"name": path.name}), flush=True)  # noqa: T201 - read by whoever started it


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(one) for one in sys.argv[2:]])
