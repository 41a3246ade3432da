"""What every page of the house stands in: the visitor's person, the current tab, freshness and open findings."""

import datetime as dt
from functools import lru_cache
from typing import Any, cast

from flask import g, render_template, request, url_for

from healthbox.store import findings, freshness, people
from healthbox.store.freshness import Arrival
from healthbox.store.people import Person
from healthbox.web.auth import person_id
from healthbox.web.database import reading
from healthbox.web.house import now
from healthbox.web.usual import DEVIATION, Flagged, flagged


def href(name: str, **values: Any) -> str:
    """The address of a page by its noun: ``href("day", date=...)``; every page's main view is called ``show``."""
    return _address(request.script_root, name, tuple(values.items()))


@lru_cache(maxsize=4096)
def _address(_mount: str, name: str, values: tuple[tuple[str, Any], ...]) -> str:
    """A long page names a hundred addresses, and names them again next time; what they depend on is all in the key."""
    return url_for(f"{name}.show", **dict(values))


def person() -> Person:
    """The person whose data this page shows: the account's own. Read once; a form that changes them answers with another request."""
    if "person" not in g:
        g.person = people.get_person(reading(), person_id())
    return cast(Person, g.person)


def arrivals() -> list[Arrival]:
    """What may still come, for the pill of every page and for those that list it."""
    if "arrivals" not in g:
        g.arrivals = freshness.arrivals(reading(), person_id())
    return cast(list[Arrival], g.arrivals)


def flagged_days(since: dt.date) -> Flagged:
    """By metric, the days from ``since`` on that count for no usual."""
    return flagged(findings.of_person(reading(), person_id(), since=since, rules=(DEVIATION,)))


def page(template: str, nav: str | None, **values: Any) -> str:
    """Render a page of the house; ``nav`` is the key of its tab, or none."""
    who = person()
    pill, open_findings = freshness.pill(reading(), who.id, now(), arrivals())
    given = {
        "nav": nav, "person": who, "fresh": pill, "findings_open": open_findings, "href": href, "locale": who.locale, "units": who.units,
        "now": now(), "live": {"url": url_for("pulse.show"), "stamp": freshness.stamp(reading(), who.id)},
    }  # fmt: skip
    return render_template(template, **(given | values))
