"""Structured logs: one JSON line an event, from an allowlist of fields; never a health value, a token or a body."""

import datetime as dt
import json
import logging
import sys

# fmt: off
FIELDS = frozenset({
    "attempt", "attempts", "ballast_released", "batch", "batch_id", "bytes", "changed", "channel", "chunk", "chunks", "code",
    "days", "dead", "deleted", "delivery", "duplicate", "error", "finding", "findings", "job", "kind", "method", "metric", "ms",
    "new", "now", "outcome", "path", "person", "position", "reason", "rejected", "request", "route", "rows", "samples", "service",
    "signal", "stages", "status", "updated", "workouts",
})
# fmt: on


class Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, object] = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "from": record.name,
            "event": record.getMessage(),
        }
        event |= {name: value for name, value in record.__dict__.items() if name in FIELDS}
        if record.exc_info and record.exc_info[0] is not None:
            event["exception"] = _where(record)
        return json.dumps(event, ensure_ascii=False, default=str)


def _where(record: logging.LogRecord) -> list[str]:
    """Class and places of an exception, without its message: that may quote what somebody sent."""
    assert record.exc_info  # noqa: S101 - asked by the caller
    trace = record.exc_info[2]
    places = [record.exc_info[0].__name__ if record.exc_info[0] else ""]
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('/healthbox/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places


def configure(level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("healthbox").setLevel(level.upper())
    logging.getLogger("huey").setLevel(logging.ERROR)
