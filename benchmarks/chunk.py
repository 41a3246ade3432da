"""A chunk of 2,000 samples into a small and a large database: plain, with random uuids, with 20 deletions.

Small and large take turns, so that what disturbs the machine disturbs both. Time is the CPU time from claim to mark (the wall
time also holds what the disk was doing); folding is not part of it.
"""

import json
from random import Random
from typing import Any

from house import House, Row, house, median, now_ms, ratio_row, samples, timed

from healthbox.pipeline.process import Processor

BARS = {"plain": 1.3, "random uuids": 1.5, "20 deletions": 3.0}
RECORDS, DELETED, STEP_S = 2_000, 20, 45


def run(big: House, *, large: int, small: int, rounds: int) -> list[Row]:
    with house(small) as little:
        took: dict[str, dict[str, list[tuple[float, float]]]] = {kind: {"small": [], "large": []} for kind in BARS}
        works = {"small": (little, Processor(little.database, little.data)), "large": (big, Processor(big.database, big.data))}
        for number in range(rounds + 1):
            for kind in BARS:
                for name, (place, processor) in works.items():
                    spent = _chunk(place, processor, kind, number)
                    if number:  # the first warms the caches
                        took[kind][name].append(spent)
        return [_row(kind, took[kind], large, small) for kind in BARS]


def _row(kind: str, took: dict[str, list[tuple[float, float]]], large: int, small: int) -> Row:
    wall, cpu = [median([one[at] for one in took["large"]]) / median([one[at] for one in took["small"]]) for at in (0, 1)]
    return ratio_row(f"2,000-sample chunk at {large:,} stored against {small:,}: {kind}", BARS[kind], cpu, note=f"CPU; wall {wall:.2f} ×")


def _chunk(place: House, processor: Processor, kind: str, number: int) -> tuple[float, float]:
    rng = Random(f"{kind} {number}")
    start = place.newest + 7 + (number * len(BARS) + list(BARS).index(kind)) * RECORDS * STEP_S
    made = samples(rng, start, RECORDS, step=STEP_S, uuids=kind == "random uuids")
    body: dict[str, Any] = {"batch": f"{kind} {number}", "index": 0, "final": True, "samples": made}
    if kind == "20 deletions":
        body["deleted"] = [{"uuid": uuid, "type": "heart_rate"} for uuid in _recent(place, number)]
    place.door.sync(place.device, json.dumps(body).encode(), now_ms())
    return timed(lambda: _step(processor))


def _step(processor: Processor) -> None:
    if not processor.step(now_ms()):
        raise RuntimeError("the chunk was not due")


def _recent(place: House, number: int) -> list[str]:
    """Uuids of stored heart rates of the last weeks: what people delete, they delete soon."""
    with place.database.reading() as c:
        rows = c.exec_driver_sql(
            "SELECT hex(uuid) FROM sample JOIN series ON series.id=series_id WHERE metric='heart_rate' AND start>? AND start<=? "
            "AND uuid IS NOT NULL ORDER BY start DESC LIMIT ? OFFSET ?",
            (place.newest - 400 * 86_400, place.newest, DELETED, number * 7 * DELETED),
        ).scalars()
        return [f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}" for h in rows]
