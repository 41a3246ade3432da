"""Names come from outside: whatever a phone, a person or a browser calls a thing, no page makes markup of it."""

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import msgspec
import pytest
from place import PASSWORD, Browser, Place
from werkzeug.exceptions import HTTPException

from healthbox.analytics.rules.contract import Finding
from healthbox.domain.errors import Invalid
from healthbox.pipeline.analyse import Evidence
from healthbox.pipeline.pump import Pump
from healthbox.store import accounts, channels, devices, findings, logins, people
from healthbox.store.vault import Vault

PAYLOADS = [
    "<script>x()</script>", "</script><script>x()//", "<ScRiPt src=//e.vil>", "<img src=x onerror=x()>", "<svg onload=x()>",
    "<svg/onload=x()>", "<body onload=x()>", "<iframe src=javascript:x()>", '<a href="javascript:x()">a</a>',
    "<a href='JaVaScRiPt:x()'>", "<object data=x>", "<embed src=x>", "<base href=//e.vil/>", "<meta http-equiv=refresh content=0>",
    "<form action=//e.vil>", "<input autofocus onfocus=x()>", "<details open ontoggle=x()>", "<video onerror=x()><source>",
    "<math><mi xlink:href=javascript:x()>", "<style>*{x:y}</style>", "<link rel=stylesheet href=//e.vil>", "<!--><script>x()-->",
    "--><script>x()</script>", "]]><script>x()", "<template><script>", '" onmouseover="x()', "' onmouseover='x()",
    "` onmouseover=x() `", '"><script>x()</script>', "'><script>x()</script>", '"/><svg onload=x()>', "x onfocus=x() autofocus",
    '" style="x:y', "'-x()-'", '"-x()-"', '\\"-x()//', "${x()}", "{{ 7*7 }}", "{% for x in y %}", "{{config}}", "javascript:x()",
    "data:text/html,<script>x()</script>", "vbscript:x()", "&lt;script&gt;x()&lt;/script&gt;", "&#60;script&#62;",
    "%3Cscript%3Ex()%3C/script%3E", "\u2028x()", "</title><script>x()", "</textarea><script>x()", "</svg><script>x()",
    "<<script>x()//<</script>", "</option></select><script>x()", "=cmd|'/C calc'!A0", "@SUM(1+1)*x()",
]  # fmt: skip
FORBIDDEN = {"iframe", "object", "embed", "base", "template", "math", "video", "style", "applet", "frame"}
NEVER = {"style", "srcdoc", "srcset", "ping", "formaction", "autofocus", "background", "poster"}
LOADS = {"href", "src", "action", "xlink:href", "data"}
NOUNS = [
    "today", "data", "devices", "unknown", "workouts", "workout", "findings", "channels", "rules", "settings", "people", "dead", "metric",
    "metrics", "why", "sleep",
]  # fmt: skip
ADDRESSES = [
    "/login?next={}", "/data?saved={}", "/findings/channels?saved={}&added={}", "/settings?saved={}", "/metrics/steps?range={}",
    "/{}", "/day/{}", "/metrics/{}", "/uploads/{}", "/unknown/{}", "/setup/{}", "/sleep/{}",
]  # fmt: skip
MOST = 40  # pages of one kind that are looked at: more than there are names


def names(longest: int) -> list[str]:
    """All payloads in names no longer than that, some in one name."""
    made = [""]
    for payload in (text.replace("\u2028", "") for text in PAYLOADS):
        if len(made[-1]) + len(payload) >= longest:
            made.append("")
        made[-1] = f"{made[-1]} {payload}".strip()
    return made


class Page(HTMLParser):
    """``wrong`` lists markup that no page of ours has; ``links`` where it leads; ``words`` all that is read on it."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.path, self.wrong, self.links, self.words = path, list[str](), list[str](), ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in given}
        self.words += " " + " ".join(attributes.values())
        if tag in FORBIDDEN or (tag == "meta" and "http-equiv" in attributes):
            self.wrong.append(f"<{tag}>")
        if tag == "script" and not attributes.get("src", "").startswith("/static/"):
            self.wrong.append(f"<script {attributes}>")
        for name, value in attributes.items():
            if name.startswith("on") or name in NEVER or (name in LOADS and not leads_home(value)):
                self.wrong.append(f"<{tag} {name}={value[:60]}>")
        if tag == "a":
            self.links.append(attributes.get("href", ""))

    def handle_data(self, data: str) -> None:
        self.words += data


def leads_home(value: str) -> bool:
    parts = urlsplit(urljoin("http://localhost/x", value.strip()))
    return parts.netloc == "localhost" and parts.scheme == "http"


def phone(place: Place, name: str, number: int) -> None:
    """One body in which every text that a phone can write is ``name``."""
    at = (dt.datetime(2025, 11, 19, tzinfo=dt.UTC) + dt.timedelta(minutes=20 * number)).isoformat()
    end = (dt.datetime(2025, 11, 19, tzinfo=dt.UTC) + dt.timedelta(minutes=20 * number + 10)).isoformat()
    times, source = {"start": at, "end": end}, {"name": name, "bundle": f"org.example.{number}", "product": name}
    body: dict[str, Any] = {
        "batch": name, "index": 0, "final": True, "anchor": name, "metric": name, "deleted": [name],
        "samples": [
            {"type": "steps", "value": 5, "source": source, "metadata": {name: name, "HKTimeZone": name}, **times},
            {"type": name, "value": 5, "unit": name[:40], "source": source, **times},
            {"type": "steps", "value": 5, "unit": name, "source": source, **times},
            {"type": "steps", "value": name, "source": source, **times},
            {"type": "sleep_analysis", "value": name, "source": source, **times},
        ],
        "workouts": [
            {"activity": name, "source": source, "metadata": {"name": name, "note": name}, "totals": {name: {"value": 1, "unit": name}},
             "laps": [{"type": name, "name": name, **times}], "series": {name: {"unit": name, "points": [[at, 1]]}}, **times},
        ],
        "clinical": [{"resourceType": name, "id": str(number), "code": {"text": name}}],
    }  # fmt: skip
    with place.database.writing() as c:
        token = devices.add_device(c, place.persons["Alice"], name[: devices.NAME_LENGTH], ["ingest"], place.clock())[1]
    sent = place.client().post("/api/v1/sync", json=body, headers={"Authorization": f"Bearer {token}"})
    assert sent.status_code in (202, 422), sent.text


def people_and_alerts(place: Place) -> None:
    """What people and browsers write."""
    vault, noon = Vault(place.settings.data), place.clock()
    with place.database.writing() as c:
        vault.start(c)
        for number, name in enumerate(names(60)):
            told = Finding("deviation", "resting_heart_rate", dt.date(2025, 11, 20), "warn", 61.0, 52.0, 57.0, "above", {"word": name})
            started = dt.date(2025, 10, 1) + dt.timedelta(days=number)
            row = findings.upsert_episode(
                c, place.persons["Alice"], "deviation", name, started, latest=started, ended=False, severity="warn",
                json=msgspec.json.encode(Evidence([told])).decode(), now=noon,
            )  # fmt: skip
            c.exec_driver_sql("UPDATE finding SET note=? WHERE id=?", (name, row.id))
            channels.add(c, vault, place.persons["Alice"], name=name, service=name, url="json://x", detail="values", least="info", now=noon)
            people.add_person(c, name, "UTC", noon)
            logins.create_session(c, 1, name, noon)
        c.exec_driver_sql("UPDATE person SET name=? WHERE id=?", (names(90)[0], place.persons["Alice"]))


@pytest.fixture
def furnished_with_payloads(place: Place) -> Browser:
    for number, name in enumerate(names(95)):
        phone(place, name, number)
    people_and_alerts(place)
    Pump(place.database, place.settings.data, place.clock, lambda: None).run()
    with place.database.writing() as c:
        c.exec_driver_sql("UPDATE chunk SET status='dead', error=? WHERE id<4", (names(200)[0],))
    return place.browser()


def crawl(place: Place, browser: Browser) -> list[Page]:
    """Every page that a link leads to, at most ``MOST`` of a kind and three of a kind of date."""
    adapter, waiting, seen, kinds, pages = place.app.url_map.bind("localhost"), ["/"], {"/"}, dict[str, int](), list[Page]()
    while waiting:
        path = waiting.pop(0)
        try:
            endpoint, parts = adapter.match(urlsplit(path).path)
        except HTTPException:
            continue
        kinds[endpoint] = kinds.get(endpoint, 0) + 1
        if kinds[endpoint] > (3 if "date" in parts else MOST) or endpoint == "static":
            continue
        answer = browser.client.get(path)
        assert answer.status_code in (200, 303, 404), (path, answer.status_code)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if answer.mimetype != "text/html":
            continue
        pages.append(Page(path, answer.text))
        for link in pages[-1].links:
            target = urlsplit(urljoin(f"http://localhost{path}", link))
            address = target.path + (f"?{target.query}" if target.query else "")
            if target.netloc == "localhost" and address not in seen:
                seen.add(address)
                waiting.append(address)
    return pages


def test_no_name_becomes_markup_on_any_page(place: Place, furnished_with_payloads: Browser) -> None:
    pages = crawl(place, furnished_with_payloads)
    assert [(page.path, wrong) for page in pages for wrong in page.wrong] == []
    found = {place.app.url_map.bind("localhost").match(urlsplit(page.path).path)[0] for page in pages}
    assert found >= {f"{noun}.show" for noun in NOUNS} | {f"{noun}.one" for noun in ("devices", "uploads", "unknown", "dead")}
    words = "\n".join(page.words for page in pages)
    lost = [payload for payload in PAYLOADS if payload.replace("\u2028", "") not in words]
    assert lost == [], "every payload was shown, as text"


def test_no_address_becomes_markup(place: Place) -> None:
    browser = place.browser()
    for number, path in enumerate(ADDRESSES):
        for payload in PAYLOADS[number % 2 :: 2]:
            answer = browser.client.get(path.replace("{}", quote(payload)))
            if answer.mimetype == "text/html":
                assert Page(path, answer.text).wrong == [], (path, payload)
            assert "javascript" not in answer.headers.get("Location", "").partition("?")[0]


def test_no_form_that_is_refused_shows_markup(place: Place) -> None:
    browser = place.browser()
    forms: dict[str, Callable[[str], dict[str, str]]] = {
        "/login": lambda text: {"login": text, "password": PASSWORD, "next": text},
        "/devices": lambda text: {"name": text * 30, "scope": text},
        "/findings/channels": lambda text: {"name": text * 30, "url": text, "detail": text, "least": text},
        "/settings/people": lambda text: {"name": text * 30, "zone": text},
        "/settings/accounts": lambda text: {"login": text, "person": text, "password": "x"},
        "/settings/zone": lambda text: {"zone": text, "from": text},
    }
    for path, form in forms.items():
        for payload in PAYLOADS[::4]:
            answer = browser.client.post(path, data=form(payload) | {"csrf": browser.csrf})
            assert answer.status_code < 500, (path, payload)
            if answer.mimetype == "text/html":
                assert Page(path, answer.text).wrong == [], (path, payload)


def test_a_login_and_a_host_are_only_text(place: Place) -> None:
    for payload in PAYLOADS:
        with place.database.writing() as c, suppress(Invalid):  # of one that cannot be printed
            accounts.add_account(c, payload, "no password", None, False, 0)
        answer = place.client().get("/", headers={"Host": payload.encode("ascii", "ignore").decode()})
        assert answer.mimetype != "text/html" or Page("/", answer.text).wrong == [], payload
    page = Page("/settings/people", place.browser().client.get("/settings/people").text)
    assert page.wrong == [] and PAYLOADS[0] in page.words


def test_what_is_looked_for_would_be_seen() -> None:
    bare = [payload for payload in PAYLOADS if Page("/", f"<p>{payload}</p>").wrong]
    quoted = [payload for payload in PAYLOADS if Page("/", f"<p title=\"{payload}\" lang='{payload}' id={payload}>").wrong]
    assert len({*bare, *quoted}) > 35
