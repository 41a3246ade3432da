"""kill -9 in the middle of an import: what is stored in the end is what the same import stores that nobody disturbs."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "kill_import.py"
SEED = int(os.environ.get("HEALTHBOX_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_an_import_killed_three_times_equals_one_left_alone() -> None:
    words = ["--kills", "3", "--records", "45000", "--seed", str(SEED), "--kinds", "server", "both"]
    done = subprocess.run([sys.executable, str(BENCHMARK), *words], capture_output=True, text=True, timeout=200, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["equal"]), f"seed {SEED}: {done.stdout}{done.stderr[-2000:]}"
    assert "3 kills" in done.stdout
