"""Numbers of metrics in one person's words: ``render`` with their units and locale, for what Python has to say itself."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any, cast

from healthbox import render
from healthbox.domain.catalogue import Catalogue, Metric
from healthbox.domain.units import for_display
from healthbox.render import Quantity, Units
from healthbox.store.people import Person
from healthbox.web import usual

PLAIN = Catalogue.load()
HUES = {
    "heart": "heart", "respiratory": "heart", "vitals": "heart", "sleep": "sleep", "mindfulness": "sleep",
    "activity": "move", "mobility": "move", "workout": "move",
}  # fmt: skip
SOURCES = {
    "manual": "typed in", "watch": "watch", "ring": "ring", "strap": "strap", "phone": "phone", "scale": "scale", "app": "app",
    "provider": "provider",
}  # fmt: skip
DRIFT = 0.01  # as a share: nearer than that, the phone's total and ours are one number
ADDED = ("sum", "duration", "count")
NAMES = {reading.key: reading.name for reading in (*usual.NIGHTLY, *usual.MOVEMENT, *usual.BODY)}
NAMES |= {"heart_rate": "Pulse", "sleep_analysis": NAMES["asleep"]}
TITLED = re.compile(r"(?<!^)\b[A-Z][a-z]+\b")


def hue_of(metric: Metric) -> str:
    return HUES.get(metric.category, "body")


def name_of(metric: Metric) -> str:
    """The one name of a metric on every page: Today's, else the catalogue's in the case of a sentence; people's own names as they are."""
    if metric.key in NAMES:
        return NAMES[metric.key]
    return TITLED.sub(lambda word: word[0].lower(), metric.label) if PLAIN.get(metric.key) else metric.label


@dataclass(frozen=True)
class Said:
    """The words of one person; ``now`` in ms, ``zone`` theirs."""

    units: Units
    locale: str
    now: int
    zone: dt.tzinfo

    @classmethod
    def of(cls, person: Person, now: int, zone: dt.tzinfo) -> "Said":
        return cls(cast(Units, person.units), person.locale, now, zone)

    def amount(self, metric: Metric, value: float | None, missing: str = "no data") -> Quantity:
        return render.quantity(metric, value, self.units, self.locale, missing=missing)

    def usual(self, metric: Metric, band: tuple[float, float], *, unit: bool = False) -> str:
        """'52–57', with its unit where that is asked for or part of the number."""
        said = render.usual(metric, *band, self.units, self.locale)
        word = self.amount(metric, band[1]).unit
        return f"{said}{render.SPACE}{word}" if unit and word and not render.is_duration(metric) else said

    def apart(self, metric: Metric, value: float, other: float) -> Quantity:
        """How far two values lie apart, without a sign: 5 ms, 31 min, 0.9 kg."""
        if render.is_duration(metric):
            return self.amount(metric, abs(value - other))
        (one, unit), (two, _) = for_display(metric, value, self.units), for_display(metric, other, self.units)
        digits = render.digits_for(metric.key, unit, max(abs(one), abs(two)))
        if round(abs(one - two), digits) == 0:
            digits += 1
        return Quantity(render.number(abs(one - two), digits, self.locale), self.amount(metric, value).unit)

    def axis(self, metric: Metric) -> Any:
        """Turns an axis value into text, without its unit; hours where the metric is a duration."""
        if render.is_duration(metric):
            hours = 60 if metric.unit == "min" else 1

            def in_hours(value: float) -> str:
                return (
                    f"{render.number(value / hours, 0 if value % hours == 0 else 1, self.locale)} h" if value >= hours else f"{value:g} min"
                )

            return in_hours

        def word(value: float) -> str:
            shown, unit = for_display(metric, value, self.units)
            digits = 0 if abs(shown) >= 10 and shown == round(shown) else max(1, render.digits_for(metric.key, unit, shown))
            return render.number(shown, 0 if shown == round(shown) else digits, self.locale)

        return word

    def clock(self, instant: int, zone: dt.tzinfo | None = None) -> str:
        return render.clock_time(dt.datetime.fromtimestamp(instant / 1000, zone or self.zone), self.locale)

    def minutes_since_noon(self, minutes: float) -> str:
        hour, minute = divmod(round(minutes + 720) % 1440, 60)
        return render.clock_time(dt.datetime(2000, 1, 1, hour, minute, tzinfo=dt.UTC), self.locale)

    def ago(self, instant: int) -> str:
        return render.ago(instant, self.now, self.zone, self.locale)

    def sent(self, instant: int) -> str:
        """'23:10', with the day when it is longer ago than yesterday."""
        moment = dt.datetime.fromtimestamp(instant / 1000, self.zone)
        today = dt.datetime.fromtimestamp(self.now / 1000, self.zone).date()
        clock = render.clock_time(moment, self.locale)
        return clock if (today - moment.date()).days < 2 else f"{clock} on {render.date_words(moment.date(), today, self.locale)}"


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
