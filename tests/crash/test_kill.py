"""kill -9 at random moments under load: nothing acknowledged is lost, doubled or out of order. Without the ledger it is."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import plain_queue
import pytest
from load import Phones, Server, found, judge, kill_again_and_again

SEED = int(os.environ.get("HEALTHBOX_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
KILLS = 20

pytestmark = pytest.mark.slow


@pytest.fixture
def served(tmp_path):
    """A server with Alice's token, started; killed at the end whatever happened."""
    data = tmp_path / "data"
    data.mkdir()
    token = found(data)
    server = Server(data)
    server.start()
    yield server, token
    if server.process is not None and server.process.poll() is None:
        server.kill()


@pytest.mark.timeout(240)
def test_twenty_kills_lose_double_and_disorder_nothing(tmp_path, capsys):
    with capsys.disabled():
        sys.stdout.write(f"\nHEALTHBOX_TEST_SEED={SEED} ")
    verdict, _ = kill_again_and_again(tmp_path, KILLS, SEED)
    assert verdict.clean, f"seed {SEED}: {verdict}"
    assert verdict.chunks > KILLS


def test_a_plain_queue_loses_or_doubles_under_kills(tmp_path):
    place, chance = tmp_path, random.Random(SEED)
    with plain_queue.sqlite3.connect(place / "plain.db") as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE sample (chunk INTEGER, value REAL)")
    huey = plain_queue.queue(place)
    apply = plain_queue.tasks(huey, place)
    chunks = 0
    for _ in range(15):
        for _ in range(40):
            apply(chunks, [float(n) for n in range(8)])
            chunks += 1
        worker = subprocess.Popen([sys.executable, str(Path(plain_queue.__file__)), str(place)])
        before = huey.pending_count()
        while huey.pending_count() == before:
            time.sleep(0.005)
        time.sleep(chance.uniform(0.0, 0.05))
        worker.kill()
        worker.wait()
        if wrong(place, chunks, huey):
            break
    assert wrong(place, chunks, huey) > 0


def wrong(place, chunks, huey):
    """Acknowledged chunks that are neither waiting nor whole."""
    with plain_queue.sqlite3.connect(place / "plain.db") as connection:
        whole = connection.execute("SELECT count(*) FROM (SELECT 1 FROM sample GROUP BY chunk HAVING count(*)=8)").fetchone()[0]
    return chunks - huey.pending_count() - whole


def test_deleting_or_ruining_the_queue_file_under_load_loses_nothing(served):
    server, token = served
    phones = Phones(server, token, SEED)
    phones.start()
    for ruin in (lambda file: file.unlink(missing_ok=True), lambda file: file.write_bytes(b"no database at all " * 500)) * 2:
        time.sleep(0.6)
        ruin(server.data / "queue.db")
    time.sleep(0.6)
    phones.stop()
    server.drain(15)
    assert judge(server, phones.oracle).clean


def test_a_ruined_queue_file_does_not_stop_the_start(served):
    server, token = served
    server.kill()
    (server.data / "queue.db").write_bytes(b"no database at all " * 500)
    server.start()
    phones = Phones(server, token, SEED)
    phones.start()
    time.sleep(0.5)
    phones.stop()
    server.drain(15)
    assert judge(server, phones.oracle).clean


def test_a_clean_stop_under_load_takes_less_than_eight_seconds_and_loses_nothing(served):
    server, token = served
    phones = Phones(server, token, SEED)
    phones.start()
    for _ in range(2):
        time.sleep(0.4)
        began = time.monotonic()
        assert server.kill(signal.SIGTERM) == 0
        assert time.monotonic() - began < 8
        assert server.query("SELECT count(*) FROM chunk WHERE status='running' OR attempts>0") == [(0,)], "attempts are given back"
        server.start()
    phones.stop()
    server.drain(15)
    assert judge(server, phones.oracle).clean


def test_a_second_server_on_one_folder_is_refused(served):
    server, _ = served
    second = Server(server.data)
    second.start(ready=False)
    assert second.process is not None
    assert second.process.wait(timeout=20) != 0
    assert server.get("/healthz")[0] == 200
