"""Telling the JSON bodies of the phone clients apart: the first mark that a body bears names its format.

The marks are asked in one order, so that a body damaged into bearing two still has one owner.
"""

from typing import Any

# What a Shortcut's body bears.
_SHORTCUTS = ("dates", "hrDates", "hrValues", "timestamps", "metrics", "record", "type")


def marked(body: Any) -> str | None:
    """The name of the one format of this family that may claim the body, or None."""
    if isinstance(body, list):
        return "health-bridge" if _families(body) else None
    if not isinstance(body, dict) or ("batch" in body and "index" in body):
        return None
    return _with_data(body) if "data" in body else _without_data(body)


def _with_data(body: dict[str, Any]) -> str | None:
    if not isinstance(body["data"], dict):
        return None
    if "provider" in body and "sdkVersion" in body:
        return "open-wearables"
    if "provider" in body or "sdkVersion" in body or "app_version" in body:
        return None
    if "exportDate" in body:
        return "health-export-pro"
    return "health-connect-exports" if "time" in body and "syncSource" not in body else None


def _without_data(body: dict[str, Any]) -> str | None:
    if str(body.get("schema_id")).startswith("health_bridge.batch."):
        return "health-bridge" if "samples" in body else None
    if "samples" in body:
        numbered = "batch_index" in body or "total_batches" in body or "batch" not in body
        return "healthsave" if isinstance(body.get("metric"), str) and "index" not in body and numbered else None
    if "timestamp" in body and "app_version" in body:
        return "hc-webhook"
    if "formatVersion" in body and isinstance(body.get("sections"), dict):
        foreign = any(key in _SHORTCUTS or key.endswith("_samples") for key in body)
        return None if foreign else "health-data-export"
    return None


def _families(items: list[Any]) -> bool:
    """Lines of a Health Bridge batch: every object says which family of records it is of."""
    first = items[:50]
    return bool(first) and all(isinstance(item, dict) and "record_family" in item and "dateFrom" not in item for item in first)
