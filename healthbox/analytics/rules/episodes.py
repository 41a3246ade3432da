"""Findings of one rule and metric on neighbouring days are one episode: one card, one alert, one thing to say "I know" to.

An episode is keyed by (rule, metric, start). It ends after three quiet days; until then a finding continues it.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Literal

import msgspec

from healthbox.analytics.rules.contract import SEVERITIES, Finding, Severity

QUIET = 3


class Episode(msgspec.Struct, frozen=True):
    """``latest`` is the newest finding, ``severity`` the worst so far, ``days`` how many days had one."""

    rule: str
    metric: str
    start: dt.date
    latest: Finding
    severity: Severity
    days: int = 1
    state: Literal["open", "ended"] = "open"


def episodes(open_ones: Iterable[Episode], found: Iterable[Finding], on: dt.date, *, quiet: int = QUIET) -> list[Episode]:
    """The episodes as they stand after the day ``on``: continued, new, unchanged or ended, by rule, metric and start.

    ``found`` are the findings of that day. The same day judged again changes nothing more.
    """
    fresh = {(finding.rule, finding.metric): finding for finding in found}
    after: list[Episode] = []
    for episode in open_ones:
        finding = fresh.get((episode.rule, episode.metric))
        silent = (on - episode.latest.date).days
        if finding is not None and 0 <= silent <= quiet:
            after.append(_continued(episode, finding))
            del fresh[episode.rule, episode.metric]
        elif silent >= quiet:
            after.append(msgspec.structs.replace(episode, state="ended"))
        else:
            after.append(episode)
    after += [Episode(rule, metric, finding.date, finding, finding.severity) for (rule, metric), finding in fresh.items()]
    return sorted(after, key=lambda episode: (episode.rule, episode.metric, episode.start))


def replay(found: Iterable[Finding], until: dt.date, *, quiet: int = QUIET) -> list[Episode]:
    """All episodes that a history of findings makes, in whatever order they were stored, as they stand on ``until``."""
    standing: dict[tuple[str, str], Episode] = {}
    ended: list[Episode] = []
    for finding in sorted(found, key=lambda f: (f.date, f.rule, f.metric)):
        key = finding.rule, finding.metric
        for episode in episodes([standing[key]] if key in standing else [], [finding], finding.date, quiet=quiet):
            if episode.state == "open":
                standing[key] = episode
            else:
                ended.append(episode)
    for key, episode in standing.items():
        standing[key] = episodes([episode], [], until, quiet=quiet)[0]
    return sorted([*ended, *standing.values()], key=lambda episode: (episode.rule, episode.metric, episode.start))


def _continued(episode: Episode, finding: Finding) -> Episode:
    return msgspec.structs.replace(
        episode,
        latest=finding,
        severity=max(episode.severity, finding.severity, key=SEVERITIES.index),
        days=episode.days + (finding.date > episode.latest.date),
    )
