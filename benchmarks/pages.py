"""Every page of a person with ten years of days, nights and samples: time in the server, bytes to a browser, other hosts named.

A synthetic year comes in through the door; its days and nights are then repeated backwards, above the bulk of old samples.
"""

import datetime as dt
import re
import time
from collections.abc import Iterator
from urllib.parse import urljoin

from flask.testing import FlaskClient
from house import House, Row, now_ms, percentile, timed

from healthbox.cli.demo_year import make
from healthbox.store import days, ledger
from healthbox.web.application import create_app

BAR_MS, BAR_KB = 30, 150
NOT_LOOKED_AT = {"/login", "/logout", "/setup", "/pulse"}
METRICS = ("heart_rate", "resting_heart_rate", "steps", "weight")


def run(place: House, *, length: int, years: int, rounds: int) -> list[Row]:
    furnish(place, length=length, years=years)
    app = create_app(place.settings, place.database, place.door)
    client = app.test_client()
    client.set_cookie("healthbox", place.cookie)
    paths = sorted(found_paths(app.url_map.iter_rules(), place))
    rows, sizes, hosts = [], {}, set()
    for path in paths:
        answer = client.get(path)
        if answer.status_code != 200:
            if answer.status_code >= 500:
                rows.append(Row(f"page {path}", "answers", f"status {answer.status_code}", False))
            continue
        took = [_timed(client, path) for _ in range(rounds)]
        p95, cpu = (percentile([one[at] for one in took], 0.95) for at in (0, 1))
        sizes[path] = len(answer.data) + sum(_assets(client, path, answer.text).values())
        hosts |= set(re.findall(r"""(?:src|href|action)=["']https?://([^/"']+)""", answer.text)) - {"localhost"}
        note = f"{cpu:.0f} ms CPU; {sizes[path] / 1000:.0f} kB with all it loads"
        rows.append(Row(f"page {path}, p95 in the server", f"≤ {BAR_MS} ms", f"{p95:.0f} ms", p95 <= BAR_MS, note))
    largest = max(sizes, key=lambda path: sizes[path])
    size = sizes[largest] / 1000
    rows.append(Row("the heaviest page with all it loads", f"≤ {BAR_KB} kB", f"{size:.0f} kB", size <= BAR_KB, largest))
    rows.append(Row("other hosts named in pages", "0", str(len(hosts)), not hosts))
    return rows


def _timed(client: FlaskClient, path: str) -> tuple[float, float]:
    """(wall, CPU) milliseconds; they are far apart only where something else wants the machine."""
    wall, cpu = timed(lambda: client.get(path))
    return wall * 1000, cpu * 1000


def _assets(client: FlaskClient, path: str, page: str) -> dict[str, int]:
    """What a browser loads for the page, by address: scripts and style sheets, and what those import."""
    found: dict[str, int] = {}
    waiting = [urljoin(path, at) for at in re.findall(r"""<(?:script|link)[^>]+(?:src|href)=["']([^"']+\.(?:js|css)[^"']*)""", page)]
    while waiting:
        address = waiting.pop()
        if address in found:
            continue
        answer = client.get(address)
        found[address] = len(answer.data)
        waiting += [urljoin(address, at) for at in re.findall(r"""import [^"']*["'](\.[^"']+)""", answer.text)]
    return found


def found_paths(rules: Iterator[object], place: House) -> set[str]:
    """The address of every page that a person can open, with an example where it takes one."""
    yesterday = (dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)).isoformat()
    paths: set[str] = set()
    for rule in rules:
        text, names, endpoint = rule.rule, rule.arguments, rule.endpoint  # type: ignore[attr-defined]
        if "GET" not in rule.methods or endpoint.startswith("api_") or text.startswith(("/api/", "/static")):  # type: ignore[attr-defined]
            continue
        if not names:
            paths.add(text)
        elif len(names) == 1:
            (name,) = names
            examples = METRICS if name in ("metric", "key") else (yesterday,) if name in ("date", "day") else ()
            paths |= {re.sub("<[^>]+>", example, text) for example in examples}
    return {path for path in paths if not any(path.startswith(other) for other in NOT_LOOKED_AT)}


def furnish(place: House, *, length: int, years: int) -> None:
    year = make(now_ms(), "Europe/Berlin", days=length)
    for body in year.bodies:
        place.door.sync(place.device, body, now_ms())
    while True:
        place.pump.run()
        with place.database.reading() as c:
            if ledger.depth(c)[0] == 0 and not days.waits(c):
                break
        time.sleep(0.2)
    with place.database.writing() as c:
        for back in range(1, years):
            shift = f"-{back * length} days"
            c.exec_driver_sql(
                "INSERT OR IGNORE INTO day "
                "SELECT person_id, metric, date(date, ?), value, low, high, mean, n, coverage, layer, rule, detail, drift, covered "
                "FROM day WHERE person_id=? AND date > date('now', ?)",
                (shift, place.person_id, f"-{length} days"),
            )
            c.exec_driver_sql(
                'INSERT OR IGNORE INTO night SELECT person_id, date(date, ?), asleep, start-?, "end"-?, json, stated FROM night '
                "WHERE person_id=? AND date > date('now', ?)",
                (shift, back * length * 86_400_000, back * length * 86_400_000, place.person_id, f"-{length} days"),
            )
    place.database.checkpoint()
