"""Which local date a client means that writes whole days as instants.

The phone writes its own midnight in UTC; test data and some clients write midnight UTC and mean that date. Nothing on the wire
says which, and no real reading spans exactly one day from either midnight.
"""

import datetime as dt

from healthbox.domain.clock import EPOCH, zone_of

HOUR_MS = 3_600_000
_SLACK_MS = 1_000  # some clients end a day at 23:59:59


def date_of(ms: int, zone: str) -> dt.date:
    """The date of a midnight in ``zone`` or in UTC; of any other instant the local date."""
    return midnight(ms, zone) or _local(ms, zone).date()


def day_started(ms: int, zone: str) -> dt.date:
    """The date of a day that began at this instant, wherever the phone was: its midday falls on the same date in most zones."""
    return midnight(ms, zone) or _local(ms + 12 * HOUR_MS, zone).date()


def midnight(ms: int, zone: str) -> dt.date | None:
    """The date that starts at this instant, in ``zone`` or else in UTC."""
    return local_midnight(ms, zone) or ((EPOCH + dt.timedelta(milliseconds=ms)).date() if ms % (24 * HOUR_MS) == 0 else None)


def local_midnight(ms: int, zone: str) -> dt.date | None:
    """The date that starts at this instant in ``zone``; where clocks skip midnight it starts at one."""
    local = _local(ms, zone)
    before = _local(ms - 1, zone)
    return local.date() if before.date() < local.date() else None


def whole_day(start: int, end: int, zone: str) -> dt.date | None:
    """The date that an interval covers from midnight to midnight (23 to 25 hours), or None."""
    hours = (end - start + _SLACK_MS) / HOUR_MS
    return midnight(start, zone) if 23 <= hours < 25.5 else None


def _local(ms: int, zone: str) -> dt.datetime:
    return (EPOCH + dt.timedelta(milliseconds=ms)).astimezone(zone_of(zone))
