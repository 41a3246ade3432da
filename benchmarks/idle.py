"""The real ``healthbox serve``: from start to ready, then at rest."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from house import Row, house, median

RSS_MB, CPU_SHARE, START_S = 110, 0.5, 2.0
SETTLE_S = 3.0


def run(*, seconds: float, starts: int) -> list[Row]:
    with house() as place:
        place.database.checkpoint()
        started = []
        for number in range(starts):
            began = time.perf_counter()
            server = _serve(place.data, port := _free_port())
            try:
                _until_ready(port)
                started.append(time.perf_counter() - began)
                if number == starts - 1:
                    rss, share = _rest(server.pid, seconds)
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(timeout=30)
    ready = median(started)
    return [
        Row("idle process, resident memory", f"≤ {RSS_MB} MB", f"{rss:.0f} MB", rss <= RSS_MB),
        Row("idle process, of one core", f"≤ {CPU_SHARE} %", f"{share:.2f} %", share <= CPU_SHARE, f"over {seconds:g} s"),
        Row("start to ready", f"≤ {START_S:g} s", f"{ready:.1f} s", ready <= START_S),
    ]


def _serve(data: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEALTHBOX_")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # installed as usual, a start finds its bytecode
    environment |= {"HEALTHBOX_DATA": str(data), "HEALTHBOX_HOST": "127.0.0.1", "HEALTHBOX_PORT": str(port), "HEALTHBOX_LOG_LEVEL": "error"}
    return subprocess.Popen([sys.executable, "-m", "healthbox", "serve"], env=environment, stdout=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _until_ready(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass  # not listening yet
        finally:
            connection.close()
        time.sleep(0.02)
    raise RuntimeError("the server did not get ready")


def _rest(pid: int, seconds: float) -> tuple[float, float]:
    """(resident MB, percent of one core) of a process left alone."""
    time.sleep(min(SETTLE_S, seconds))
    before, began = _cpu(pid), time.perf_counter()
    time.sleep(seconds)
    share = (_cpu(pid) - before) / (time.perf_counter() - began) * 100
    status = Path(f"/proc/{pid}/status").read_text()
    rss = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return rss / 1024, share


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
