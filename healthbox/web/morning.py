"""What Today says of one day: its situation for the verdict, and each card as plain values for the template."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from healthbox import render
from healthbox.analytics.rules.contract import Finding
from healthbox.analytics.verdict import Away, Situation, verdict
from healthbox.domain.catalogue import Metric
from healthbox.pipeline.analyse import Evidence
from healthbox.store.findings import FindingRow
from healthbox.store.freshness import Arrival
from healthbox.store.pages_reading import Window
from healthbox.web import charts, usual
from healthbox.web.frame import href
from healthbox.web.said import PLAIN, Said, capital, name_of
from healthbox.web.usual import DAY, Change, Judged, Reading

BY_KEY = {reading.key: reading for reading in (*usual.NIGHTLY, *usual.MOVEMENT, *usual.BODY, usual.BEDTIME)}
COUNTS = ("no", "one", "two", "three", "four", "five")
ORDINALS = ("", "", "second", "third", "fourth", "fifth", "sixth", "seventh")
SPARK = 30
ALARMING = ("warn", "urgent")


@dataclass
class Morning:
    """A day as it is known: ``rows`` hold day values and what nights hold, by metric; ``found`` its findings, the gravest first."""

    date: dt.date
    today: dt.date
    zone: ZoneInfo
    said: Said
    window: Window
    arrivals: list[Arrival]
    rows: dict[str, list[Any]] = field(init=False)
    found: list[tuple[FindingRow, list[Finding]]] = field(default_factory=list)
    courses: list[usual.Course] = field(init=False)
    nightly: list[Judged] = field(init=False)
    changed: list[Change] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = usual.with_nights(self.window.points, self.window.nights, self.zone)

    def judge(self, findings: Sequence[FindingRow]) -> "Morning":
        for row in findings:
            days = msgspec.json.decode(row.json, type=Evidence).findings
            until = [finding for finding in days if finding.date <= self.date]
            still_open = self.is_today and row.state == "open"
            if until and (still_open or any(finding.date == self.date for finding in until)):
                self.found.append((row, until))
        self.found.sort(key=lambda pair: (not is_crit(pair[0]), -pair[0].latest.toordinal()))
        self.courses = usual.courses(self.rows, usual.flagged(findings))
        self.nightly = usual.night_readings(self.courses, self.date)
        self.changed = usual.changes(self.rows, self.date, self.date - DAY if self.is_today else self.date)
        return self

    @property
    def is_today(self) -> bool:
        return self.date >= self.today

    @property
    def has_night(self) -> bool:
        return any(judged.value is not None for judged in self.nightly)

    # ── the sentence ──

    def sentence(self) -> tuple[str, str, str, str]:
        """The verdict as text before, inside and after what is set in the colour of attention, and the sentence below it."""
        if not self.nightly:
            below = "Your usual shows once readings of fourteen nights are there."
            return "Nothing from your nights yet.", "", "", below
        if not self.has_night and not self.is_today:
            return "No data for this night.", "", "", capital(f"{self.reason()}.") if self.reason() != "no data" else ""
        situation = self.situation()
        head, below = verdict(situation)
        for away in (*situation.outside, *situation.episodes):
            words = f"{away.name} is {'up' if away.above else 'down'}"
            before, mark, after = head.partition(words)
            if mark:
                return before, mark, after, below
        return head, "", "", below

    def situation(self) -> Situation:
        outside = [Away(judged.reading.said, judged.state == "above", judged.mornings) for judged in self.nightly if judged.outside]
        outside.sort(key=lambda away: -away.mornings)
        names = {away.name for away in outside}
        episodes = [
            Away(BY_KEY[row.metric].said, days[-1].direction == "above")
            for row, days in self.found if row.rule == "deviation" and row.metric in BY_KEY and BY_KEY[row.metric].said not in names
        ]  # fmt: skip
        sender = next((a for a in self.arrivals if a.kind == "watch"), self.arrivals[0] if self.arrivals else None)
        return Situation(
            has_night=self.has_night,
            nights=max((judged.usual.n for judged in self.nightly), default=0),
            last_source="watch" if sender and sender.kind == "watch" else "phone" if sender and sender.kind == "phone" else "",
            last_sent=self.said.sent(sender.newest) if sender else "",
            clinical=[self.limit_words(days[-1]) for row, days in self.found if is_crit(row)],
            outside=outside,
            episodes=episodes,
            changes=[self.change_words(change) for change in self.changed],
            readings=sum(judged.state in ("usual", "above", "below") for judged in self.nightly),
        )

    def reason(self) -> str:
        """Why there is nothing of this night, as far as we know it."""
        if self.is_today:
            watch = next((a for a in self.arrivals if a.kind == "watch"), None)
            return f"watch last sent {self.said.sent(watch.newest)}" if watch else "no data yet"
        steps = usual.on_day(self.rows.get("steps", ()), self.date)
        worn = any(share.kind == "watch" for share in steps.shares) if steps else None
        return "watch not worn" if worn is False else "no data"

    # ── cards ──

    def ribbon(self, days: int = 7) -> list[tuple[str, str, str, str, bool]]:
        """The week around the day, ending today where it can: (address, weekday, words, state, current)."""
        last = week_end(self.date, self.today, days)
        found = []
        for back in range(days - 1, -1, -1):
            date = last - DAY * back
            state = usual.day_state(self.courses, date)
            words = {"none": "no data", "above": "above your usual", "below": "below your usual"}.get(state, state)
            address = href("today") if date == self.today else href("today", date=date.isoformat())
            said = render.short_date(date, self.said.locale)
            found.append((address, render.weekday_word(date, self.said.locale), f"{said}: {words}", state, date == self.date))
        return found

    def readings(self) -> list[dict[str, Any]]:
        """The rows of "Against your usual"; movement stands among them once its day is over."""
        rows = [self._row(judged) for judged in self.nightly]
        for reading in () if self.is_today else usual.MOVEMENT[:2]:
            values = self.rows.get(reading.key, [])
            band, now = usual.movement_usual(values, self.date), usual.on_day(values, self.date)
            if now and band:
                state: usual.State = "usual" if band[0] <= now.value <= band[1] else "above" if now.value > band[1] else "below"
                rows.append(self._row(Judged(reading, now.value, usual.ranged(band), state, 1)))
        return rows + self._weight()

    def _row(self, judged: Judged) -> dict[str, Any]:
        reading, metric = judged.reading, metric_of(judged.reading)
        values = usual.filled(self.rows[reading.key], self.date, SPARK)
        band, missing = judged.band, "not in yet" if self.is_today else self.reason()
        return {
            "name": reading.name, "quantity": self.said.amount(metric, judged.value, missing), "hue": reading.hue,
            "strip": charts.strip(judged.value, band, [v for v in values[:-1] if v is not None][-9:] if judged.value is not None else ()),
            "spark": charts.spark(values, band), "words": self.row_words(judged), "href": self.why(reading, judged.value is not None),
            "after": f", {ORDINALS[judged.mornings]} morning" if judged.outside and 1 < judged.mornings < len(ORDINALS) else "",
        }  # fmt: skip

    def row_words(self, judged: Judged) -> str:
        if judged.band is None:
            return f"Learning your usual: {judged.usual.n} of {judged.usual.needed} nights"
        said = self.said.usual(metric_of(judged.reading), judged.band)
        return {"above": "above your usual ", "below": "below your usual ", "none": "your usual "}.get(
            judged.state, "in your usual "
        ) + said

    def _weight(self) -> list[dict[str, Any]]:
        """Weight is weighed now and then: the last value keeps its date."""
        reading = usual.BODY[0]
        rows = [row for row in self.rows.get(reading.key, ()) if self.date - DAY * 42 <= row.date <= self.date]
        if not rows:
            return []
        last, metric, band = rows[-1], metric_of(reading), usual.body_usual(self.rows[reading.key], self.date)
        if band is None:
            return []
        side = {"above": "above", "below": "below"}.get(charts.against(last.value, band), "in")
        words = f"{side} your usual {self.said.usual(metric, band)}"
        spark = charts.spark(usual.filled(rows, last.date, SPARK), band)
        return [{
            "name": reading.name, "quantity": self.said.amount(metric, last.value), "hue": "body", "strip": charts.strip(last.value, band),
            "spark": replace(spark, lines=joined(spark.lines), gaps=()),
            "words": words, "href": href("why", key=reading.key, date=last.date.isoformat()),
            "after": "" if last.date == self.date else f"; {render.day_words(last.date, self.date, self.said.locale)}",
        }]  # fmt: skip

    def why(self, reading: Reading, known: bool) -> str:
        """The account of a number: its Why, or the night's page for what nights hold."""
        if reading.metric is not None:
            return href("sleep", date=self.date.isoformat())
        return href("why", key=reading.key, date=self.date.isoformat()) if known else href("metric", key=reading.key)

    def findings(self, most: int = 3) -> list[dict[str, Any]]:
        return [self._finding(row, days) for row, days in self.found[:most]]

    def _finding(self, row: FindingRow, days: list[Finding]) -> dict[str, Any]:
        latest, crit = days[-1], is_crit(row)
        reading = BY_KEY.get(row.metric) or Reading(row.metric, _label(row.metric), _label(row.metric), "body")
        metric = metric_of(reading)
        band = (latest.low, latest.high) if latest.low is not None and latest.high is not None else None
        run = [finding for back, finding in enumerate(reversed(days)) if finding.date == latest.date - DAY * back][::-1]
        text = self.limit_words(latest)
        if band:
            edge = band[1] if latest.direction == "above" else band[0]
            side = "above the top" if latest.direction == "above" else "below the bottom"
            text = f"{self.said.apart(metric, latest.value, edge)} {side} of your usual {self.said.usual(metric, band)}."
        if len(run) > 1 and row.rule == "deviation":
            listed = ", ".join(self.said.amount(metric, finding.value).number for finding in run[-5:])
            text += f" {listed} on the last {COUNTS[len(run[-5:])]} mornings."
        values = usual.filled(self.rows.get(row.metric, ()), latest.date, SPARK)
        name = "Sleep over seven nights" if row.rule == "clinical" and row.metric == "asleep" else reading.name
        amount = self.said.amount(metric, latest.value)
        eyebrow = "Unusual for you" if row.rule == "deviation" else "Beyond a published limit"
        return {
            "id": row.id, "crit": crit, "eyebrow": eyebrow, "state": "clinical" if crit else latest.direction, "title": f"{name} {amount}",
            "text": text, "spark": charts.spark(values, band, 96) if sum(v is not None for v in values) > 1 else None, "hue": reading.hue,
            "name": name, "number": amount.number, "why": self._why_found(reading, latest.date), "since": len(days), "note": row.note or "",
            "open": row.state == "open",
        }  # fmt: skip

    def _why_found(self, reading: Reading, date: dt.date) -> str:
        if reading.metric is not None:
            return href("sleep", date=date.isoformat())
        return href("why", key=reading.key, date=date.isoformat())

    def limit_words(self, found: Finding) -> str:
        """A passed limit as a sentence, with whose limit it is."""
        reading = BY_KEY.get(found.metric)
        metric = metric_of(reading) if reading else (PLAIN.get(found.metric) or Metric(key=found.metric, label=found.metric))
        limit = found.high if found.direction == "above" else found.low
        if found.metric.endswith("_event") or found.metric == "falls" or limit is None:
            return f"Your device reported: {_label(found.metric)}."
        named = "Your sleep over seven nights" if found.metric == "asleep" else f"Your {reading.said if reading else _label(found.metric)}"
        amounts = self.said.amount(metric, found.value), self.said.amount(metric, limit)
        return f"{named}, {amounts[0]}, is {found.direction} the {found.words.get('source', 'published')} limit of {amounts[1]}."

    def changes(self) -> list[dict[str, Any]]:
        return [self._change(change, metric_of(change.reading)) for change in self.changed]

    def _change(self, change: Change, metric: Metric) -> dict[str, Any]:
        reading, medians = change.reading, (change.before, change.after)
        bedtime, nightly = reading is usual.BEDTIME, reading in (*usual.NIGHTLY, usual.BEDTIME)
        before, after = (self.said.minutes_since_noon(v) if bedtime else str(self.said.amount(metric, v)) for v in medians)
        noun = "weighings" if reading.key == "weight" else "nights" if nightly else "days"
        return {
            "title": f"{reading.name} {self.said.apart(metric, *medians)} {_word(change)}", "hue": reading.hue,
            "words": f"{before} → {after}, {change.n} {noun}", "spark": _smooth(change),
            "href": self._trend(reading),
        }  # fmt: skip

    def _trend(self, reading: Reading) -> str:
        return href("sleep") if reading.metric is not None else href("metric", key=reading.key)

    def change_words(self, change: Change) -> str:
        apart = self.said.apart(metric_of(change.reading), change.before, change.after)
        if change.reading is usual.BEDTIME:
            return f"Bedtime has moved {apart} {_word(change)}."
        return f"Your {change.reading.said} is {apart} {_word(change)} than four weeks ago."


def week_end(date: dt.date, today: dt.date, days: int = 7) -> dt.date:
    """The last day of the ribbon: today where that is within a week, else three days on."""
    return today if (today - date).days < days else date + DAY * 3


def is_crit(row: FindingRow) -> bool:
    """Beyond a published limit, and more than a remark."""
    return row.rule != "deviation" and row.severity in ALARMING


def metric_of(reading: Reading) -> Metric:
    return reading.metric or PLAIN.get(reading.key) or Metric(key=reading.key, label=reading.name)


def _word(change: Change) -> str:
    return change.reading.more if change.after > change.before else change.reading.less


def _label(key: str) -> str:
    known = PLAIN.get(key)
    return name_of(known) if known else key


def _smooth(change: Change) -> charts.Plot:
    spark = charts.spark(charts.running_median(change.values))
    return replace(spark, lines=joined(spark.lines), gaps=()) if change.reading in usual.BODY else spark


def joined(lines: tuple[str, ...]) -> tuple[str, ...]:
    """One path through readings taken now and then: days between two weighings are no gap."""
    return ("M" + "L".join(path[1:] for path in lines),) if lines else ()
