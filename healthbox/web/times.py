"""Times and dates in addresses and query parameters."""

import datetime as dt
from zoneinfo import ZoneInfo, available_timezones

from healthbox.domain.clock import ZoneHistory
from healthbox.domain.errors import Invalid
from healthbox.store import people
from healthbox.web.database import reading
from healthbox.web.house import now

FIRST, LAST = dt.date(1900, 1, 1), dt.date(2199, 12, 31)


def date(text: str, name: str) -> dt.date:
    """'2026-11-20'. Raises Invalid, naming the parameter."""
    try:
        found = dt.date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{name}: not a date.", hint="Write 2026-11-20.", code="parameter") from None
    if not FIRST <= found <= LAST:
        raise Invalid(f"{name}: the year must be {FIRST.year} to {LAST.year}.", code="parameter")
    return found


def zone_on(person_id: int, day: dt.date) -> ZoneInfo:
    """Where the person was when the day began: its hours are told by the clocks of that place."""
    history = ZoneHistory(people.zone_history(reading(), person_id))
    return ZoneInfo(history.zone_at(history.bounds(day)[0]))


def dates(first: str | None, last: str | None, person_id: int, *, days: int) -> tuple[dt.date, dt.date]:
    """Both ends, inclusive; without them the ``days`` days up to the person's today."""
    until = date(last, "to") if last is not None else today(person_id)
    since = date(first, "from") if first is not None else until - dt.timedelta(days=days - 1)
    if since > until:
        raise Invalid("from: lies after to.", code="parameter")
    return since, until


def instants(first: str | None, last: str | None, person_id: int) -> tuple[int, int]:
    """[from, to) in ms. A date means the whole day in the person's zone; a missing end is open."""
    since = _instant(first or FIRST.isoformat(), "from", person_id, later=False)
    until = _instant(last or LAST.isoformat(), "to", person_id, later=True)
    if since > until:
        raise Invalid("from: lies after to.", code="parameter")
    return since, until


def today(person_id: int) -> dt.date:
    return dt.datetime.fromtimestamp(now() / 1000, zone_of(person_id)).date()


def zone_of(person_id: int) -> ZoneInfo:
    return ZoneInfo(people.get_person(reading(), person_id).zone)


def zone_names() -> list[str]:
    """The IANA names to choose from."""
    return sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix/", "right/", "SystemV/")))


def _instant(text: str, name: str, person_id: int, *, later: bool) -> int:
    if len(text) == 10:
        day = date(text, name) + dt.timedelta(days=later)
        moment = dt.datetime.combine(day, dt.time(), zone_of(person_id))
    else:
        try:
            # A plus sign in an address is a blank once read: 2026-11-20T08:00:00+01:00 arrives with one.
            moment = dt.datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        except ValueError:
            raise Invalid(f"{name}: not a time.", hint="Write 2026-11-20T08:00:00Z, or a date.", code="parameter") from None
        if moment.tzinfo is None:
            raise Invalid(f"{name}: the time has no zone.", hint="Write 2026-11-20T08:00:00Z or …+01:00.", code="parameter")
        if not FIRST.year <= moment.year <= LAST.year:
            raise Invalid(f"{name}: the year must be {FIRST.year} to {LAST.year}.", code="parameter")
    return int(moment.timestamp() * 1000)
