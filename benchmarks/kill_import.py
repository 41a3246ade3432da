"""Random kill -9 of a server in the middle of one import, which must end as if nothing had been:
``python benchmarks/kill_import.py [--kills 50] [--records 200000] [--seed N] [--kinds ...]``."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "crash"))

from apple_export import export
from importing import KINDS, Verdict, compare, packed, spoiled


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--records", type=int, default=200_000)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**6))
    arguments.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS), help="what is killed")
    given = arguments.parse_args()
    print(f"kills {given.kills}, records {given.records:,}, seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = packed(Path(folder) / "export.zip", spoiled(export(given.records)))
        verdict = compare(Path(folder), file, given.kills, given.seed, given.kinds)
    print(told(verdict))
    return 0 if verdict.clean else 1


def told(verdict: Verdict) -> str:
    kinds = ", ".join(f"{count} × {what}" for what, count in sorted(verdict.kills.items()))
    lines = [
        f"{verdict.kills.total()} kills ({kinds}), {verdict.starts} starts, {verdict.seconds:.0f} s",
        f"records committed at the kills: {' '.join(map(str, verdict.points))}",
        f"rows compared: {', '.join(f'{table} {count:,}' for table, count in verdict.rows.items() if count)}",
        f"integrity {verdict.integrity}, left over: {'; '.join(verdict.left) or 'nothing'}",
    ]
    differences = [f"{table}: {count} rows" for table, count in verdict.different.items()]
    differences += [f"receipt: {verdict.receipt}"] if verdict.receipt else []
    return "\n".join([*lines, "DIFFERENT: " + "; ".join(differences) if differences else "equal"])


if __name__ == "__main__":
    sys.exit(main())
