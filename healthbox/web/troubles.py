"""Silent trouble on pages: a finding about what sends, not about the body, with the way to it."""

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from flask import url_for

from healthbox.analytics.trouble import TROUBLES
from healthbox.notify import troubles
from healthbox.pipeline.analyse import Evidence
from healthbox.store.findings import FindingRow
from healthbox.store.people import Person
from healthbox.web.frame import href


class TroubleCard(NamedTuple):
    """``day`` is when it was found; ``told`` says where a message about it went; ``look`` and ``url`` lead to what it is about."""

    row: FindingRow
    headline: str
    words: str
    advice: tuple[str, ...]
    day: dt.date
    look: str
    url: str
    fired: int
    told: list[str]
    cured: bool


def split(rows: Iterable[FindingRow]) -> tuple[list[FindingRow], list[FindingRow]]:
    """What is about the body, and what is about the data."""
    all_of_them = list(rows)
    return [row for row in all_of_them if row.rule not in TROUBLES], [row for row in all_of_them if row.rule in TROUBLES]


def trouble_card(row: FindingRow, who: Person, fired: int = 0, told: list[str] | None = None) -> TroubleCard | None:
    """None for one that was taken back."""
    found = msgspec.json.decode(row.json, type=Evidence).findings
    if not found:
        return None
    last, zone = found[-1], ZoneInfo(who.zone)
    look, url = "See what arrives", href("data")
    if upload := last.words.get("upload"):
        look, url = "The last such upload", url_for("uploads.one", public=upload)
    elif row.metric.startswith("device:"):
        look, url = "The device", url_for("devices.one", device_id=int(row.metric.partition(":")[2]))
    return TroubleCard(
        row,
        troubles.headline(last, zone, who.locale),
        troubles.sentence(last, zone, who.locale),
        troubles.advice(last),
        row.started,
        look,
        url,
        fired,
        told or [],
        last.words.get("ended") == "cured",
    )
