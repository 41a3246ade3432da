"""Today: the sentence by its rules, numbers equal to the API's, missing days hatched, nobody else's data, few reads."""

import datetime as dt
import re

import msgspec
import pytest
from place import Place
from sqlalchemy import event
from year import NOT_WORN, live_a_year

from healthbox.analytics import baseline
from healthbox.analytics.rules.contract import Finding
from healthbox.pipeline.analyse import Evidence
from healthbox.store import findings
from healthbox.store.pages_reading import NightPoint, Point
from healthbox.web import usual

DAY = dt.timedelta(days=1)


def words(html: str) -> str:
    """What a person reads: without tags, blanks as one."""
    return " ".join(re.sub(r"<[^>]+>", " ", html.partition("<main")[2]).replace("\N{NO-BREAK SPACE}", " ").split())


def headline(html: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", html, re.S)
    assert found
    return re.sub(r"<[^>]+>", "", found[1]).replace("\N{NO-BREAK SPACE}", " ")


def get(place: Place, path: str = "/", login: str = "alice") -> str:
    answer = place.browser(login).client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def put(place: Place, metric: str, date: dt.date, value: float | None, name: str = "Alice") -> None:
    with place.database.writing() as c:
        if value is None:
            c.exec_driver_sql("DELETE FROM day WHERE person_id=? AND metric=? AND date=?", (place.persons[name], metric, date.isoformat()))
        else:
            c.exec_driver_sql(
                "INSERT OR REPLACE INTO day VALUES (?,?,?,?,NULL,NULL,NULL,4,1,'raw','last reading',?,NULL,NULL)",
                (place.persons[name], metric, date.isoformat(), value, '{"sources":[{"name":"Apple Watch","kind":"watch","value":4}]}'),
            )


def calm(place: Place, days: int = 70, metric: str = "resting_heart_rate", centre: float = 54) -> dt.date:
    """Mornings within one of the centre, nothing else; returns today."""
    today = dt.datetime.fromtimestamp(place.clock() / 1000, dt.UTC).date()
    for back in range(days):
        put(place, metric, today - DAY * back, centre + (0, 1, -1)[back % 3])
    return today


def test_three_numbers_equal_the_api(place):
    today = live_a_year(place)
    page, headers, client = words(get(place)), place.bearer(), place.client()
    asked = {"from": today.isoformat(), "to": today.isoformat()}
    steps, pulse, breath = (
        client.get("/api/v1/days", query_string={"metric": metric, **asked}, headers=headers).json["days"][0]["value"]
        for metric in ("steps", "resting_heart_rate", "respiratory_rate")
    )
    night = client.get("/api/v1/nights", query_string=asked, headers=headers).json["nights"][0]
    hours, minutes = divmod(round(night["asleep"]), 60)
    assert f"Movement so far Why {steps:,.0f}? {steps:,.0f} steps" in page
    assert f"Resting pulse {pulse:.0f} bpm" in page
    assert f"Breathing {breath:.1f} /min" in page
    assert f"{hours} h {minutes:02d} min asleep" in page


def test_every_number_leads_to_its_account(place):
    today = live_a_year(place)
    page = get(place)
    for metric in ("resting_heart_rate", "hrv_sdnn", "steps", "active_energy"):
        assert f'href="/metrics/{metric}/{today}/why"' in page
    assert f'href="/sleep/{today}"' in page


def test_nothing_missing_is_written_as_a_value(place):
    today = live_a_year(place)
    for back in (0, 3, *NOT_WORN[:2]):
        page = words(get(place, f"/day/{today - DAY * back}"))
        assert not re.search(r"\bNone\b|\bNaN\b|\bnan\b|Undefined| 0 bpm| 0 ms", page)


def test_missing_days_are_hatched_and_say_why(place):
    today = live_a_year(place)
    ribbon = get(place).partition('<nav class="ribbon"')[2].partition("</nav>")[0]
    assert ribbon.count('class="nodata"') == sum(back < 7 for back in NOT_WORN) == ribbon.count("no data")
    gap = today - DAY * NOT_WORN[0]
    page = get(place, f"/day/{gap}")
    assert headline(page) == "No data for this night."
    assert "watch not worn" in page
    assert "in your usual 38" not in words(page).partition("Steps")[0]
    assert page.partition('id="night"')[2].partition("</section>")[0].count('class="nodata"') == 1


def test_a_day_beside_the_week_shows_all_seven(place):
    today = live_a_year(place)
    ribbon = get(place, f"/day/{today - DAY * 4}").partition('<nav class="ribbon"')[2].partition("</nav>")[0]
    assert ribbon.count("no data") == 1
    assert 'aria-current="date"' in ribbon


def test_no_line_crosses_a_gap(place):
    live_a_year(place)
    row = get(place).partition("Variability (HRV)")[2].partition("</li>")[0]
    spark = row.partition('class="spark"')[2]
    assert spark.count('class="ln heart thin"') == 1 + sum(back in (4, 23) for back in NOT_WORN)  # 23 and 24 are one gap


# ── the sentence ──


def test_without_a_night_it_says_when_the_watch_was_heard(place):
    today = live_a_year(place)
    for metric in ("resting_heart_rate", "hrv_sdnn", "respiratory_rate", "wrist_temperature", "oxygen_saturation"):
        put(place, metric, today, None)
    with place.database.writing() as c:
        c.exec_driver_sql("DELETE FROM night WHERE date=?", (today.isoformat(),))
        c.exec_driver_sql("DELETE FROM finding")
    assert headline(get(place)) == "No data for last night yet. Your watch last sent at 12:56."


def test_while_learning_it_counts_nights(place):
    calm(place, days=12)
    assert headline(get(place)) == "Getting to know you: 12 of 14 nights."
    assert "Learning your usual: 12 of 14 nights" in words(get(place))


def test_a_published_limit_comes_before_everything(place):
    today = calm(place)
    put(place, "resting_heart_rate", today, 120)
    passed = Finding("clinical", "resting_heart_rate", today, "warn", 120.0, None, 111.0, "above", {"source": "NEWS2"})
    with place.database.writing() as c:
        findings.upsert_episode(
            c, place.persons["Alice"], "clinical", "resting_heart_rate", today, latest=today, ended=False, severity="warn",
            json=msgspec.json.encode(Evidence([passed])).decode(), now=place.clock(),
        )  # fmt: skip
    page = get(place)
    assert headline(page) == "Your resting pulse, 120 bpm, is above the NEWS2 limit of 111 bpm."
    assert page.index('class="card crit"') < page.index("Against your usual")


def test_two_readings_away(place):
    today = calm(place)
    calm(place, metric="respiratory_rate", centre=14)
    put(place, "resting_heart_rate", today, 62)
    put(place, "respiratory_rate", today, 19)
    assert headline(get(place)) == "Several readings are away from your usual."


def test_one_reading_away_for_the_third_morning(place):
    today = calm(place)
    for back in range(3):
        put(place, "resting_heart_rate", today - DAY * back, 61)
    page = get(place)
    assert headline(page) == "Mostly your usual self. Your resting pulse is up for the third morning."
    assert '<span class="hl">resting pulse is up</span>' in page


def test_a_change_over_four_weeks(place):
    today = calm(place, days=84, metric="hrv_sdnn", centre=46)
    for back in range(28):
        put(place, "hrv_sdnn", today - DAY * back, 42 + (0, 1, -1)[back % 3])
    assert headline(get(place)) == "Usual night. Your heart rate variability is 4 ms lower than four weeks ago."


def test_a_usual_night(place):
    calm(place)
    page = get(place)
    assert headline(page) == "A usual night."
    assert "Unusual for you" not in page and 'class="card finding' not in page


# ── other states ──


def test_first_run_is_the_list_of_what_is_left_to_do(place):
    page = get(place, login="bob")
    assert "Three steps to your first number." in page and '<svg class="c" data-plot' not in page
    place.token("Bob", "ingest")
    assert "Listening" in get(place, login="bob")


def test_a_finding_stands_above_everything(place):
    live_a_year(place)
    page = get(place)
    assert page.index("Unusual for you") < page.index("Against your usual")
    assert "59, 60, 61 on the last three mornings." in words(page)


def test_nobody_sees_somebody_elses_day(place):
    today = live_a_year(place)
    calm(place, metric="resting_heart_rate", centre=54)
    for path in ("/", f"/day/{today}", "/metrics/all"):
        page = words(get(place, path, login="bob"))
        assert not re.search(r"\d bpm|Apple Watch|Running, |Resting pulse", page.partition("Never seen")[0]), path


def test_a_day_that_has_not_come_is_not_found(place):
    client = place.browser().client
    assert client.get("/day/2025-11-21").status_code == 404
    assert client.get("/day/someday").status_code == 422
    assert client.get("/day?date=2025-11-02").location.endswith("/day/2025-11-02")


def test_at_most_twelve_reads_and_none_of_samples(place):
    live_a_year(place)
    client, seen = place.browser().client, list[str]()

    def note(conn, cursor, statement, *rest):
        if statement.startswith("SELECT"):
            seen.append(statement)

    event.listen(place.database.reader, "before_cursor_execute", note)
    client.get("/")
    event.remove(place.database.reader, "before_cursor_execute", note)
    assert len(seen) <= 12, seen
    assert not any(re.search(r"FROM (sample|bucket|sleep_stage)\b", statement) for statement in seen)


def test_the_page_is_small(place):
    live_a_year(place)
    html = get(place)
    assert html.count("<") < 2 * 900 and not re.search(r"\sstyle=|\son\w+=", html)


@pytest.mark.parametrize(("units", "locale", "distance"), [("imperial", "en_US", "mi"), ("metric", "de", "km")])
def test_units_and_separators_are_the_persons(place, units, locale, distance):
    live_a_year(place)
    with place.database.writing() as c:
        c.exec_driver_sql("UPDATE person SET units=?, locale=? WHERE name='Alice'", (units, locale))
    page = words(get(place))
    assert re.search(rf"Distance \d[.,]\d {distance}", page)
    assert ("1,366 steps" in page) == (locale == "en_US")


def test_a_finding_can_be_quietened_without_leaving_the_page(place):
    today = calm(place)
    evidence = Finding(
        rule="deviation", metric="resting_heart_rate", date=today, severity="warn", value=66, low=52, high=57, direction="above", words={}
    )
    with place.database.writing() as c:
        row = findings.upsert_episode(
            c, place.persons["Alice"], "deviation", "resting_heart_rate", today, latest=today, ended=False, severity="warn",
            json=msgspec.json.encode(Evidence([evidence])).decode(), now=place.clock(),
        )  # fmt: skip
    put(place, "resting_heart_rate", today, 66)
    address = f"/findings/{row.id}/quiet"
    assert f'action="{address}"' in get(place)
    browser = place.browser()
    answer = browser.client.post(address, data={"csrf": browser.csrf, "next": "/"})
    assert (answer.status_code, answer.location) == (303, "/")
    assert f'action="{address}"' not in get(place), "quiet: nothing left to press"


def test_the_days_of_an_episode_make_no_usual_on_any_page(place):
    today = calm(place)
    fever = [today - DAY * back for back in range(5, 35)]
    for date in fever:
        put(place, "resting_heart_rate", date, 70 + date.day % 3)
    assert "usual 53" not in words(get(place)), "so long a fever would be what is usual"
    told = [Finding("deviation", "resting_heart_rate", date, "warn", 70, 52, 56, "above", {}) for date in sorted(fever)]
    with place.database.writing() as c:
        findings.upsert_episode(
            c, place.persons["Alice"], "deviation", "resting_heart_rate", told[0].date, latest=told[-1].date, ended=True, severity="warn",
            json=msgspec.json.encode(Evidence(told)).decode(), now=place.clock(),
        )  # fmt: skip
    said = {re.search(r"usual (\d+–\d+)", words(get(place, path)))[1] for path in ("/", "/metrics/all", "/metrics/resting_heart_rate")}
    assert said == {"51–57"}


def test_it_says_where_the_phone_counts_otherwise(place):
    today = live_a_year(place)

    def stands(stated: float, coverage: float, app: str = "Phone") -> str:
        phone = {"kind": "stated", "value": stated, "coverage": coverage, "app": app}
        layers = [{"kind": "raw", "value": 8000.0, "coverage": 0.5}, phone]
        with place.database.writing() as c:
            c.exec_driver_sql(
                "UPDATE day SET value=8000, detail=? WHERE metric='steps' AND date=? AND person_id=?",
                (msgspec.json.encode({"sources": [], "layers": layers}).decode(), today.isoformat(), place.persons["Alice"]),
            )
        return words(get(place))

    assert "Phone says 8,200 steps, we count 8,000 steps." in stands(8200, 0.5)
    assert "The Apple Health export says 8,200 steps" in stands(8200, 0.5, "apple-health-export"), "an app by its name"
    assert "Health Auto Export says" in stands(8200, 0.5, "health-auto-export") and "The phone says" in stands(8200, 0.5, "")
    assert "we count" not in stands(8040, 0.5), "within one per cent"
    assert "we count" not in stands(6000, 0.3), "said earlier in the day"


def test_a_large_upload_under_way_and_parts_nobody_could_read_are_told(place):
    live_a_year(place)
    now = place.clock()
    assert "could not be read" not in words(get(place)) and "is being read" not in words(get(place))
    with place.database.writing() as c:
        device = c.exec_driver_sql("SELECT id FROM device WHERE person_id=?", (place.persons["Alice"],)).scalars().first()
        batch = c.exec_driver_sql(
            "INSERT INTO batch (public, person_id, device_id, format, status, zone, new, created_at, touched_at) "
            "VALUES ('big', ?, ?, 'apple-export', 'processing', 'UTC', 41200, ?, ?) RETURNING id",
            (place.persons["Alice"], device, now, now),
        ).scalar_one()
        for idx, status, at in ((0, "done", now), (1, "pending", now), (2, "dead", now), (3, "dead", now - 8 * 86_400_000)):
            c.exec_driver_sql(
                "INSERT INTO chunk (batch_id, idx, sha, size, status, due_at, accepted_at, as_of) VALUES (?,?,x'00',3000000,?,?,?,?)",
                (batch, idx, status, now, at, at),
            )
        c.exec_driver_sql("UPDATE chunk SET share=0.54 WHERE status='pending'")
    page = get(place)
    assert "An upload of 12 MB is being read: 88 %, 41,200 records so far, 3 of 4 parts. Numbers may still change." in words(page)
    assert "1 part of what came in the last seven days could not be read." in words(page)
    assert 'href="/uploads/big"' in page
    assert "could not be read" not in words(get(place, login="bob"))


def test_time_awake_has_no_usual_below_nothing():
    on = dt.date(2025, 11, 20)
    reading = next(r for r in usual.NIGHTLY if r.key == "awake")
    rows = [Point(on - DAY * back, value, None, None, None, 1) for back in range(60, -1, -1) for value in [(0.0, 10.0, 60.0)[back % 3]]]
    assert usual.Course(reading, rows).judge(on).band == (0, pytest.approx(10 + 2 * 1.4826 * 10))


def test_time_asleep_is_judged_by_the_nights_of_its_own_source():
    on = dt.date(2025, 11, 20)
    nights = [NightPoint(on - DAY * back, asleep=420.0 + back % 3 * 6, name="Watch") for back in range(80, -1, -1)]
    nights = [NightPoint(n.date, asleep=540.0, name="Ring") if at % 4 == 1 else n for at, n in enumerate(nights)]
    reading = next(r for r in usual.NIGHTLY if r.key == "asleep")
    own = [(n.date, n.asleep) for n in nights if n.name == "Watch" and n.asleep is not None]
    assert usual.Course(reading, usual.asleep(nights)).judge(on).usual == baseline.usual("asleep", own, on), "as the page of the night says"


def test_a_place_is_that_of_the_baseline_over_all_days():
    on = dt.date(2025, 11, 20)
    reading = next(r for r in usual.NIGHTLY if r.key == "resting_heart_rate")
    rows = [Point(on - DAY * back, 50.0 + back % 7, None, None, None, 1, [], "Watch") for back in range(90, -1, -1)]
    out = {on - DAY * back for back in range(4, 12)}
    values = [(row.date, row.value) for row in rows]
    assert usual.Course(reading, rows, out).judge(on).usual == baseline.usual("resting_heart_rate", values, on, without=out)


def test_a_run_that_two_apps_recorded_stands_once_in_the_movement(place):
    live_a_year(place)
    began = place.clock() - 6 * 3_600_000
    with place.database.writing() as c:
        for name, kind, later in (("Strava", "app", 3_000), ("Apple Watch", "watch", 0)):
            made = "INSERT INTO source (person_id, name, kind, created_at) VALUES (1,?,?,0) ON CONFLICT DO NOTHING RETURNING id"
            known = c.exec_driver_sql("SELECT id FROM source WHERE person_id=1 AND name=?", (name,)).scalar()
            source = known or c.exec_driver_sql(made, (name, kind)).scalar_one()
            c.exec_driver_sql(
                'INSERT INTO workout (person_id, source_id, activity, start, "end", totals, as_of, batch_id) VALUES (1,?,?,?,?,?,0,1)',
                (source, "rowing", began + later, began + 1_800_000 - later, '{"distance": 6000}'),
            )
    assert get(place).count("Rowing, today") == 1
