"""From changed days to findings, and from findings to delivery rows, in one transaction.

What stands afterwards is a function of the days alone, not of the order in which they came: each changed date is judged again,
and so is every later date that has it, or a finding that came or went, in its baseline. The findings of all dates are then
strung into episodes and compared with the rows that stand. A row keeps its identity while any of its days remains, so one
episode is one message, however its edges move.
"""

import datetime as dt
import logging
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from healthbox.analytics.rules import discover
from healthbox.analytics.rules.contract import ASLEEP, SEVERITIES, DayRow, Finding, Rule, RuleInput
from healthbox.analytics.rules.episodes import QUIET, Episode, replay
from healthbox.analytics.trouble import TROUBLES
from healthbox.domain.catalogue import Catalogue
from healthbox.store import day_values, deliveries, findings, metrics, people
from healthbox.store.day_values import DayValue
from healthbox.store.engine import Database
from healthbox.store.findings import FindingRow, RuleSetting

log = logging.getLogger(__name__)

DAY = dt.timedelta(days=1)
BATCH_DAYS = 400
HISTORY = dt.timedelta(days=120)  # what a rule may look back on
REACH = dt.timedelta(days=90)  # how far a day can reach into later baselines (84 days, and the night before the judged one)
RULES = discover()
PLAIN = Catalogue.load()

Judged = dict[dt.date, list[Finding]]


class _Share(msgspec.Struct):
    name: str = ""
    value: float | None = None


class _Detail(msgspec.Struct):
    """The parts of a day's or night's account that name its source."""

    name: str = ""
    sources: list[_Share] = []


class Evidence(msgspec.Struct, frozen=True):
    """What the findings file keeps of an episode: every day's finding, ascending."""

    findings: list[Finding]


class Recent(Mapping[str, Sequence[DayRow]]):
    """The rows of each metric up to one date; cut out only when a rule asks."""

    def __init__(self, history: "History", until: dt.date) -> None:
        self._history, self._until = history, until

    def __getitem__(self, metric: str) -> Sequence[DayRow]:
        dates, rows = self._history.series(metric)
        return rows[bisect_left(dates, self._until - HISTORY) : bisect_right(dates, self._until)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._history.values)

    def __len__(self) -> int:
        return len(self._history.values)


class History:
    """A person's stored days; decoded once for each metric that a rule really looks at."""

    def __init__(self, values: dict[str, list[DayValue]]) -> None:
        self.values = values
        self._series: dict[str, tuple[list[dt.date], list[DayRow]]] = {}

    def series(self, metric: str) -> tuple[list[dt.date], list[DayRow]]:
        if metric not in self._series:
            rows = [DayRow(v.date, v.value, v.low, v.high, v.n, _source(v.detail)) for v in self.values[metric]]
            self._series[metric] = [row.date for row in rows], rows
        return self._series[metric]


def _source(detail: str) -> str:
    """The name of the source that gave most of a day; empty when its account does not say."""
    try:
        account = msgspec.json.decode(detail, type=_Detail)
    except msgspec.MsgspecError:
        return ""
    best = max(account.sources, key=lambda share: (share.value or 0.0, share.name), default=None)
    return best.name if best else account.name


class Task(msgspec.Struct, frozen=True):
    """``until`` is the last date with data, ``today`` the person's own; ``last`` the last date that is judged now."""

    person_id: int
    changed: dict[dt.date, int]
    today: dt.date
    until: dt.date
    last: dt.date
    history: History
    settings: dict[str, RuleSetting]
    known: Judged


def analyse(database: Database, now: int, rules: Mapping[str, Rule] = RULES) -> bool:
    """Judge one person's oldest changed days (up to 400 days' worth); False when there was nothing to do. ``now`` in ms."""
    with database.reading() as c:
        task = _task(c, now)
    if task is None:
        return False
    judged, reach = judge(task, rules)
    with database.working() as c:
        if task.person_id not in {person.id for person in people.list_persons(c)}:
            return True  # removed meanwhile, and all marks with it
        _reconcile(c, task, judged, now)
        findings.analysed(c, task.person_id, task.changed.items())
        if reach > task.last:
            findings.mark_changed(c, task.person_id, task.last + DAY, reach)
    return True


def _task(c: Connection, now: int) -> Task | None:
    work = findings.next_changed(c, BATCH_DAYS)
    if work is None:
        return None
    person_id, changed = work
    zone = ZoneInfo(people.get_person(c, person_id).zone)
    today = dt.datetime.fromtimestamp(now / 1000, zone).date()
    until = day_values.newest(c, person_id, today + DAY) or max(changed)
    first, newest = min(changed), max(changed)
    last = max(newest, min(until, newest + REACH))
    values = day_values.values_between(c, person_id, first - HISTORY, last)
    values[ASLEEP] = day_values.nights_between(c, person_id, first - HISTORY, last)
    known: Judged = defaultdict(list)
    for row in _of_days(c, person_id):
        for finding in msgspec.json.decode(row.json, type=Evidence).findings:
            known[finding.date].append(finding)
    return Task(person_id, changed, today, until, last, History(values), findings.rule_settings(c, person_id), _sorted(known))


def _of_days(c: Connection, person_id: int) -> list[FindingRow]:
    """What days gave rise to; silent trouble has its own clock (``pipeline.trouble``)."""
    return [row for row in findings.of_person(c, person_id) if row.rule not in TROUBLES]


def _sorted(known: Judged) -> Judged:
    return {date: sorted(found, key=lambda f: (f.rule, f.metric)) for date, found in known.items()}


def judge(task: Task, rules: Mapping[str, Rule]) -> tuple[Judged, dt.date]:
    """The findings of every date as they are now, and up to which date baselines have moved."""
    judged = dict(task.known)
    flagged: dict[str, set[dt.date]] = defaultdict(set)
    date = reach = min(task.changed)
    for early in sorted(earlier for earlier in judged if earlier < date):
        _flag(flagged, judged[early], rules)
    while date <= task.last:
        if date in task.changed or date <= reach:
            before = judged.get(date, [])
            judged[date] = _findings(task, date, flagged, rules, before)
            if date in task.changed or judged[date] != before:
                reach = max(reach, date + REACH)
        _flag(flagged, judged.get(date, []), rules)
        date += DAY
    return judged, min(reach, task.until)


def _flag(flagged: dict[str, set[dt.date]], found: Iterable[Finding], rules: Mapping[str, Rule]) -> None:
    """Being beyond a fixed limit can be a habit; only being far from one's own usual takes a date out of baselines."""
    for finding in found:
        if finding.rule in rules and rules[finding.rule].flags:
            flagged[finding.metric].add(finding.date)


def _findings(
    task: Task, date: dt.date, flagged: Mapping[str, Collection[dt.date]], rules: Mapping[str, Rule], before: list[Finding]
) -> list[Finding]:
    found: list[Finding] = []
    for name, rule in rules.items():
        setting = task.settings.get(name, RuleSetting())
        if not setting.enabled:
            continue
        try:
            found += rule.evaluate(RuleInput(date, Recent(task.history, date), setting.params, flagged))
        except Exception as problem:  # one broken rule must not silence the others, nor take back what it said before
            log.error("rule_failed rule=%s problem=%s", name, type(problem).__name__)
            found += [finding for finding in before if finding.rule == name]
    return sorted(found, key=lambda f: (f.rule, f.metric))


def _reconcile(c: Connection, task: Task, judged: Judged, now: int) -> None:
    """Make the rows tell these episodes, keep each row's identity, and have new ones delivered."""
    rows = _of_days(c, task.person_id)
    by_kind: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for date in sorted(judged):
        for finding in judged[date]:
            by_kind[finding.rule, finding.metric].append(finding)
    standing = {(row.rule, row.metric, row.started): row for row in rows}
    used: set[int] = set()
    exact: list[tuple[Episode, FindingRow | None]] = []
    for episode in replay((f for found in by_kind.values() for f in found), task.until):
        row = standing.get((episode.rule, episode.metric, episode.start))
        exact.append((episode, row))
        used |= {row.id} if row else set()
    loose = _loose(rows, used)
    pairs = [(episode, row or _overlapping(loose, episode)) for episode, row in exact]
    taken = {row.id for _, row in pairs if row}
    for row in rows:
        if row.id not in taken:
            findings.withdraw(c, row.id, now)
    written = [_write(c, task, episode, row, by_kind[episode.rule, episode.metric], now) for episode, row in pairs]
    _tell(c, task, written, now)


def _loose(rows: Iterable[FindingRow], used: set[int]) -> dict[tuple[str, str], list[tuple[FindingRow, set[dt.date]]]]:
    loose: dict[tuple[str, str], list[tuple[FindingRow, set[dt.date]]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.id):
        if row.id not in used:
            dates = {finding.date for finding in msgspec.json.decode(row.json, type=Evidence).findings}
            # Taken back after its message went out: what comes up again so near is the same story, not a second message.
            dates = dates or {row.started - QUIET * DAY, row.started, row.latest, row.latest + QUIET * DAY}
            loose[row.rule, row.metric].append((row, dates))
    return loose


def _overlapping(loose: dict[tuple[str, str], list[tuple[FindingRow, set[dt.date]]]], episode: Episode) -> FindingRow | None:
    """The oldest row not yet taken that told of one of the episode's days; taken from now on."""
    candidates = loose[episode.rule, episode.metric]
    for place, (row, dates) in enumerate(candidates):
        if any(episode.start <= date <= episode.latest.date for date in dates):
            del candidates[place]
            return row
    return None


def _write(c: Connection, task: Task, episode: Episode, row: FindingRow | None, found: list[Finding], now: int) -> FindingRow:
    days = [finding for finding in found if episode.start <= finding.date <= episode.latest.date]
    return findings.upsert_episode(
        c,
        task.person_id,
        episode.rule,
        episode.metric,
        episode.start,
        latest=episode.latest.date,
        ended=episode.state == "ended",
        severity=episode.severity,
        json=msgspec.json.encode(Evidence(days)).decode(),
        now=now,
        standing=row,
    )


def _tell(c: Connection, task: Task, written: list[FindingRow], now: int) -> None:
    """A message a day and category of metrics, about the gravest; the others are shown, urgent ones are told all the same."""
    # Yesterday and today begin within the last 48 hours, whatever the hour; older data is kept and shown, never pushed.
    fresh = [row for row in written if row.state == "open" and task.today - DAY <= row.latest <= task.today + DAY]
    if not fresh:
        return
    zone = ZoneInfo(people.get_person(c, task.person_id).zone)
    midnight = int(dt.datetime.combine(task.today, dt.time(), zone).timestamp() * 1000)
    catalogue = metrics.catalogue(c, PLAIN)
    for row in sorted(fresh, key=lambda row: -SEVERITIES.index(row.severity)):
        metric = catalogue.get(row.metric)
        category = "sleep" if row.metric == ASLEEP else metric.category if metric else ""
        deliveries.create(c, row.id, "opened", now, category=category, today=midnight)
