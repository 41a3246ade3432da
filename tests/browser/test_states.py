"""Every state a page can be in: reached, said in words, and drawn into ``artifacts/states`` for people to look at."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
import requests
from pages_of import NOW, PAGES, Stage, looking

from healthbox.store import freshness, people

ARTIFACTS = Path(__file__).parents[2] / "artifacts" / "states"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
IN_PERCENT = "all => all.map(e => [e.x, e.width].map(of => of.baseVal.valueInSpecifiedUnits))"
FILL = "e => [getComputedStyle(e).fill, getComputedStyle(document.body).backgroundColor]"
STATES = {  # name: (who, path, how much later, words that must be there)
    "empty": ("Erin", "/", 0, "Three steps to your first number."),
    "empty-sleep": ("Erin", "/sleep", 0, "No night has arrived yet."),
    "empty-data": ("Erin", "/data", 0, "Listening…"),
    "learning": ("Carol", "/", 0, "Getting to know you: "),
    "learning-sleep": ("Carol", "/sleep", 0, "5 of 14"),
    "one-day": ("Dave", "/", 0, "Getting to know you"),
    "year": ("Alice", "/", 0, "on the last three mornings"),
    "year-sleep": ("Alice", "/sleep", 0, "Half a year"),
    "year-metrics": ("Alice", "/metrics/all", 0, "against your usual"),
    "gaps": ("Alice", "/day/2025-07-25", 0, "No data for this night"),
    "partial": ("Alice", "/metrics/steps?range=w", 0, "so far"),
    "stale": ("Bob", "/", 2 * DAY, "No data for last night yet."),
    "stale-data": ("Bob", "/data", 2 * DAY, "late"),
    "dead": ("Frank", "/data", 0, "could not be read"),
    "why": ("Alice", "/metrics/steps/2025-11-19/why", 0, "Left out"),
    "drift": ("Frank", "/metrics/steps/2025-11-18/why", 0, "Whole day of"),
    "dead-today": ("Frank", "/", 0, "could not be read"),
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


# ── missing is missing ──


def test_a_day_without_data_shows_reasons_and_no_numbers(stage: Stage, chromium: Any) -> None:
    with looking(chromium, stage) as page:
        page.goto(stage.base + "/day/2025-07-25")
        amounts = [plain(text) for text in page.locator("#usual .val, .big").all_inner_texts()]
        weight = [text for text in amounts if text.endswith("kg")]
        assert len(weight) == 1, "weight stands with its date"
        assert set(amounts) - set(weight) == {"no data", "no steps that day"}
        assert page.locator("#night rect.nodata").count() == 1
        assert "No data for this night." in plain(page.inner_text("#night"))


@pytest.mark.parametrize("metric", ["steps", "resting_heart_rate", "hrv_sdnn"])
def test_hatches_are_the_missing_days_and_no_line_crosses_them(stage: Stage, chromium: Any, metric: str) -> None:
    held = {day["date"] for day in stage.api(f"days?metric={metric}&from=2025-06-01&to=2025-08-31")["days"]}
    with looking(chromium, stage) as page:
        page.goto(f"{stage.base}/metrics/{metric}?range=m&end=2025-07-31")
        rows = page.locator("#over tbody tr").count()
        dates = [(dt.date(2025, 7, 31) - dt.timedelta(days=back)).isoformat() for back in range(rows)]
        missing = len(set(dates) - held)
        assert missing >= 5
        gaps = page.eval_on_selector_all("#over svg[data-plot] rect.nodata", IN_PERCENT)
        assert sum(width for _, width in gaps) == pytest.approx(100 * missing / rows, abs=0.5)
        assert page.locator("#over tbody tr", has_text="no data").count() == missing
        assert page.locator("#over rect.bar, #over svg[data-plot] circle, #over path.dot").count() == rows - missing
        for path in page.eval_on_selector_all("#over path.ln", "all => all.map(e => e.getAttribute('d'))"):
            xs = [float(x) / 10 for x in re.findall(r"[ML]([-\d.]+)", path)]
            assert not [gap for gap in gaps if min(xs) < gap[0] + gap[1] / 2 < max(xs)]


# ── what is unusual stands first, in words and shapes ──


def test_findings_stand_above_everything_and_only_where_there_are_any(stage: Stage, chromium: Any) -> None:
    with looking(chromium, stage) as page:
        page.goto(stage.base + "/")
        assert plain(page.inner_text("h1")) == "Several readings are away from your usual."
        tops = page.eval_on_selector_all("main .card", "all => all.map(e => [e.matches('.finding, .crit'), e.getBoundingClientRect().top])")
        assert tops[0][0] and not any(found for found, _ in tops[1:])
        assert min(tops, key=lambda pair: pair[1]) == tops[0]
        page.context.add_cookies([{"name": "healthbox", "value": stage.cookies["Carol"], "url": stage.base}])
        page.goto(stage.base + "/")
        assert page.locator(".finding, .crit").count() == 0


@pytest.mark.parametrize("colours", ["grayscale", "forced"])
def test_the_unusual_is_told_without_colour(stage: Stage, chromium: Any, colours: str) -> None:
    with looking(chromium, stage, **({"forced_colors": "active"} if colours == "forced" else {})) as page:
        page.goto(stage.base + "/")
        if colours == "grayscale":
            page.evaluate("document.documentElement.style.filter = 'grayscale(1)'")
        page.screenshot(path=ARTIFACTS / f"{colours}-375.png", full_page=True)
        rows = page.locator("#usual .row.out").all()
        assert [re.findall("above|below", plain(row.inner_text())) for row in rows] == [["above"], ["below"]]
        assert page.locator("#usual .row:not(.out) .strip path.dot").count() == 0, "the usual is round"
        for row in rows:
            assert row.locator(".strip path.dot.above").is_visible()
            fill, ground = row.locator(".strip path.dot").evaluate(FILL)
            assert fill != ground
        assert page.locator(".ribbon svg path.fa").count() >= 1


# ── freshness ──


def test_a_source_is_late_exactly_when_its_habit_says_so(stage: Stage, chromium: Any) -> None:
    with stage.database.reading() as c:
        bob = people.get_person(c, "Bob").id
        habits = [a for a in freshness.arrivals(c, bob) if a.form == "source" and a.usual]
    due = {a.newest + max(3 * (a.usual or 0), 30 * MINUTE, a.longest or 0): a.name for a in habits}
    first = min(due)
    with looking(chromium, stage, "Bob") as page:
        for late, at in ((False, first), (True, first + 1)):
            with stage.at(at):
                page.goto(stage.base + "/data")
            pill = page.locator("#fresh")
            assert ("late" in plain(pill.inner_text())) is late
            assert (page.locator(".item .when.attnc").count() == 1) is late
            assert pill.locator("use").get_attribute("href") == ("#i-clock" if late else "#i-check")
        assert due[first] in pill.inner_text(), "the pill names it"
        assert f"{due[first]} is late" in plain(pill.inner_text())


def test_ages_grow_in_an_open_page(stage: Stage, chromium: Any) -> None:
    with looking(chromium, stage) as page:
        page.clock.install(time=dt.datetime.fromtimestamp(NOW / 1000, dt.UTC))
        page.goto(stage.base + "/")
        watch = page.locator("#arriving time").first
        assert plain(watch.inner_text()) == "4 min ago"
        page.clock.fast_forward(61 * MINUTE)
        page.wait_for_function("e => e.textContent.includes('h ago')", arg=watch.element_handle())
        assert plain(watch.inner_text()) == "1 h ago"


def test_a_silent_server_is_said_in_the_pill(stage: Stage, chromium: Any) -> None:
    with looking(chromium, stage) as page:
        page.clock.install(time=dt.datetime.fromtimestamp(NOW / 1000, dt.UTC))
        page.goto(stage.base + "/")
        page.route("**/pulse", lambda route: route.abort())
        page.clock.fast_forward(25_000)
        page.wait_for_selector("#fresh.away")
        assert plain(page.inner_text("#fresh")).startswith("Not reachable since 15:40")
        assert "3,501" in page.inner_text("main"), "the page stays"
        page.screenshot(path=ARTIFACTS / "unreachable-375-light.png")


def test_new_numbers_come_by_themselves_and_nothing_jumps(stage: Stage, chromium: Any) -> None:
    walk = {"type": "steps", "start": "2025-11-20T14:20:00Z", "end": "2025-11-20T14:25:00Z", "value": 500, "source": {"name": "Treadmill"}}
    with looking(chromium, stage, "Dave", viewport={"width": 1280, "height": 900}) as page:
        page.clock.install(time=dt.datetime.fromtimestamp(NOW / 1000, dt.UTC))
        page.goto(stage.base + "/")
        before = page.inner_text("#movement .big")
        body = {"batch": "live", "index": 0, "final": True, "metric": None, "samples": [walk]}
        bearer = {"Authorization": f"Bearer {stage.tokens['Dave']}"}
        sent = requests.post(f"{stage.base}/api/v1/sync", json=body, headers=bearer, timeout=10)
        assert sent.status_code == 202
        stage.pump()
        page.clock.fast_forward(25_000)
        page.wait_for_function("before => document.querySelector('#movement .big').innerText !== before", arg=before)
        assert page.evaluate("window.seen") == {"violations": [], "shift": 0}


# ── people, paper, places ──


@pytest.mark.parametrize(("date", "hours"), [("2025-10-26", 25), ("2025-03-30", 23), ("2025-09-04", 24)])
def test_a_day_is_as_long_as_it_was_and_told_by_its_own_clocks(stage: Stage, date: str, hours: int) -> None:
    """The two days on which clocks change, and one in Tokyo."""
    html = stage.html(f"/metrics/steps?range=d&end={date}").text
    rows = re.findall(r'<tr data-x="[^"]*"><th scope="row">(?:<a[^>]*>)?([^<]*)', html)
    assert len(rows) == hours
    assert (rows[0], rows[-1]) == ("00:00", "23:00")
    assert (rows.count("02:00"), hours) in ((2, 25), (0, 23), (1, 24))


def test_nothing_of_one_person_is_on_anothers_pages(stage: Stage) -> None:
    steps = stage.api("days?metric=steps&from=2025-11-10&to=2025-11-20")["days"]
    own = {f"{day['value']:,.0f}" for day in steps} | {stage.paths["upload"], stage.paths["workout"], "Alice’s phone"}
    for name in PAGES:
        answer = stage.html(stage.paths[name], "Erin")
        assert answer.status_code in (200, 403, 404), name
        if name in ("workout", "upload", "device"):
            assert answer.status_code == 404, name
        assert not [value for value in own if value in answer.text], name


def test_addresses_carry_no_values(stage: Stage) -> None:
    for name in ("today", "sleep", "metrics", "steps", "findings"):
        for address in re.findall(r'href="(/[^"]*)"', stage.html(stage.paths[name]).text):
            left = re.sub(r"/static/.*|\d{4}-\d\d(-\d\d)?|/workouts/\d+|#finding-\d+|#d\d+|range=\w+|sources=1|vo2_max", "", address)
            assert not re.search(r"\d", left), address


@pytest.mark.parametrize("path", ["/", "/sleep"])
def test_a_page_prints_on_two_sheets_without_its_navigation(stage: Stage, chromium: Any, path: str) -> None:
    with looking(chromium, stage, viewport={"width": 1280, "height": 900}) as page:
        page.goto(stage.base + path)
        sheet = page.pdf(format="A4")
        (ARTIFACTS / f"print{path.replace('/', '-')}.pdf").write_bytes(sheet)
        assert 1 <= len(re.findall(rb"/Type\s*/Page\b", sheet)) <= 2
        page.emulate_media(media="print")
        assert not page.locator(".nav, .fresh, .skip").evaluate_all("all => all.some(e => e.checkVisibility())")


@pytest.mark.parametrize(("units", "locale"), [("imperial", "en-US"), ("metric", "de"), ("metric", "fr")])
def test_other_units_and_places_keep_the_page_in_shape(stage: Stage, chromium: Any, units: str, locale: str) -> None:
    with stage.database.reading() as c:
        alice = people.get_person(c, "Alice")
    with looking(chromium, stage) as page:
        page.goto(stage.base + "/")
        height = page.locator("main").bounding_box()["height"]
        with stage.database.writing() as c:
            people.update(c, alice.id, units=units, locale=locale)
        try:
            page.goto(stage.base + "/")
            words = plain(page.inner_text("main"))
            assert page.locator("main").bounding_box()["height"] == pytest.approx(height, rel=0.05)
            assert page.evaluate("document.documentElement.scrollWidth") == 375
        finally:
            with stage.database.writing() as c:
                people.update(c, alice.id, units=alice.units, locale=alice.locale)
        assert {"en-US": "3,501", "de": "3.501", "fr": "3 501"}[locale] in words.replace("\u202f", " ")
        assert bool(re.search(r"\d ?lb\b", words) and re.search(r"\d ?mi\b", words)) is (units == "imperial")
