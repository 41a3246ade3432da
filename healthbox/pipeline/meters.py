"""What the worker measures of itself, for /metrics: durations and counts, never a health value or a name."""

from prometheus_client import Counter, Histogram

RECORDS = Counter("healthbox_records", "Records worked off, by what became of them", ["outcome"])
CHUNK_SECONDS = Histogram(
    "healthbox_chunk_step_seconds", "Time to store one step of a chunk", buckets=(0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10)
)
BATCH_SECONDS = Histogram(
    "healthbox_batch_seconds", "From the acceptance of a batch to its close", buckets=(0.1, 0.3, 1, 3, 10, 60, 600, 3600)
)
CHUNK_FAILURES = Counter("healthbox_chunk_failures", "Failed attempts at a chunk", ["after"])


def count(outcomes: dict[str, int]) -> None:
    for outcome, number in outcomes.items():
        if number:
            RECORDS.labels(outcome).inc(number)
