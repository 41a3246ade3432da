"""A real server in a process of its own, as a home server runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import requests

READY_S = 30


class House:
    """``base`` is http://127.0.0.1:PORT (with the sub-path if there is one); ``setup`` the path of the one-use link."""

    def __init__(self, data: Path, *, port: int = 0, **settings: str) -> None:
        env = os.environ | {"HEALTHBOX_MIN_FREE_MB": "1", "HEALTHBOX_BALLAST_MB": "1"}
        env |= {f"HEALTHBOX_{name.upper()}": value for name, value in settings.items()}
        command = [sys.executable, "-m", "healthbox", "serve", "--data", str(data), "--host", "127.0.0.1", "--port", str(port)]
        self.data = data
        self.errors = data.parent / f"{data.name}.log"
        with self.errors.open("ab") as log:
            self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=log, text=True)
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        until = time.monotonic() + READY_S
        while not any("/" in line for line in self.said[1:]):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the server did not start: {self.errors.read_text()[-2000:]}")
            time.sleep(0.05)
        time.sleep(0.1)
        text = "\n".join(self.said)
        found = re.search(r"/setup/\S+", text)
        self.setup = found.group(0) if found else ""
        address = re.search(r"https?://\S+?/(?=\s|$)", text)
        assert address is not None
        self.base = address.group(0).rstrip("/")

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip())

    @property
    def port(self) -> int:
        return int(self.base.rsplit(":", 1)[1].split("/")[0])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=15)
        self._reader.join(timeout=2)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


def wait_for(check: object, seconds: float = 10.0) -> object:
    """Ask again and again until the answer is true."""
    until = time.monotonic() + seconds
    while True:
        found = check()  # type: ignore[operator]
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError("it did not happen in time")
        time.sleep(0.1)


def receipt(base: str, token: str, path: str, *, host: str = "") -> dict[str, object]:
    headers = {"Authorization": f"Bearer {token}"} | ({"Host": host} if host else {})

    def closed() -> dict[str, object] | None:
        answer = requests.get(base + path, headers=headers, timeout=5).json()
        return answer if answer["status"] not in ("pending", "processing") else None

    return wait_for(closed)  # type: ignore[return-value]
