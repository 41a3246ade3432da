"""Random kill -9 of a real server under load, and what is left afterwards: ``python benchmarks/kill.py --kills 200 [--seed N]``."""

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "crash"))

from load import kill_again_and_again


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**6))
    given = arguments.parse_args()
    print(f"kills {given.kills}, seed {given.seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        verdict, server = kill_again_and_again(Path(folder), given.kills, given.seed)
    seconds = time.monotonic() - began
    print(f"{verdict.chunks} chunks with {verdict.samples} samples acknowledged in {verdict.requests} requests, {seconds:.0f} s")
    print(f"lost {verdict.lost}, duplicated {verdict.extra}, out of order {verdict.out_of_order}, batches incomplete {verdict.incomplete}, "
          f"days wrong {verdict.wrong_days}, integrity {verdict.integrity}")  # fmt: skip
    print(f"start to ready: median {statistics.median(server.boots):.2f} s, longest {max(server.boots):.2f} s")
    return 0 if verdict.clean else 1


if __name__ == "__main__":
    sys.exit(main())
