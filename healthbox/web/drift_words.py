"""Words for how far our days lie from what the phone states of them, and for why. Pure: causes in, sentences out."""

import datetime as dt

from healthbox import render
from healthbox.analytics.drift import Cause
from healthbox.domain.catalogue import Metric
from healthbox.domain.layers import DATED
from healthbox.pipeline.compare import Pair
from healthbox.web.arriving import SENDERS
from healthbox.web.said import ADDED, Said

APPS = SENDERS | {"apple-health-export": "the Apple Health export"}
MADE_OF = {"raw": "from samples", "minute": "from minutes", "hour": "from hours"}
NIGHT = "sleep_analysis"


def app_name(app: str) -> str:
    """'health-auto-export' as people write it; a name that is none of ours stays as it is."""
    return APPS.get(app, app) or "the phone"


def percent(share: float | None, locale: str) -> str:
    """'+1.4 %', '0 %'; a whole number from ten on. Where nothing was stated there is no share."""
    if share is None:
        return "nothing stated"
    value = 100 * share
    digits = 0 if abs(value) >= 9.95 or abs(value) < 0.05 else 1
    return f"{render.signed(value, digits, locale)}{render.SPACE}%"


def apart(pair: Pair, metric: Metric, said: Said) -> str:
    """'−130 steps', 'the same'."""
    if not pair.apart:
        return "the same"
    return f"{'+' if pair.apart > 0 else render.MINUS}{said.apart(metric, pair.ours, pair.stated.value)}"


def when_stated(as_of: int | None, date: dt.date, said: Said) -> str:
    """'at 14:05', 'on 20 Nov at 06:10': when what is stated of ``date`` was said, by the clocks of the person's home."""
    if as_of is None:
        return ""
    day = dt.datetime.fromtimestamp(as_of / 1000, said.zone).date()
    clock = said.clock(as_of)
    if day == date:
        return f"at {clock}"
    year = f" {day.year}" if day.year != date.year else ""
    return f"on {render.short_date(day, said.locale)}{year} at {clock}"


def both(pair: Pair, metric: Metric, said: Said) -> str:
    """'8,990 steps from samples. 9,120 steps stated by Health Auto Export on 20 Nov at 06:10 (used).': which makes the day."""
    ours, stated = said.amount(metric, pair.ours), said.amount(metric, pair.stated.value)
    kind = "from sleep stages" if metric.key == NIGHT else MADE_OF[pair.kind]
    theirs = f"{stated} stated by {app_name(pair.stated.app)} {when_stated(pair.stated.as_of, pair.date, said)}".rstrip()
    mark = ("", " (used)") if pair.layer in DATED else (" (used)", "")
    return f"{ours} {kind}{mark[0]}. {theirs}{mark[1]}."


def beside(pair: Pair, metric: Metric, said: Said) -> str:
    """'8,990 steps here, 9,000 steps stated.': all that a day which agrees is worth."""
    return f"{said.amount(metric, pair.ours)} here, {said.amount(metric, pair.stated.value)} stated."


def why(causes: list[Cause], metric: Metric, said: Said) -> list[str]:
    """A sentence a cause; a number that could not be explained says so."""
    return [_sentence(cause, metric, said) for cause in causes]


def _sentence(cause: Cause, metric: Metric, said: Said) -> str:
    name = cause.name or "an unnamed source"
    amount = _amount(cause, metric, said)
    match cause.code:
        case "rounding":
            return "Rounding."
        case "early":
            over = "night" if metric.key == NIGHT else "day"
            return f"Stated at {said.clock(cause.at)}, before the {over} was over." if cause.at else f"Stated before the {over} was over."
        case "zone":
            return f"A journey ({name}): the phone may begin this day at another midnight."
        case "clock":
            return f"The clocks changed: this day had {render.number(cause.value or 0, 0, said.locale)} hours."
        case "naps":
            return f"The stated night holds naps as well, {amount}."
        case "missing":
            return f"It counts {name} too, of which no samples are here."
        case "extra":
            return f"We count {amount} of {name} too, which the statement does not name."
        case "doubled":
            return f"It adds up all sources: {amount}, measured by two at once, stand in it twice."
        case "alone":
            return f"It is what {name} alone measured, {amount}."
        case "overlap":
            return f"Sources overlapped: {amount} of {name} left out, a better one measured at the same time."
        case "left_out":
            return f"{name} is ranked lower and was left out with {amount}."
        case "coverage":
            usual = f", usually {_whole(cause.usual, said)}" if cause.usual is not None else ""
            return f"The samples cover only {_whole(cause.share or 0.0, said)} of the day{usual}."
        case "other":
            return f"{app_name(cause.name)} states {amount}, as we count."
    return "Nothing that is stored says why."


def _amount(cause: Cause, metric: Metric, said: Said) -> str:
    if cause.code in ("overlap", "left_out") and metric.aggregation not in ADDED:
        count = round(cause.value or 0)
        return f"{render.number(count, 0, said.locale)} reading{'' if count == 1 else 's'}"
    return str(said.amount(metric, cause.value))


def _whole(share: float, said: Said) -> str:
    return f"{render.number(100 * share, 0, said.locale)} %"
