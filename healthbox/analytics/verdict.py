"""The sentence on top of Today: the first of seven rules that holds. Never advice, never praise, never a cause.

1. nothing for last night  2. still learning  3. a clinical finding is open  4. two or more readings outside  5. one outside, or
an open episode  6. something moved over 28 days  7. a usual night
"""

from collections.abc import Sequence

import msgspec

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth")


class Away(msgspec.Struct, frozen=True):
    """A reading outside its usual range, or an open episode. ``name`` as in "resting pulse"; ``mornings`` in a row."""

    name: str
    above: bool
    mornings: int = 1


class Situation(msgspec.Struct, frozen=True):
    """What is known this morning. Times and the texts of findings and changes come in as words, already in the person's units.

    ``readings`` counts the night readings that could be compared; ``outside`` are those of today's that lie outside;
    ``episodes`` the open ones; ``clinical`` and ``changes`` whole sentences, the most important first.
    """

    has_night: bool
    nights: int
    needed: int = 14
    last_source: str = ""  # "watch"
    last_sent: str = ""  # "23:10"
    clinical: Sequence[str] = ()
    outside: Sequence[Away] = ()
    episodes: Sequence[Away] = ()
    changes: Sequence[str] = ()
    readings: int = 0
    window: int = 42


def verdict(now: Situation) -> tuple[str, str]:
    """The sentence, and the one below it ("" when there is nothing to add)."""
    below = _inside(now)
    if not now.has_night:
        seen = f" Your {now.last_source or 'device'} last sent at {now.last_sent}." if now.last_sent else ""
        return f"No data for last night yet.{seen}", ""
    if now.nights < now.needed:
        return f"Getting to know you: {now.nights} of {now.needed} nights.", "Your usual range shows once they are there."
    if now.clinical:
        return now.clinical[0], below
    if len(now.outside) >= 2:
        return "Several readings are away from your usual.", below
    away = [*now.outside, *now.episodes]
    if away:
        return f"Mostly your usual self. {_away(away[0], now)}", below
    if now.changes:
        return f"Usual night. {now.changes[0]}", below
    return "A usual night.", below


def _away(away: Away, now: Situation) -> str:
    # the open episode knows for how long; a reading alone knows only today
    mornings = max([away.mornings, *(e.mornings for e in now.episodes if (e.name, e.above) == (away.name, away.above))])
    side = "up" if away.above else "down"
    if mornings < 2:
        return f"Your {away.name} is {side} this morning."
    return f"Your {away.name} is {side} for the {_ordinal(mornings)} morning."


def _inside(now: Situation) -> str:
    if not now.readings:
        return ""
    whole, count = _number(now.readings), now.readings - len(now.outside)
    if count == now.readings:
        some = "The one night reading sits" if count == 1 else f"All {whole} night readings sit"
    else:
        some = f"{_number(count).capitalize() if count else 'None'} of {whole} night readings {'sits' if count == 1 else 'sit'}"
    return f"{some} inside your own usual range of the last {now.window} nights."


def _number(n: int) -> str:
    return _NUMBERS[n] if n < len(_NUMBERS) else str(n)


def _ordinal(n: int) -> str:
    if n <= len(_ORDINALS):
        return _ORDINALS[n - 1]
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"
