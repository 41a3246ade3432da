"""From the 202 to the day that shows it: one chunk of 200 samples at a time into a server that is otherwise idle, then into one
that works off an Apple Health export, of the same person and of somebody else in turns."""

import datetime as dt
import http.client
import json
import time
from random import Random
from zoneinfo import ZoneInfo

from accept import served
from during import another, importing
from house import House, Row, house, percentile, samples

BAR_S, IMPORT_BAR_S, PAUSE_S, LOOK_S, PATIENCE_S = 0.5, 2.0, 0.7, 0.002, 60.0


def run(*, stored: int, rounds: int, records: int, files: int) -> list[Row]:
    with house(stored) as place, served(place, with_worker=True) as port:
        rows = [_row("idle", [_once(place, port, number) for number in range(rounds)], BAR_S, "")]
    with house(stored) as alice, served(alice, with_worker=True) as port:
        bob = another(alice)
        took: dict[str, list[float]] = {"her own import": [], "another's import": []}
        with importing(alice, records, files) as state:
            for number in range(max(1, rounds // 2)):
                took["her own import"].append(_once(alice, port, number))
                took["another's import"].append(_once(bob, port, number))
        rows += [_row(f"during {what}", times, IMPORT_BAR_S, state.note()) for what, times in took.items()]
    return rows


def _row(when: str, took: list[float], bar: float, note: str) -> Row:
    p95, median = (percentile(took, share) * 1000 for share in (0.95, 0.5))
    words = "; ".join(filter(None, [f"median {median:.0f} ms", f"longest {max(took) * 1000:.0f} ms", note]))
    return Row(f"202 to aggregates visible, 200 samples, {when}, p95", f"≤ {bar * 1000:.0f} ms", f"{p95:.0f} ms", p95 <= bar * 1000, words)


def _once(place: House, port: int, number: int) -> float:
    """A chunk for a day of its own, in a metric that has nothing there yet."""
    time.sleep(PAUSE_S)
    start = place.newest - (number + 2) * 86_400 + 9 * 3600
    made = samples(Random(number), start, 200)
    for sample in made:
        sample |= {"type": "hrv_sdnn", "unit": "ms"}
    body = json.dumps({"batch": f"visible {number}", "index": 0, "final": True, "samples": made})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/api/v1/sync", body, {"Authorization": f"Bearer {place.token}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    accepted = time.perf_counter()
    connection.close()
    if answer.status != 202:
        raise RuntimeError(f"the server answered {answer.status}")
    date = dt.datetime.fromtimestamp(start, ZoneInfo("Europe/Berlin")).date().isoformat()
    while not _is_there(place, date):
        if time.perf_counter() - accepted > PATIENCE_S:
            raise RuntimeError("the day never came")
        time.sleep(LOOK_S)
    return time.perf_counter() - accepted


def _is_there(place: House, date: str) -> bool:
    with place.database.reading() as c:
        found = c.exec_driver_sql("SELECT n FROM day WHERE person_id=? AND metric='hrv_sdnn' AND date=?", (place.person_id, date)).scalar()
    return found == 200
