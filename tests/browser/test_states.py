"""Every state a page can be in: reached, said in words, and drawn into ``artifacts/states`` for people to look at."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pages_of import NOW, Stage, looking

ARTIFACTS = Path(__file__).parents[2] / "artifacts" / "states"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
STATES = {  # name: (who, path, how much later, words that must be there)
    "empty": ("Erin", "/", 0, "Three steps to your first number."),
    "empty-sleep": ("Erin", "/sleep", 0, "No night has arrived yet."),
    "empty-data": ("Erin", "/data", 0, "Listening…"),
    "learning": ("Carol", "/", 0, "Getting to know you: "),
    "learning-sleep": ("Carol", "/sleep", 0, "5 of 14"),
    "one-day": ("Dave", "/", 0, "Getting to know you"),
    "year": ("Alice", "/", 0, "for the third morning"),
    "year-sleep": ("Alice", "/sleep", 0, "Half a year"),
    "year-metrics": ("Alice", "/metrics/all", 0, "against your usual"),
    "gaps": ("Alice", "/day/2025-07-25", 0, "No data for this night"),
    "partial": ("Alice", "/metrics/steps?range=w", 0, "so far"),
    "stale": ("Bob", "/", 2 * DAY, "No data for last night yet."),
    "stale-data": ("Bob", "/data", 2 * DAY, "late"),
    "dead": ("Frank", "/data", 0, "could not be read"),
    "why": ("Alice", "/metrics/steps/2025-11-19/why", 0, "Left out"),
    "workout": ("Alice", "{workout}", 0, "In numbers"),
}


def plain(text: str) -> str:
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_reached_and_drawn(chromium: Any, stage: Stage, state: str) -> None:
    who, path, later, words = STATES[state]
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    with stage.at(NOW + later), looking(chromium, stage, who) as page:
        page.goto(stage.base + path.format(**stage.paths).replace("//", "/"))
        for width in (375, 1280):
            for theme in ("light", "dark"):
                page.set_viewport_size({"width": width, "height": 800})
                page.emulate_media(color_scheme=theme)
                page.screenshot(path=ARTIFACTS / f"{state}-{width}-{theme}.png", full_page=True)
        assert words.lower() in plain(page.inner_text("main")).lower()
