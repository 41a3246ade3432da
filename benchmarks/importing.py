"""Importing an Apple Health export, everything included, beside what else there is for the same file.

    python benchmarks/importing.py [records ...] [--rounds N] [--without-peers] [--write]

For each size a made-up export (``apple_export``) is read by:

healthbox            ``healthbox import`` into an empty data folder, from the start of the command to its end: kept, stored, days folded
again                the same command on the same file: nothing new
pyexpat              an attribute callback that only counts; it keeps nothing
healthkit-to-sqlite  into an empty database, which neither recognises what it has nor makes days
apple-health-parser  every type into its data frames

The last two are installed from PyPI into an environment of their own. Every reader is a process of its own, they take turns on a
file that was read once before, and memory is the largest sum over all processes of one reader (a page that two share counts twice).
Ratios are of medians. Above a million records the last two are left out: they need minutes, and one of them 4 GB for each million.
"""

import argparse
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from apple_export import write_export
from apple_read import by_expat
from house import Row, table

PEERS = ("healthkit-to-sqlite", "apple-health-parser")
LOOK_S = 0.02
PEERS_MOST = 1_000_000  # records
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks-import.md"
HEAD = """# Importing an Apple Health export

`python benchmarks/importing.py {sizes} --rounds {rounds} --write` measures and writes this page. Each reader is a process of its own,
they take turns on the same file, and the ratios hold on other machines; seconds are of this one: {machine}. What each of them does with
the file stands at the top of `benchmarks/importing.py`.

"""
FRAMES = """
import sys
from apple_health_parser.utils.parser import Parser
parser = Parser(sys.argv[1], output_dir=sys.argv[2], overwrite=True)
print(sum(len(parser.get_flag_records(flag).records) for flag in parser.flags))
"""


class Run:
    """What one command took: wall time, peak of resident memory over all its processes (bytes), bytes of what it left behind."""

    def __init__(self, command: list[str], env: dict[str, str], left: Callable[[], int] | None = None) -> None:
        began = time.perf_counter()
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            self.peak = 0
            while process.poll() is None:
                self.peak = max(self.peak, sum(map(_resident, _family(process.pid))))
                time.sleep(LOOK_S)
            self.wall = time.perf_counter() - began
            said = process.communicate()[1]
        if process.returncode:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}: {said.decode(errors='replace')[-2000:]}")
        self.bytes = left() if left else 0


def _family(pid: int) -> list[int]:
    """A process and all that come from it."""
    found = [pid]
    for one in found:
        try:
            for thread in (Path("/proc") / str(one) / "task").iterdir():
                found += map(int, (thread / "children").read_text().split())
        except OSError:
            continue  # it has ended
    return found


def _resident(pid: int) -> int:
    try:
        return int((Path("/proc") / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _database_bytes(path: Path) -> int:
    with sqlite3.connect(path) as c:
        c.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages, size, free = (c.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size", "freelist_count"))
    c.close()
    return int((pages - free) * size)


def _environment(folder: Path) -> Path:
    """An environment with the peers in it; its Python."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "-q", *PEERS], check=True, capture_output=True)
    return python


def measure(records: int, rounds: int, folder: Path, peers: Path | None) -> dict[str, list[Run]]:
    """Every reader so many times, in turns."""
    path = write_export(folder / "export.xml", records)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HEALTHBOX_", "PYTHONDONTWRITE"))}
    packed = folder / "export.zip"
    if peers is not None and records <= PEERS_MOST:
        with zipfile.ZipFile(packed, "w") as archive:
            archive.write(path, "apple_health_export/export.xml")
    _warm(path)
    took: dict[str, list[Run]] = {"healthbox": [], "again": [], "pyexpat": [], **{name: [] for name in PEERS if peers}}
    for _ in range(rounds):
        _ours(took, folder / "data", path, env)
        took["pyexpat"].append(Run([sys.executable, __file__, "--expat", str(path)], env))
        if peers is not None and records <= PEERS_MOST:
            _theirs(took, folder, path, packed, peers)
    path.unlink()
    packed.unlink(missing_ok=True)
    return took


def _warm(path: Path) -> None:
    """So that whoever reads the file first does not pay for what all others find in memory."""
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def _ours(took: dict[str, list[Run]], data: Path, path: Path, plain: dict[str, str]) -> None:
    env = plain | {"HEALTHBOX_DATA": str(data)}
    healthbox = [sys.executable, "-m", "healthbox"]
    subprocess.run([*healthbox, "person", "add", "Alice", "--zone", "Europe/Berlin"], env=env, check=True, capture_output=True)
    command = [*healthbox, "import", str(path), "--person", "Alice"]
    took["healthbox"].append(Run(command, env, lambda: _database_bytes(data / "healthbox.db")))
    before = _samples(data)
    took["again"].append(Run(command, env, lambda: _samples(data) - before))
    shutil.rmtree(data)


def _theirs(took: dict[str, list[Run]], folder: Path, path: Path, packed: Path, peers: Path) -> None:
    other, frames = folder / "other.db", folder / "frames"
    reader = [str(peers.parent / "healthkit-to-sqlite"), "--silent", "--xml", str(path), str(other)]
    took["healthkit-to-sqlite"].append(Run(reader, os.environ.copy(), lambda: _database_bytes(other)))
    other.unlink()
    took["apple-health-parser"].append(Run([str(peers), "-c", FRAMES, str(packed), str(frames)], os.environ.copy()))
    shutil.rmtree(frames)


def _samples(data: Path) -> int:
    with sqlite3.connect(data / "healthbox.db") as c:
        (found,) = c.execute("SELECT (SELECT count(*) FROM sample) + (SELECT count(*) FROM sleep_stage)").fetchone()
    c.close()
    return int(found)


def rows(records: int, took: dict[str, list[Run]]) -> list[Row]:
    """The bars of one size."""
    wall = {name: median(run.wall for run in runs) for name, runs in took.items() if runs}
    peak = {name: max(run.peak for run in runs) / 1e6 for name, runs in took.items() if runs}
    size = {name: median(run.bytes for run in runs) / records for name, runs in took.items() if runs}
    ours, what = wall["healthbox"], f"Apple export, {records:,} records"
    added = [run.bytes for run in took["again"]]
    found = [
        _ratio(f"{what}: import, against pyexpat only parsing", ours / wall["pyexpat"], 1.5),
        _ratio(f"{what}: the same again, against the first", wall["again"] / ours, 1.1),
        Row(f"{what}: the same again, rows added", "0", f"{max(added)}", not any(added)),
        Row(f"{what}: memory of all processes", "≤ 200 MB", f"{peak['healthbox']:.0f} MB", peak["healthbox"] <= 200),
    ]
    if (theirs := "healthkit-to-sqlite") in wall:
        faster = wall[theirs] / ours
        found.append(Row(f"{what}: times faster than {theirs}", "≥ 6 ×", f"{faster:.1f} ×", faster >= 6))
        found.append(_ratio(f"{what}: bytes a record in the database, against {theirs}", size["healthbox"] / size[theirs], 0.35))
    if (theirs := "apple-health-parser") in wall:
        found.append(Row(f"{what}: times faster than {theirs}", "", f"{wall[theirs] / ours:.1f} ×", None))
    return found


def _ratio(what: str, measured: float, bar: float) -> Row:
    return Row(what, f"≤ {bar} ×", f"{measured:.2f} ×", measured <= bar)


def told(records: int, took: dict[str, list[Run]]) -> str:
    lines = [f"{'':22}{'wall':>9}{'records/s':>12}{'peak RSS':>10}{'bytes each':>12}"]
    for name, runs in took.items():
        if not runs:
            continue
        wall = median(run.wall for run in runs)
        each = "" if name in ("again", "pyexpat") else f"{median(run.bytes for run in runs) / records:.0f}"
        lines.append(f"{name:22}{wall:7.2f} s{records / wall:12,.0f}{max(run.peak for run in runs) / 1e6:7.0f} MB{each:>12}")
    return "\n".join(lines)


def run(sizes: list[int], rounds: int, *, peers: bool = True) -> tuple[list[Row], str]:
    """The rows of all sizes, and in words what every reader took."""
    found: list[Row] = []
    said: list[str] = []
    with TemporaryDirectory() as place:
        python = _environment(Path(place) / "peers") if peers else None
        for records in sizes:
            took = measure(records, rounds, Path(place), python)
            said.append(f"{records:,} records, {rounds} rounds\n{told(records, took)}")
            print(f"\n{said[-1]}", flush=True)
            found += rows(records, took)
    return found, "\n\n".join(said)


def main() -> None:
    if sys.argv[1:2] == ["--expat"]:
        by_expat(Path(sys.argv[2]))
        return
    parser = argparse.ArgumentParser(description="Import an Apple Health export, against pyexpat and other importers.")
    parser.add_argument("records", nargs="*", type=int, default=[200_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-peers", action="store_true", help="needs no network")
    parser.add_argument("--write", action="store_true", help="keep it in docs/benchmarks-import.md")
    given = parser.parse_args()
    found, said = run(given.records, given.rounds, peers=not given.without_peers)
    print("\n" + table(found))
    if given.write:
        machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
        head = HEAD.format(sizes=" ".join(map(str, given.records)), rounds=given.rounds, machine=machine)
        PAGE.write_text(f"{head}{table(found)}\n\n```text\n{said}\n```\n", "utf-8")


if __name__ == "__main__":
    main()
