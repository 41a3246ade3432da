"""Wall clocks: instants on the clock of where they happened, in the words of who reads them."""

import datetime as dt
import functools
from dataclasses import dataclass
from typing import cast

from healthbox import render
from healthbox.domain.clock import ZoneHistory, known_zone, zone_of
from healthbox.render import Units
from healthbox.store import people
from healthbox.store.people import Person
from healthbox.web.database import reading
from healthbox.web.house import now


@dataclass(frozen=True)
class Reader:
    """Who reads the page: their words, their today, and where they were when."""

    locale: str
    units: Units
    today: dt.date
    zones: ZoneHistory
    home: dt.tzinfo | None = None  # the one zone of who never moved: nothing to look up then

    def local(self, ms: int, zone: str = "") -> dt.datetime:
        """The moment in ``zone`` when an event states one, else in the person's zone of that time."""
        return dt.datetime.fromtimestamp(ms / 1000, known_zone(zone) or self.home or zone_of(self.zones.zone_at(ms)))

    def clock(self, ms: int, zone: str = "") -> str:
        moment = self.local(ms, zone)
        return _clock(moment.hour * 60 + moment.minute, self.locale)

    def minute(self, minutes: float) -> str:
        """Minutes since a noon as a clock time."""
        return _clock((round(minutes) + 720) % 1440, self.locale)

    def hour(self, moment: dt.datetime) -> str:
        """A full hour beside an axis: '06:00' or '6 AM'."""
        word = render.hour_word(moment, self.locale)
        return f"{word}:00" if word.isdigit() else word

    def date(self, day: dt.date) -> str:
        return render.date_words(day, self.today, self.locale)

    def short(self, day: dt.date) -> str:
        return render.short_date(day, self.locale)

    def noon(self, day: dt.date) -> int:
        """The instant of the middle of a date, on the person's own clock."""
        start, end = self.zones.bounds(day)
        return (start + end) // 2


@functools.lru_cache(maxsize=4096)
def _clock(minute: int, locale: str) -> str:
    """A minute of the day as a clock time; a page says hundreds of them."""
    return render.clock_time(dt.datetime(2000, 1, 1, minute // 60, minute % 60, tzinfo=dt.UTC), locale)


def reader(person: Person) -> Reader:
    history = people.zone_history(reading(), person.id)
    zones = ZoneHistory(history)
    home = zone_of(history[0][1]) if len(history) == 1 else None
    return Reader(person.locale, cast(Units, person.units), zones.local_date(now()), zones, home)
