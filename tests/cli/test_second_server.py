"""One folder, one server: a second one says so at once and does no harm."""

import resource
import subprocess
import sys
from collections.abc import Callable

from terminal import Home, Server


def test_a_second_server_ends_within_two_seconds_in_words_and_the_first_goes_on(home: Home, serve: Callable[[Home], Server]) -> None:
    first = serve(home)
    token = home.run("token", "add", "Phone", "--person", "Alice").stdout.strip()
    epoch = first.ask("/api/v1/sync/state", token)[1]["epoch"]
    took = []
    for _ in range(3):
        began = resource.getrusage(resource.RUSAGE_CHILDREN)
        second = subprocess.run(
            [sys.executable, "-m", "healthbox", "serve", "--data", str(home.data), "--port", "0"],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime)
        assert second.returncode == 1
        assert "already runs" in second.stderr
        assert "Traceback" not in second.stderr
        assert second.stdout == "", "it announces no address and no setup link"
    assert min(took) <= 2, f"{took} s; of the processor, for the machine may be busy with other tests, but nothing waits in vain"
    assert first.ask("/api/v1/sync/state", token)[1]["epoch"] == epoch
    assert first.stop()[0] == 0
