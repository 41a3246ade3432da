"""All benchmarks in one run: ``python benchmarks/run.py [--quick] [--only NAME ...] [--write]``.

Prints one table of ratios and, where a bar is in milliseconds, megabytes or percent, of those. ``--write`` keeps it in
docs/benchmarks.md. ``--quick`` runs everything tiny, to see that it works; its numbers mean nothing.
"""

import argparse
import chunk
import platform
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import accept
import commits
import idle
import kept
import pages
import visible
from house import Row, house, table

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

`python benchmarks/run.py --write` measures and writes this page (about ten minutes, 4 GB of disk, nothing else running).
Ratios compare two things measured in the same run, taking turns, so they hold on other machines; milliseconds are of this one:
{machine}.

{table}

How it is measured stands at the top of each file in `benchmarks/`. The large database is written straight into the sample table
in its own order, with random uuids over ten years; a chunk then goes the usual way.
"""


def large_house(quick: bool) -> list[Row]:
    """The chunk and the page benchmarks share one large database, which takes longest to make."""
    large, small = (40_000, 4_000) if quick else (10_000_000, 100_000)
    with house(large) as big:
        rows = chunk.run(big, large=large, small=small, rounds=1 if quick else 15)
        return rows + pages.run(big, length=2 if quick else 365, years=10, rounds=1 if quick else 40)


# The imports under way while a phone sends: records of each, and how many there are at most.
IMPORTED, FILES = {True: 6_000, False: 480_000}, {True: 2, False: 16}

PARTS: dict[str, Callable[[bool], list[Row]]] = {
    "large": large_house,
    "accept": lambda quick: accept.run(
        seconds=0.2 if quick else 4.0, rounds=1 if quick else 3, records=IMPORTED[quick], files=FILES[quick]
    ),
    "commits": lambda quick: commits.run(stored=1_000 if quick else 50_000, years=1 if quick else 3),
    "kept": lambda quick: kept.run(few=10 if quick else 50, many=100 if quick else 5_000, rounds=3 if quick else 15),
    "visible": lambda quick: visible.run(
        stored=2_000 if quick else 100_000, rounds=2 if quick else 40, records=IMPORTED[quick], files=FILES[quick]
    ),
    "idle": lambda quick: idle.run(seconds=0.3 if quick else 20.0, starts=1 if quick else 5),
}


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure healthbox against its own bars.")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that it works, measures nothing")
    parser.add_argument("--only", nargs="+", choices=sorted(PARTS), default=list(PARTS), help="some of the parts")
    parser.add_argument("--write", action="store_true", help="keep the table in docs/benchmarks.md")
    given = parser.parse_args(words)
    rows = [row for name in PARTS if name in given.only for row in PARTS[name](given.quick)]
    print(table(rows))
    if given.write:
        machine = f"{platform.machine()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
        PAGE.write_text(HEAD.format(machine=machine, table=table(rows)), "utf-8")


if __name__ == "__main__":
    main()
