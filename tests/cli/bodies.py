"""Bodies as phones send them."""

from typing import Any

UUID = "00000000-0000-4000-8000-{:012d}"


def auto_export(steps: dict[str, float], *, sleep: str | None = None, workout: str | None = None) -> dict[str, Any]:
    """Health Auto Export: hourly steps by wall clock, a heart rate beside each, maybe a night and a run on a date."""
    metrics: list[dict[str, Any]] = [
        {"name": "step_count", "units": "count", "data": [_at(at) | {"qty": qty} for at, qty in steps.items()]},
        {"name": "heart_rate", "units": "count/min",
         "data": [_at(at) | {"Min": 50, "Avg": 60 + qty / 1000, "Max": 90} for at, qty in steps.items()]},
    ]  # fmt: skip
    if sleep is not None:
        night = {"date": sleep, "totalSleep": 7.5, "core": 4.5, "deep": 1, "rem": 2}
        metrics.append({"name": "sleep_analysis", "units": "hr", "data": [night]})
    data: dict[str, Any] = {"metrics": metrics}
    if workout is not None:
        times = {"start": f"{workout} 07:00:00 +0100", "end": f"{workout} 07:30:00 +0100", "duration": 1800}
        data["workouts"] = [{"id": UUID.format(900), "name": "Running", "distance": {"qty": 5, "units": "km"}} | times]
    return {"data": data}


def _at(clock: str) -> dict[str, Any]:
    return {"date": f"{clock}:00 +0100", "source": "Watch"}


def sync(*samples: dict[str, Any], batch: str = "one", index: int = 0, final: bool = True, deleted: tuple[int, ...] = ()) -> dict[str, Any]:
    uuids = [UUID.format(number) for number in deleted]
    part = {"batch": batch, "index": index, "final": final, "anchor": None, "metric": None}
    return part | {"zone": "Europe/Berlin", "samples": list(samples), "deleted": uuids}


def sample(number: int | None, start: str, end: str, value: float | str, kind: str = "HKQuantityTypeIdentifierStepCount") -> dict[str, Any]:
    unit = None if "Sleep" in kind else "count"
    source = {"name": "Alice's Watch", "product": "Watch7,1"}
    found = {"type": kind, "start": start, "end": end, "value": value, "unit": unit, "source": source}
    return found if number is None else found | {"uuid": UUID.format(number)}


def beats(count: int, *, batch: str = "beats", index: int = 0, final: bool = True) -> dict[str, Any]:
    """Many heart rates, one every five seconds, from the hour that the index says."""
    first = index * count
    return sync(
        *(
            sample(None, at, at, 60 + n % 30, "HKQuantityTypeIdentifierHeartRate") | {"unit": "count/min"}
            for n in range(first, first + count)
            for at in [f"2026-11-{1 + n // 17280 % 28:02d}T{n // 720 % 24:02d}:{n // 12 % 60:02d}:{n % 12 * 5:02d}Z"]
        ),
        batch=batch, index=index, final=final,
    )  # fmt: skip
