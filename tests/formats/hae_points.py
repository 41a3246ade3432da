"""Bodies of Health Auto Export with the points of one metric."""

from typing import Any

HAE = "health-auto-export"


def metric(*points: dict[str, Any], name: str = "step_count", units: str = "count") -> dict[str, Any]:
    return {"data": {"metrics": [{"name": name, "units": units, "data": list(points)}]}}


def point(clock: str = "09:00:00", **fields: Any) -> dict[str, Any]:
    return {"date": f"2026-03-01 {clock} +0100", "qty": 1} | fields
