"""What the eye reads is what the API answers: at least three numbers of every page that shows any."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pages_of import TODAY, ZONE, Stage, looking

BEFORE = "2025-11-12"


@pytest.fixture(scope="module")
def page(chromium: Any, stage: Stage) -> Iterator[Any]:
    with looking(chromium, stage, viewport={"width": 1280, "height": 900}) as opened:
        yield opened


@pytest.fixture
def read(page: Any, stage: Stage) -> Callable[..., str]:
    """The words of a page, or of a part of it, without the gaps between number and unit."""

    def words(path: str, part: str = "main") -> str:
        page.goto(stage.base + path)
        return "".join(" ".join(page.locator(part).all_inner_texts()).split())

    return words


def value(stage: Stage, metric: str, date: str = TODAY) -> float:
    days = stage.api(f"days?metric={metric}&from={date}&to={date}")["days"]
    assert len(days) == 1
    return float(days[0]["value"])


def time(minutes: float) -> str:
    hours, rest = divmod(round(minutes), 60)
    return f"{hours}h{rest:02d}min" if hours else f"{rest}min"


def clock(text: str) -> str:
    return dt.datetime.fromisoformat(text).astimezone(ZoneInfo(ZONE)).strftime("%H:%M")


@pytest.mark.parametrize(("path", "date"), [("/", TODAY), (f"/day/{BEFORE}", BEFORE)])
def test_today_and_any_day(read: Callable[..., str], stage: Stage, path: str, date: str) -> None:
    words = read(path)
    night = stage.api(f"nights?from={date}&to={date}")["nights"][0]
    assert f"{value(stage, 'steps', date):,.0f}steps" in words
    assert f"{value(stage, 'active_energy', date):.0f}kcal" in words
    assert f"{value(stage, 'resting_heart_rate', date):.0f}bpm" in words
    assert f"{value(stage, 'respiratory_rate', date):.1f}/min" in words
    assert f"{time(night['asleep'])}asleep,{clock(night['start'])}–{clock(night['end'])}" in words
    for stage_of_sleep in ("Deep", "Core", "REM"):
        assert f"{stage_of_sleep}{time(night['stages'][stage_of_sleep.lower()])}" in words


@pytest.mark.parametrize(("path", "date"), [("/sleep", TODAY), (f"/sleep/{BEFORE}", BEFORE)])
def test_sleep(read: Callable[..., str], stage: Stage, path: str, date: str) -> None:
    words = read(path)
    night = stage.api(f"nights?from={date}&to={date}")["nights"][0]
    assert f"{time(night['asleep'])}asleep" in words
    assert f"Asleep{clock(night['start'])}–{clock(night['end'])}" in words
    assert f"Efficiency{100 * night['efficiency']:.0f}%" in words
    assert f"Deep{time(night['stages']['deep'])}" in words


def test_metrics(read: Callable[..., str], stage: Stage) -> None:
    words = read("/metrics/all")
    assert f"{value(stage, 'steps'):,.0f}steps" in words
    assert f"{value(stage, 'resting_heart_rate'):.0f}bpm" in words
    assert f"{value(stage, 'weight'):.1f}kg" in words


def test_a_metric(read: Callable[..., str], stage: Stage) -> None:
    words = read("/metrics/steps?range=w")
    days = stage.api("days?metric=steps&from=2025-11-14&to=2025-11-20")["days"]
    whole = [day["value"] for day in days if day["date"] != TODAY]
    assert f"Highest{max(whole):,.0f}steps" in words
    assert f"Lowest{min(whole):,.0f}steps" in words
    assert f"Averageday{sum(whole) / len(whole):,.0f}steps" in words
    assert f"{days[-1]['value']:,.0f}stepstodaysofar" in words


def test_every_row_of_a_table_is_the_day_of_the_api(page: Any, stage: Stage) -> None:
    page.goto(stage.base + "/metrics/steps?range=w")
    cells = [[" ".join(cell.split()) for cell in row.locator("th, td").all_text_contents()] for row in page.locator("#over tbody tr").all()]
    days = stage.api("days?metric=steps&from=2025-11-14&to=2025-11-20")["days"]
    assert ["".join(c for c in row[1] if c.isdigit()) for row in cells] == [f"{day['value']:.0f}" for day in days]


def test_why_adds_up(read: Callable[..., str], stage: Stage) -> None:
    words = read("/metrics/steps/2025-11-19/why")
    why = stage.api("days/steps/2025-11-19/why")
    assert f"Why{why['value']:,.0f}steps?" in words
    for part in why["contributions"]:
        assert f"{part['value']:,.0f}steps" in words
    assert f"Leftout:{why['overlap']:,.0f}steps" in words
    assert f"{why['count']}readings" in words
    assert sum(part["value"] for part in why["contributions"]) == pytest.approx(why["value"])
    shown = [round(part["value"]) for part in why["contributions"]]
    assert sum(shown) == round(why["value"]), "what is shown adds up as well"


def test_workouts(read: Callable[..., str], stage: Stage) -> None:
    found = stage.api("workouts")["workouts"]
    month = [row for row in found if row["start"].startswith("2025-11")]
    words = read("/workouts")
    assert f"{len(month)}workoutsinNovember" in words
    for row in [row for row in month if row["totals"].get("distance")][:3]:
        km = row["totals"]["distance"] / 1000
        assert f"{km:.2f}km" in words or f"{km:.1f}km" in words
        assert f"{row['totals']['heart_rate_avg']:.0f}bpm" in words
    one = read(stage.paths["workout"])
    newest = found[0]["totals"]
    assert f"Activeenergy{newest['energy']:.0f}kcal" in one
    assert f"Meanpulse{newest['heart_rate_avg']:.0f}bpm" in one
    assert f"Highestpulse{newest['heart_rate_max']:.0f}bpm" in one


def test_findings(read: Callable[..., str], stage: Stage) -> None:
    words = read("/findings")
    pulse = next(row for row in stage.api("findings")["findings"] if row["state"] == "open")
    newest = pulse["days"][-1]
    assert f"{newest['value']:.0f}bpm" in words
    assert f"{newest['low']:.0f}–{newest['high']:.0f}" in words
    assert ",".join(f"{day['value']:.0f}" for day in pulse["days"]) in words


def test_uploads_and_a_receipt(read: Callable[..., str], stage: Stage) -> None:
    batches = stage.api("batches")["batches"]
    year = max(batches, key=lambda batch: batch["read"])
    assert f"{year['read']:,}records,allnew." in read("/uploads")
    assert f"{year['read']:,}records,allnew." in read("/data")
    words = read(f"/uploads/{year['batch']}")
    assert f"New{year['records']['new']:,}" in words
    assert f"Refused{year['records']['rejected']}" in words
    assert f"Parts{year['chunks']['done']}of{year['chunks']['total']}read" in words
    assert f"Size{year['bytes'] / 1e6:.0f}MB" in words
