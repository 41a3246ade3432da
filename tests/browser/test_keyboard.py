"""Everything that a mouse can do, by keys alone: the walk through a page, and the keys of a chart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from pages_of import Stage, looking

WALKED = (
    "today", "sleep", "metrics", "steps", "why", "workouts", "findings", "channels", "data", "devices", "pair-hae", "settings",
    "precedence",
)  # fmt: skip

# Where the focus is: what, its box, whether a ring is drawn, and whether something else lies over its middle.
FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const box = e.getBoundingClientRect(), style = getComputedStyle(e);
  window.stops = window.stops || [];
  window.stops.push(e);
  const x = Math.min(Math.max(box.left + Math.min(box.width / 2, 40), 1), innerWidth - 2);
  const y = box.top + Math.min(box.height / 2, 12);
  const top = document.elementFromPoint(x, y);
  return {
    what: e.outerHTML.slice(0, 100), ring: parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== 'none',
    seen: box.top >= -1 && y < innerHeight && !!top && (e.contains(top) || top.contains(e) || !!e.closest('label')?.contains(top)),
    column: e.closest('.col') ? [...document.querySelectorAll('.col')].indexOf(e.closest('.col')) : -1,
    part: e.closest('header.top') ? 'head' : e.closest('main') ? 'main' : 'first', top: box.top + scrollY, left: box.left,
  };
}"""
MISSED = """() => [...document.querySelectorAll(
  'a[href],button,input:not([type=hidden]),select,textarea,summary,[tabindex="0"]')].filter(e => {
  const shut = e.closest('details:not([open])');
  if (!e.checkVisibility({visibilityProperty: true}) || (shut && e !== shut.querySelector('summary'))) return false;
  if (e.type === 'radio') return ![...document.getElementsByName(e.name)].some(other => window.stops.includes(other));
  return !window.stops.includes(e);
}).map(e => e.outerHTML.slice(0, 100))"""


@pytest.fixture(scope="module")
def page(chromium: Any, stage: Stage) -> Iterator[Any]:
    with looking(chromium, stage) as opened:
        yield opened


def walk(page: Any, most: int = 250) -> list[dict[str, Any]]:
    stops: list[dict[str, Any]] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is None or (stops and stop["what"] == stops[0]["what"]):
            return stops
        stops.append(stop)
    raise AssertionError("the walk does not end")


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("name", WALKED)
def test_tab_reaches_everything_in_order_and_in_sight(page: Any, stage: Stage, name: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 760})
    page.goto(stage.base + stage.paths[name])
    stops = walk(page)
    assert 'class="skip"' in stops[0]["what"]
    assert page.evaluate(MISSED) == []
    assert [stop["what"] for stop in stops if not stop["ring"]] == []
    assert [stop["what"] for stop in stops if not stop["seen"]] == []
    order = [("first", "head", "main").index(stop["part"]) for stop in stops]
    assert order == sorted(order)
    main = [stop for stop in stops if stop["part"] == "main"]
    for column in {stop["column"] for stop in main}:
        tops = [stop["top"] for stop in main if stop["column"] == column]
        back = [(a, b) for a, b in pairwise(tops) if b < a - 40]
        assert back == [], "never upwards within a column"


def test_the_skip_link_leads_past_the_head(page: Any, stage: Stage) -> None:
    page.goto(stage.base + "/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize(
    ("name", "chart"),
    [
        ("today", "#hypnogram"),
        ("today", "#moved"),
        ("sleep", "#hyp"),
        ("sleep", "#pul"),
        ("sleep", "#nts"),
        ("steps", "#over"),
        ("workout", "figure.chart >> nth=0"),
    ],
)
def test_arrows_walk_a_chart_and_its_table_holds_every_point(page: Any, stage: Stage, name: str, chart: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(stage.base + stage.paths[name])
    figure = page.locator(chart)
    readout = figure.locator(".readout")
    summary = readout.inner_text()
    assert readout.get_attribute("aria-live") == "polite"
    figure.focus()
    rows = [" ".join(text.split()) for text in figure.locator("tbody th").all_text_contents()]

    def said(key: str, *, after: str) -> str:
        page.keyboard.press(key)
        page.wait_for_function("([e, before]) => e.textContent !== before", arg=[readout.element_handle(), after])
        return readout.text_content()

    last = said("End", after=summary)
    before = said("ArrowLeft", after=last)
    assert before != last
    assert said("ArrowRight", after=before) == last
    first = said("Home", after=last)
    assert rows[0] in first and rows[-1] in last
    page.keyboard.press("t")
    assert figure.locator("details").get_attribute("open") is not None
    assert figure.locator("table").is_visible()
    page.keyboard.press("T")
    assert figure.locator("details").get_attribute("open") is None
    page.keyboard.press("Escape")
    assert readout.text_content() == summary
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement === document.body")


def test_enter_opens_the_why_of_the_point(page: Any, stage: Stage) -> None:
    page.goto(stage.base + "/metrics/steps?range=m")
    page.locator("#over").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_url("**/metrics/steps/2025-11-19/why*")


def test_plus_and_minus_change_the_range(page: Any, stage: Stage) -> None:
    page.goto(stage.base + "/metrics/steps?range=m")
    page.locator("#over").focus()
    page.keyboard.press("+")
    page.wait_for_url(re.compile(r"range=w"))
    page.locator("#over").focus()
    page.keyboard.press("-")
    page.wait_for_url(re.compile(r"range=m"))


@pytest.mark.parametrize(("path", "chart", "days"), [("/metrics/steps?range=m", "#over", 30), ("/", "#moved", 14)])
def test_a_table_has_a_row_for_every_day(page: Any, stage: Stage, path: str, chart: str, days: int) -> None:
    page.goto(stage.base + path)
    rows = page.locator(f"{chart} tbody tr")
    drawn = page.locator(f"{chart} svg[data-plot] rect.bar").count()
    hatched = page.locator(f"{chart} svg[data-plot] rect.nodata").count()
    assert rows.count() in (days, days + 1)
    assert drawn == rows.count() - hatched, "a bar for each day that has data"
