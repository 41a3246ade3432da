"""Findings on neighbouring days are one episode, whatever order they are looked at."""

import datetime as dt
import random

from healthbox.analytics.rules.contract import Finding, Severity
from healthbox.analytics.rules.episodes import Episode, episodes, replay

FIRST = dt.date(2026, 3, 1)


def day(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


def finding(number: int, metric: str = "resting_heart_rate", severity: Severity = "info") -> Finding:
    return Finding("deviation", metric, day(number), severity, 61, 52, 57, "above")


def told(found: list[Episode]) -> list[tuple[int, int, int, str]]:
    return [((e.start - FIRST).days, (e.latest.date - FIRST).days, e.days, e.state) for e in found]


def test_neighbouring_days_are_one_episode() -> None:
    standing: list[Episode] = []
    for number in range(3):
        standing = episodes(standing, [finding(number)], day(number))
    assert told(standing) == [(0, 2, 3, "open")]


def test_three_quiet_days_end_it_and_two_do_not() -> None:
    standing = episodes([], [finding(0)], day(0))
    assert told(episodes(standing, [], day(2))) == [(0, 0, 1, "open")]
    assert told(episodes(standing, [], day(3))) == [(0, 0, 1, "ended")]
    assert told(episodes(standing, [finding(3)], day(3))) == [(0, 3, 2, "open")]
    assert told(episodes(standing, [finding(4)], day(4))) == [(0, 0, 1, "ended"), (4, 4, 1, "open")]


def test_the_same_day_judged_again_changes_nothing() -> None:
    once = episodes([], [finding(0)], day(0))
    assert episodes(once, [finding(0)], day(0)) == once


def test_severity_remembers_the_worst_and_metrics_stay_apart() -> None:
    standing = episodes([], [finding(0, severity="warn"), finding(0, "hrv_sdnn")], day(0))
    standing = episodes(standing, [finding(1)], day(1))
    assert [(e.metric, e.severity, e.latest.severity, e.days) for e in standing] == [
        ("hrv_sdnn", "info", "info", 1),
        ("resting_heart_rate", "warn", "info", 2),
    ]


def test_a_late_finding_of_an_older_day_does_not_turn_an_episode_back() -> None:
    standing = episodes([], [finding(5)], day(5))
    assert told(episodes(standing, [finding(2)], day(2))) == [(2, 2, 1, "open"), (5, 5, 1, "open")]


def test_a_history_gives_the_same_episodes_in_any_order() -> None:
    history = [finding(number) for number in (0, 1, 3, 9, 10, 20)] + [finding(number, "hrv_sdnn") for number in (1, 2)]
    expected = replay(history, day(21))
    assert told(expected) == [(1, 2, 2, "ended"), (0, 3, 3, "ended"), (9, 10, 2, "ended"), (20, 20, 1, "open")]
    for seed in range(5):
        random.Random(seed).shuffle(history)
        assert replay(history, day(21)) == expected


def test_day_by_day_equals_the_whole_history() -> None:
    history = [finding(number) for number in (0, 1, 3, 9, 10, 20)]
    standing: list[Episode] = []
    ended: list[Episode] = []
    for number in range(22):
        after = episodes(standing, [f for f in history if f.date == day(number)], day(number))
        standing = [e for e in after if e.state == "open"]
        ended += [e for e in after if e.state == "ended"]
    assert [*ended, *standing] == replay(history, day(21))
