"""The benchmarks run: tiny sizes, real parts, a table with numbers in it. What they measure here means nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent.parent / "benchmarks" / "run.py"


def table(*words: str) -> list[list[str]]:
    result = subprocess.run([sys.executable, str(RUN), "--quick", *words], capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    lines = [line.strip("|").split("|") for line in result.stdout.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def test_commits_are_counted_exactly() -> None:
    measured = {row[0]: row[2] for row in table("--only", "commits")}
    assert measured["WAL commits per accepted chunk"] == "1"
    assert measured["WAL commits per processed chunk"] == "2"


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("large", ["2,000-sample chunk", "page /", "the heaviest page"]),
        ("accept", ["durable 202", "p99", "while an import runs"]),
        ("kept", ["asking the ledger"]),
        ("visible", ["202 to aggregates visible", "during her own import", "during another's import"]),
        ("idle", ["resident memory", "of one core", "start to ready"]),
    ],
)
def test_every_part_prints_its_rows(part: str, told: list[str]) -> None:
    rows = table("--only", part)
    assert all(any(words in row[0] for row in rows) for words in told)
    assert all(re.search(r"\d", row[2]) for row in rows)
    assert {row[3] for row in rows} <= {"yes", "**no**", "-"}
    assert all(0 < float(row[2].removesuffix(" ×")) < 100 for row in rows if row[1].endswith("×"))


def test_the_import_benchmark_prints_its_rows() -> None:
    command = [sys.executable, str(RUN.with_name("importing.py")), "3000", "--rounds", "1", "--without-peers"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    assert re.search(r"^healthbox +\d+\.\d\d s +[\d,]+ +\d+ MB +\d+$", result.stdout, re.MULTILINE)
    assert "| Apple export, 3,000 records: the same again, rows added | 0 | 0 | yes |" in result.stdout
