"""What every page of the house stands in: the visitor's person, the current tab, freshness and open findings."""

from typing import Any

from flask import render_template, url_for

from healthbox.store import freshness, people
from healthbox.store.people import Person
from healthbox.web.auth import person_id
from healthbox.web.database import reading
from healthbox.web.house import now


def href(name: str, **values: Any) -> str:
    """The address of a page by its noun: ``href("day", date=...)``; every page's main view is called ``show``."""
    return url_for(f"{name}.show", **values)


def person() -> Person:
    """The person whose data this page shows: the account's own."""
    return people.get_person(reading(), person_id())


def page(template: str, nav: str | None, **values: Any) -> str:
    """Render a page of the house; ``nav`` is the key of its tab, or none."""
    who = person()
    pill, open_findings = freshness.pill(reading(), who.id, now())
    given = {
        "nav": nav, "person": who, "fresh": pill, "findings_open": open_findings, "href": href, "locale": who.locale, "units": who.units,
        "now": now(), "live": {"url": url_for("pulse.show"), "stamp": freshness.stamp(reading(), who.id)},
    }  # fmt: skip
    return render_template(template, **(given | values))
