"""The words of silent trouble: what stopped, since when, and what to do about it."""

import datetime as dt
from collections.abc import Mapping
from typing import Protocol

from healthbox import render
from healthbox.notify.messages import TITLE, Detail, linked

KEPT_LOCKED = (
    "Unlock the phone and open the app that sends: a locked phone can read no health data, and the system stops work in the background."
)
MAY = "May the app still read your data? In Health: your picture → Apps; on Android: Health Connect → App permissions."
SPAN = (
    'Look at the span that the app sends. In Health Auto Export: an hourly automation "Since Last Sync" and a daily one "Previous 7 Days"; '
    "in a Shortcut: the dates of Find Health Samples."
)
ADVICE = {
    "looping": (
        "Open the app that sends, with the phone unlocked, and let one sync run to its end.",
        "If it goes on, switch its automation off and on again, or have it start over: nothing is counted twice here.",
    ),
    "duplicates": (SPAN, MAY),
    "refused": ("The receipt of the upload says why each record was refused.", "An update of the app may have changed how it writes."),
    "empty": (KEPT_LOCKED, MAY),
    "device": (
        KEPT_LOCKED,
        "Is its automation still on, and does it get an answer from this address? A new token is needed when its own was revoked.",
    ),
    "watch": (
        "Is it charged, worn and near the phone? Open its app on the phone, so that it hands over what it has.",
        MAY,
    ),
    "source": (
        "Is it switched on and connected to the phone? Open its own app, so that it hands over what it has.",
        'If you no longer use it, say so with "I know the reason".',
    ),
}


class Found(Protocol):
    @property
    def rule(self) -> str: ...
    @property
    def metric(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def words(self) -> Mapping[str, str | float]: ...


def headline(found: Found, zone: dt.tzinfo, locale: str) -> str:
    """'Alice’s phone has not sent since 18 Nov 08:38', without its full stop."""
    name, since = found.words["name"] or "A device", moment(found.words["since"], zone, locale)
    kind = _kind(found)
    if kind == "looping":
        return f"{name} has sent the same again and again since {since}"
    if kind == "refused":
        return f"Everything from {name} is refused since {since}"
    if kind == "empty":
        return f"{name} sends, but no new reading since {since}"
    return f"{name} has not sent since {since}" if kind == "device" else f"Nothing new from {name} since {since}"


def sentence(found: Found, zone: dt.tzinfo, locale: str) -> str:
    """What is known about it; for one that is over, how it ended."""
    words, kind = found.words, _kind(found)
    if "until" in words:
        until = moment(words["until"], zone, locale)
        return f"Over since {until}: new data came." if words.get("ended") == "cured" else f"Closed {until}: nobody waits for it any more."
    times = render.number(found.value, 0, locale)
    if kind == "looping":
        return f"The same upload came {times} times. Each was accepted, so the app looks fine, but nothing newer gets through."
    if kind in ("duplicates", "refused"):
        held = "were all refused" if kind == "refused" else "are all known already"
        return f"It does send: {times} uploads since then, with records that {held}."
    if kind == "empty":
        return "Its uploads arrive, and none of its sources is in them."
    longest = f" The longest silence until then was {render.duration(float(words['longest']) / 60_000)}." if "longest" in words else ""
    return f"{words.get('phone')} still sends, so the phone is not the cause.{longest}" if kind != "device" else longest.strip()


def advice(found: Found) -> tuple[str, ...]:
    """What to try, the likeliest first."""
    return ADVICE[_kind(found)]


def message(found: Found, detail: Detail, zone: dt.tzinfo, locale: str, base_url: str = "") -> tuple[str, str]:
    """Title and body, as much as the channel may tell; no name of a device below ``values``."""
    if detail == "nothing":
        return TITLE, linked("healthbox has something for you.", base_url, "/findings")
    if detail == "metric":
        return "Your data needs a look", linked("Something that usually sends has stopped bringing new data.", base_url, "/findings")
    said = headline(found, zone, locale)
    return said, linked(f"{said}. {sentence(found, zone, locale)} {advice(found)[0]}".replace("  ", " "), base_url, "/findings")


def moment(at: str | float, zone: dt.tzinfo, locale: str) -> str:
    """'18 Nov 08:38', from ms."""
    local = dt.datetime.fromtimestamp(float(at) / 1000, dt.UTC).astimezone(zone)
    return f"{render.short_date(local.date(), locale)} {render.clock_time(local, locale)}".replace(" ", render.SPACE)


def _kind(found: Found) -> str:
    cause = str(found.words.get("cause", ""))
    if cause or found.rule != "silent":
        return cause or found.rule
    if found.metric.startswith("device:"):
        return "device"
    return "watch" if found.words.get("kind") in ("watch", "ring", "strap") else "source"
