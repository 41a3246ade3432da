"""One folder, one server: a second one says so at once and does no harm."""

import subprocess
import sys
import time
from collections.abc import Callable

from terminal import Home, Server


def test_a_second_server_ends_within_two_seconds_in_words_and_the_first_goes_on(home: Home, serve: Callable[[Home], Server]) -> None:
    first = serve(home)
    token = home.run("token", "add", "Phone", "--person", "Alice").stdout.strip()
    epoch = first.ask("/api/v1/sync/state", token)[1]["epoch"]
    took = []
    for _ in range(3):
        began = time.monotonic()
        second = subprocess.run(
            [sys.executable, "-m", "healthbox", "serve", "--data", str(home.data), "--port", "0"],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        took.append(time.monotonic() - began)
        assert second.returncode == 1
        assert "already runs" in second.stderr
        assert "Traceback" not in second.stderr
        assert second.stdout == "", "it announces no address and no setup link"
    assert min(took) <= 2, f"{took} s; the fastest of three, for a machine that is busy with other tests"
    assert first.ask("/api/v1/sync/state", token)[1]["epoch"] == epoch
    assert first.stop()[0] == 0
