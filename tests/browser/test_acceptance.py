"""Every page, in both themes and at four widths: nothing that axe finds, nothing sideways, nothing from elsewhere, nothing inline."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pages_of import PAGES, PASSWORD, Stage, looking

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WORDS = "main :is(h1, h2, h3, p, dt, dd, li, caption, summary, label)"
LOOKS = ((320, "light"), (375, "dark"), (768, "light"), (1280, "dark"), (1280, "light"))
MAIN = ("today", "sleep", "metrics", "steps", "pulse", "why", "workouts", "workout", "findings", "data", "settings")
every_page = pytest.mark.parametrize("name", PAGES)

SIDEWAYS = "() => [document.documentElement.scrollWidth, innerWidth]"
CUT = """() => [...document.querySelectorAll('body *')].filter(e => {
  const s = getComputedStyle(e);
  return s.overflow === 'hidden' && s.clipPath === 'none' && e.clientHeight && !e.closest('svg')
    && (e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1);
}).map(e => e.outerHTML.slice(0, 120))"""
SPACED = """() => document.styleSheets[0].insertRule(
  '*{letter-spacing:.12em!important;word-spacing:.16em!important;line-height:1.5!important}', 0)"""
SMALL = """() => [...document.querySelectorAll('a[href],button,input:not([type=hidden]),select,textarea,summary')].flatMap(e => {
  const inside = e.closest('details:not([open])');
  if (!e.checkVisibility({visibilityProperty: true}) || e.matches('.skip') || (inside && e !== inside.querySelector('summary'))) return [];
  const own = e.matches('input[type=checkbox],input[type=radio]') && e.closest('label') || e;
  const box = own.getBoundingClientRect();
  const style = getComputedStyle(e);
  const prose = style.display === 'inline' && e.parentElement.textContent.trim() !== e.textContent.trim();
  const least = e.matches('.btn,button,summary,nav a') ? 44 : prose ? 0 : 24;
  return box.width + .5 < Math.min(least, e.matches('nav a') ? 24 : least) || box.height + .5 < least
    ? [`${Math.round(box.width)}x${Math.round(box.height)} < ${least}: ${e.outerHTML.slice(0, 90)}`] : [];
})"""
UNNAMED = """() => [...document.querySelectorAll('svg')].filter(e =>
  !e.parentElement.closest('svg') && e.getAttribute('aria-hidden') !== 'true'
  && !(e.getAttribute('role') === 'img' && e.querySelector('title') && e.querySelector('desc'))).map(e => e.outerHTML.slice(0, 120))"""


class Inline(HTMLParser):
    """Counts what the policy forbids, and elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.nodes, self.wrong = 0, list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.nodes += 1
        if "style" in given or tag == "style" or any(name.startswith("on") for name in given):
            self.wrong.append(f"{tag} {given}")
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.wrong.append(f"script {given}")


@pytest.fixture(scope="module")
def page(chromium: Any, stage: Stage) -> Iterator[Any]:
    with looking(chromium, stage) as opened:
        yield opened


@pytest.fixture(scope="module")
def axed(chromium: Any, stage: Stage) -> Iterator[Any]:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci --ignore-scripts")
    with looking(chromium, stage, bypass_csp=True) as opened:
        yield opened


def axe(page: Any) -> list[str]:
    found = page.evaluate("tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", TAGS)
    return [f"{v['id']}: {n['target']} {n['html'][:120]}" for v in found["violations"] for n in v["nodes"]]


@every_page
def test_axe_finds_nothing(axed: Any, stage: Stage, name: str) -> None:
    found: dict[str, list[str]] = {}
    axed.goto(stage.base + stage.paths[name])
    axed.add_script_tag(path=str(AXE))
    for width, theme in LOOKS if name in MAIN else LOOKS[::3]:
        axed.set_viewport_size({"width": width, "height": 800})
        axed.emulate_media(color_scheme=theme)
        if wrong := axe(axed):
            found[f"{width} {theme}"] = wrong
    assert found == {}


@pytest.mark.parametrize("path", ["/login", "/setup/none", "/"])
def test_axe_finds_nothing_before_the_login(chromium: Any, stage: Stage, path: str) -> None:
    with looking(chromium, stage, who="", bypass_csp=True) as page:
        page.goto(stage.base + path)
        page.add_script_tag(path=str(AXE))
        assert axe(page) == []
        assert page.evaluate(SIDEWAYS) == [375, 375]


@every_page
def test_a_page_fits_small_phones_and_large_text(page: Any, stage: Stage, name: str) -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(stage.base + stage.paths[name])
    assert page.evaluate(SIDEWAYS) == [320, 320]
    assert page.evaluate(SMALL) == []
    page.set_viewport_size({"width": 375, "height": 800})
    page.evaluate(SPACED)
    assert page.evaluate(SIDEWAYS) == [375, 375], "with more space between letters and lines"
    assert page.evaluate(CUT) == []
    page.evaluate("() => { document.styleSheets[0].deleteRule(0); document.documentElement.style.fontSize = '200%' }")
    assert page.evaluate(SIDEWAYS) == [375, 375], "at 200 % text"


@every_page
def test_targets_are_large_enough_on_a_desk(page: Any, stage: Stage, name: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(stage.base + stage.paths[name])
    assert page.evaluate(SIDEWAYS) == [1280, 1280]
    assert page.evaluate(SMALL) == []


@every_page
def test_a_page_is_its_own_and_keeps_still(chromium: Any, stage: Stage, name: str) -> None:
    noise: list[str] = []
    with looking(chromium, stage, viewport={"width": 1280, "height": 900}) as page:
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("request", lambda request: noise.append(request.url) if not request.url.startswith((stage.base, "data:")) else None)
        answer = page.goto(stage.base + stage.paths[name], wait_until="networkidle")
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy
        assert page.evaluate("() => window.seen") == {"violations": [], "shift": 0}
        assert page.evaluate(UNNAMED) == []
        assert not re.search(r"\d", page.title().replace("Nov 12", "").replace("12 Nov", "")), "a title carries no value"
    assert [line for line in noise if "status of 404" not in line or name != "missing"] == []


@every_page
def test_nothing_inline_is_served(stage: Stage, name: str) -> None:
    answer = stage.html(stage.paths[name])
    assert answer.status_code == (404 if name == "missing" else 200)
    assert Inline(answer.text).wrong == []
    words = re.sub(r"<[^>]*>", "|", answer.text)
    assert not re.search(r"\b(NaN|undefined|Infinity)\b|\|\s*(None|null|nan|—|-)\s*\|", words)


@pytest.mark.parametrize("name", ["today", "sleep", "day", "night"])
def test_a_page_keeps_its_budget(stage: Stage, name: str) -> None:
    html = stage.html(stage.paths[name]).text
    assert len(gzip.compress(html.encode(), 9)) <= 15_000
    assert Inline(html).nodes <= 900


def test_styles_and_scripts_keep_their_budgets(stage: Stage) -> None:
    html = stage.html("/").text
    for kind, most in (("css", 10_000), ("js", 5_000)):
        files = re.findall(rf'(?:href|src)="(/static/[^"]+\.{kind}\?v=\w+)"', html)
        assert len(files) == 1
        answer = stage.html(files[0])
        assert len(gzip.compress(answer.content, 9)) <= most
        assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("name", MAIN)
def test_without_scripts_a_page_says_the_same(chromium: Any, page: Any, stage: Stage, name: str) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(stage.base + stage.paths[name])
    with looking(chromium, stage, java_script_enabled=False) as still:
        still.goto(stage.base + stage.paths[name])
        assert still.locator(WORDS).all_inner_texts() == page.locator(WORDS).all_inner_texts()
        assert still.locator("summary").count() == page.locator("summary").count()


def test_without_scripts_the_forms_work(chromium: Any, stage: Stage) -> None:
    with looking(chromium, stage, who="", java_script_enabled=False) as page:
        page.goto(stage.base + "/settings")
        page.fill("[name=login]", "bob")
        page.fill("[name=password]", PASSWORD)
        page.click("button.first")
        assert page.url == stage.base + "/settings"
        page.goto(stage.base + "/devices")
        page.fill("[name=name]", "Tablet")
        page.check("[name=scope][value=ingest]")
        page.click("button.first")
        assert page.inner_text("code.code >> nth=0").startswith("hbx_")
        page.goto(stage.base + "/settings")
        page.select_option("[name=theme]", "dark")
        page.locator("form", has=page.locator("[name=theme]")).locator("button").first.click()
        assert page.get_attribute("html", "data-theme") == "dark"
        page.goto(stage.base + "/metrics/all")
        page.fill("[name=q]", "weight")
        page.get_by_role("button", name="Find").click()
        assert "Weight" in page.inner_text("main") and "Steps" not in page.inner_text("main .rows")


def test_what_travels_is_small(chromium: Any, stage: Stage) -> None:
    """Bytes on the wire, bodies as they come: a first visit, then the next page with all files kept."""
    with looking(chromium, stage, viewport={"width": 1280, "height": 900}) as page:
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        sizes: list[int] = []
        wire.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
        most = {"/metrics/resting_heart_rate?range=y": 80_000, "/": 20_000, "/sleep": 20_000, "/metrics/all": 20_000}
        found = {}
        for path in most:
            sizes.clear()
            page.goto(stage.base + path, wait_until="networkidle")
            found[path] = sum(sizes)
        assert {path: size for path, size in found.items() if size > most[path]} == {}


def test_the_theme_follows_the_device_but_paper_stays_light(page: Any, stage: Stage) -> None:
    ink = "getComputedStyle(document.body).color"
    page.goto(stage.base + "/")
    seen = {}
    for media in ("screen", "print"):
        for theme in ("light", "dark"):
            page.emulate_media(media=media, color_scheme=theme)
            seen[media, theme] = page.evaluate(ink)
    page.emulate_media(media="screen", color_scheme="light")
    assert seen["screen", "light"] == seen["print", "light"] == seen["print", "dark"] == "rgb(29, 28, 25)"
    assert seen["screen", "dark"] == "rgb(238, 237, 232)"
