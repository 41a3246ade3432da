"""A data folder, the command line that works on it, and a server that runs on it."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from healthbox.cli.main import main

# Tables whose rows must be equal, with the columns that say the same thing whoever stored them and when.
CONTENT = {
    "sample": 'metric, source.name, start, "end", value, hex(uuid), ms',
    "sleep_stage": 'metric, source.name, start, "end", stage, hex(uuid)',
    "bucket": "metric, app, width, start, date, value, low, high, source",
    "stated_night": "app, date, json",
    "workout": 'activity, start, "end", totals, hex(uuid), hex(series), hex(route)',
    "clinical": "kind, uuid, start, hex(hash)",
    "day": "metric, date, value, low, high, mean, n, coverage, layer, rule, detail",
    "night": "date, json",
}


@dataclass
class Home:
    """A data folder and the command line that works on it."""

    data: Path

    def run(self, *words: str, code: int = 0, said: str | None = None) -> Result:
        result = CliRunner().invoke(main, [*words, "--data", str(self.data)], input=said)
        assert result.exit_code == code, result.output + repr(result.exception)
        return result

    def rows(self, query: str, *given: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.data / "healthbox.db")) as connection:
            return connection.execute(query, given).fetchall()

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that is known about people's health, without the traces of how it came."""
        found = {}
        for table, columns in CONTENT.items():
            joined = " JOIN series ON series.id=series_id JOIN source ON source.id=source_id" if "metric, source" in columns else ""
            found[table] = sorted(self.rows(f"SELECT {columns} FROM {table}{joined}"), key=repr)
        return found

    def receipts(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT format, status, new, updated, duplicate, deleted, rejected FROM batch ORDER BY id")

    def batch(self, number: int) -> str:
        """The public name of the batch that came as number 0, 1, 2 ..."""
        return str(self.rows("SELECT public FROM batch ORDER BY id")[number][0])

    def file(self, body: object) -> str:
        path = self.data.parent / f"body-{len(list(self.data.parent.glob('body-*')))}.json"
        path.write_text(json.dumps(body))
        return str(path)


class Server:
    """A real ``healthbox serve`` on a free loopback port."""

    def __init__(self, home: Home) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "healthbox", "serve", "--host", "127.0.0.1", "--port", "0", "--data", str(home.data)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.url = ""
        for line in self.process.stdout:
            if match := re.search(r"(http://127\.0\.0\.1:\d+)/$", line.strip()):
                self.url = match[1]
                break
        assert self.url, "the server did not start"

    def ask(self, path: str, token: str, body: object = None) -> tuple[int, Any]:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        if body is not None:
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def stop(self) -> tuple[int, float]:
        """Exit code and seconds after SIGTERM."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20), time.monotonic() - began

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()


def until(true: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
