"""The cards of one night: sentence, hypnogram and pulse on one axis, facts, stages against one's own usual.

Words and geometry from rows; nothing here reads or asks.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from healthbox.analytics.baseline import Baseline
from healthbox.domain.catalogue import Metric
from healthbox.render import DASH, Quantity, duration, number, quantity, usual, usual_range
from healthbox.store.night_reading import Pulse, Slept
from healthbox.web import charts, rhythm, timelines
from healthbox.web.slots import Slots, slotted
from healthbox.web.timelines import Hypnogram
from healthbox.web.wallclock import Reader

MINUTES = Metric(key="asleep", label="Asleep", unit="min", display_unit="min")
STAGES = (("deep", "Deep"), ("core", "Core"), ("rem", "REM"), ("awake", "Awake"))
WORDS = dict(STAGES) | {"asleep_unspecified": "Asleep", "in_bed": "In bed"}
PULSE_SLOT = 5 * 60_000
PULSE_MOST = 48  # each is a row of the table too
HALF_HOUR = 1_800_000
Night = Mapping[str, Any]

_PLACES = {
    "below": "less than your usual", "short": "at the short end of your usual", "usual": "in your usual range",
    "long": "at the long end of your usual", "above": "more than your usual",
}  # fmt: skip


def sentence(night: Night | None, usual_sleep: Baseline, *, last_night: bool) -> str:
    if night is None:
        return "No data for last night yet." if last_night else "No sleep was recorded for this night."
    if night["estimated"]:
        return f"{duration(night['in_bed'] or 0)} in bed. Sleep itself was not measured."
    if night["asleep"] is None:
        return "Only naps were recorded for this day."
    asleep = f"{duration(night['asleep'])} asleep"
    place = rhythm.place(night["asleep"], usual_sleep)
    return f"{asleep}. {learning(usual_sleep)}." if place == "learning" else f"{asleep}, {_PLACES[place]}."


def learning(base: Baseline) -> str:
    return f"Learning your usual: {base.n} of {base.needed} nights"


def below_sentence(bed: float | None, wake: float | None) -> str:
    """What moved over four weeks, where something did: a quarter of an hour or more."""
    said = [_moved("fall asleep", bed), _moved("wake", wake)]
    if all(abs(shift or 0) < rhythm.CLOCK_FLOOR for shift in (bed, wake)) or not all(said):
        return ""
    return f"Over the last four weeks you {said[0]} and {said[1]} than in the four before."


def _moved(verb: str, shift: float | None) -> str:
    if shift is None:
        return ""
    minutes = round(abs(shift))
    return f"{verb} {duration(minutes)} {'later' if shift > 0 else 'earlier'}" if minutes >= 5 else f"{verb} no earlier or later"


def clock_note(night: Night, reader: Reader) -> str:
    """Where the clock is not the reader's own, or changed in the night."""
    if night["start"] is None:
        return ""
    start, end = (reader.local(night[edge], night["zone"]) for edge in ("start", "end"))
    notes = []
    home = reader.local(night["end"])
    if home.utcoffset() != end.utcoffset():
        place = str(end.tzinfo).rpartition("/")[2].replace("_", " ")
        notes.append(f"Times are on the clock of that night ({place}).")
    shift = (end.utcoffset() or dt.timedelta()) - (start.utcoffset() or dt.timedelta())
    if shift:
        way = "forward" if shift > dt.timedelta() else "back"
        notes.append(f"The clocks went {way} that night; it is drawn at its true length.")
    return " ".join(notes)


def hypnogram(night: Night, reader: Reader) -> tuple[Hypnogram, dict[str, Any], str]:
    """The drawing, its table and the sentence that says it; the axis is the night itself, from falling asleep to waking."""
    start, end, zone = night["start"], night["end"], night["zone"]
    spans = [span for span in night["spans"] if span[2] != "in_bed"]
    ticks = hour_ticks(start, end, zone, reader)
    drawn = timelines.hypnogram([("asleep" if s == "asleep_unspecified" else s, a, b) for a, b, s in spans], start, end, ticks=ticks)
    if not any(stage in ("core", "deep", "rem") for _, _, stage in spans):
        drawn = _two_lanes(drawn)
    rows = [(reader.clock(a, zone), WORDS[stage], duration((b - a) / 60_000)) for a, b, stage in spans]
    data = {"caption": "Stages of the night", "columns": ("From", "Stage", "For"), "rows": rows, "xs": drawn.xs}
    return drawn, data, _told(night, reader)


def _told(night: Night, reader: Reader) -> str:
    start, end, zone = night["start"], night["end"], night["zone"]
    when = f"Asleep {reader.clock(start, zone)}{DASH}{reader.clock(end, zone)}"
    if not night["spans"]:
        return f"{when}."
    deep = [(a, b) for a, b, stage in night["spans"] if stage == "deep"]
    if not deep:
        return f"{when}." if any(s in ("core", "rem") for _, _, s in night["spans"]) else f"{when}; the source tells no stages."
    third = (end - start) / 3
    shares = [sum(max(0, min(b, start + third * (i + 1)) - max(a, start + third * i)) for a, b in deep) for i in range(3)]
    most = ("first", "middle", "last")[shares.index(max(shares))]
    return f"{when}, most of the deep sleep in the {most} third."


def _two_lanes(h: Hypnogram) -> Hypnogram:
    """Without stages there are two lanes: empty ones would say that no deep sleep was found."""
    step = h.lanes[1].at
    blocks = tuple(replace(block, y=0.0 if block.state == "awake" else step) for block in h.blocks)
    links = tuple(replace(link, top=2.0, bottom=step + h.lane - 2) for link in h.links)
    bottom = step + h.lane
    lanes = (h.lanes[0], replace(h.lanes[1], text="Asleep"))
    return replace(h, height=h.height - h.bottom + bottom, bottom=bottom, lanes=lanes, blocks=blocks, links=links)


def unmeasured(date: dt.date, bed: Baseline, wake: Baseline, reader: Reader) -> tuple[Hypnogram, str]:
    """A night without data: hatched, over the hours that it usually takes."""
    noon = reader.noon(date - rhythm.DAY)
    low = noon + int((bed.centre if bed.centre is not None else 660) * 60_000) // HALF_HOUR * HALF_HOUR
    high = max(low + HALF_HOUR, noon + int((wake.centre if wake.centre is not None else 1140) * 60_000) // HALF_HOUR * HALF_HOUR)
    drawn = timelines.hypnogram([], low, high, ticks=hour_ticks(low, high, "", reader))
    return drawn, f"No sleep data for the night to {reader.date(date)}."


def hour_ticks(start: int, end: int, zone: str, reader: Reader) -> list[tuple[int, str]]:
    begin, stop = reader.local(start, zone), reader.local(end, zone)
    every = 1 if end - start <= 5 * 3_600_000 else 2
    marks = timelines.hour_marks(begin, stop, every)
    return [(int(mark.timestamp() * 1000), reader.hour(mark)) for mark in marks]


def pulse(night: Night, measured: Pulse, resting: Baseline, reader: Reader) -> dict[str, Any] | None:
    """The pulse under the hypnogram, on the same axis; None when hardly anything was measured."""
    start, end, zone = night["start"], night["end"], night["zone"]
    slots = slotted([(at, mean) for at, mean, _ in measured.readings], start, end, least=PULSE_SLOT, most=PULSE_MOST)
    if len(slots.known) < 6:
        return None
    band = None if resting.low is None or resting.high is None else (resting.low, resting.high)
    drawn = charts.line(slots.values, band, height=132, least=20, smooth=False, word=lambda v: number(v, 0, reader.locale))
    ticks = (charts.Tick(round(100 * (at - start) / (end - start), 2), text) for at, text in hour_ticks(start, end, zone, reader))
    drawn = replace(drawn, dots=(), x_ticks=tuple(ticks))
    rows = _pulse_rows(slots, zone, reader)
    least, most = min(slots.known), max(slots.known)
    keys = [("bandf", "your usual resting pulse")] if band else []
    if drawn.gaps:
        keys.append(("nodata", "no readings"))
    return {
        "plot": drawn, "legend": keys,
        "summary": f"{usual_range(least, most, 0, reader.locale)} bpm, each point the average of {duration(slots.step / 60_000)}.",
        "data": {"caption": "Pulse through the night", "columns": ("From", "Pulse"), "rows": rows, "xs": drawn.xs},
        "source": measured.source,
    }  # fmt: skip


def _pulse_rows(slots: Slots, zone: str, reader: Reader) -> list[tuple[str, str]]:
    return [
        (reader.clock(slots.start + slots.step * index, zone), "no readings" if value is None else f"{number(value, 0, reader.locale)} bpm")
        for index, value in enumerate(slots.values)
    ]


def facts(night: Night, measured: Pulse | None, reader: Reader) -> list[tuple[str, Quantity, str]]:
    zone, stated = night["zone"], night["stated"]
    start = Quantity("not stated", known=False) if night["start"] is None else Quantity(reader.clock(night["start"], zone))
    latency = "" if night["latency"] is None else f"{duration(night['latency'])} after lying down"
    efficiency = night["efficiency"]
    in_bed = "" if night["in_bed"] is None else f"of {duration(night['in_bed'])} in bed"
    known = [least for _, _, least in measured.readings] if measured else []
    lowest = Quantity(number(min(known), 0, reader.locale), "bpm") if known else Quantity("no pulse was measured", known=False)
    return [
        ("Fell asleep", start, latency),
        ("Efficiency", Quantity("time in bed not stated" if stated else "time in bed not recorded", known=False) if efficiency is None
         else Quantity(number(efficiency * 100, 0, reader.locale), "%"), in_bed if efficiency is not None else ""),
        ("Woke in between", *_woken(night)),
        ("Lowest pulse", lowest, ""),
    ]  # fmt: skip


def _woken(night: Night) -> tuple[Quantity, str]:
    times = sum(stage == "awake" for _, _, stage in night["spans"])
    if night["awake"] is None:
        return Quantity("not stated" if night["stated"] else "the source does not tell", known=False), ""
    if not night["spans"]:
        return quantity(MINUTES, night["awake"]), "in all"
    return Quantity(str(times), "time" if times == 1 else "times"), f"{duration(night['awake'])} in all" if night["awake"] else ""


def stages(night: Night, nights: Sequence[Slept], on: dt.date) -> list[dict[str, Any]]:
    """One row a stage that the source tells, against the usual of that source's nights."""
    rows = []
    for key, name in STAGES:
        value = night[key]
        if value is None:
            continue
        base = rhythm.usual_stage(nights, key, on, night["name"])
        past = [v for n in nights[-14:] if n.date < on and n.name == night["name"] and (v := getattr(n, key)) is not None]
        band = None if base.low is None or base.high is None else (base.low, base.high)
        strip = charts.strip(value, band, past)
        words = learning(base)
        if band:
            side = {"above": "above your usual", "below": "below your usual"}.get(strip.state, "in your usual")
            words = f"{side} {usual(MINUTES, *band)}"
        rows.append({"name": name, "quantity": quantity(MINUTES, value), "strip": strip, "words": words, "swatch": f"st-{key}"})
    return rows


def is_staged(night: Night) -> bool:
    return any(night[key] is not None for key in ("core", "deep", "rem"))


def shares(night: Night) -> tuple[timelines.Part, ...]:
    """The night cut into its stages; nothing where the source tells none, for time awake alone is no whole."""
    return () if not is_staged(night) else timelines.shares([(key, night[key]) for key, _ in STAGES if night[key]])


def sources(night: Night) -> str:
    """Who else measured, and why only one counts."""
    others = [f"{name or 'another source'} measured too ({duration(asleep)} asleep)" for name, asleep, *_ in night["alternates"]]
    if not others:
        return ""
    first = others[0][:1].upper() + others[0][1:]
    rule = "One source counts per night: stages before none, then your order of sources, then the longer sleep."
    return f"{'; '.join([first, *others[1:]])}. {rule}"
