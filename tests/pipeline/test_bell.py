"""The bell: it wakes the pump, it carries nothing, and it can be taken away at any moment."""

import sqlite3
import threading
import time

import pytest

from healthbox.pipeline.bell import FILE, Bell, TaggedJson


class Rung:
    def __init__(self):
        self.times, self.event = 0, threading.Event()

    def __call__(self):
        self.times += 1
        self.event.set()

    def wait(self, seconds=5.0):
        heard = self.event.wait(seconds)
        self.event.clear()
        return heard


@pytest.fixture
def tower(tmp_path):
    pump, send = Rung(), Rung()
    bell = Bell(tmp_path, pump, send, poll_seconds=0.02)
    bell.start()
    yield tmp_path / FILE, bell, pump, send
    bell.stop()


def test_a_ring_reaches_the_one_it_is_for(tower):
    _, bell, pump, send = tower
    bell.ring("pump")
    assert pump.wait() and send.times == 0
    bell.ring("send")
    assert send.wait() and pump.times == 1


def test_many_rings_before_an_answer_are_one(tmp_path):
    pump = Rung()
    bell = Bell(tmp_path, pump, Rung(), poll_seconds=0.02)
    for _ in range(50):
        bell.ring("pump")
    bell.start()
    assert pump.wait()
    time.sleep(0.2)
    bell.stop()
    assert pump.times == 1


@pytest.mark.parametrize("ruin", [lambda file: file.unlink(), lambda file: file.write_bytes(b"not a database " * 400)])
def test_a_lost_or_ruined_file_is_made_anew(tower, ruin):
    file, bell, pump, _ = tower
    bell.ring("pump")
    assert pump.wait()
    ruin(file)
    for _ in range(10):  # as the watch does every second
        bell.ring("pump")
        bell.mend()
        if pump.wait(0.5):
            break
    pump.event.clear()
    bell.ring("pump")
    assert pump.wait() and file.exists() and file.stat().st_mode & 0o777 == 0o600


def test_what_an_earlier_process_left_behind_does_not_stop_the_start(tmp_path):
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / (FILE + suffix)).write_bytes(b"half of something " * 300)
    pump = Rung()
    bell = Bell(tmp_path, pump, Rung(), poll_seconds=0.02)
    bell.start()
    bell.ring("pump")
    assert pump.wait()
    bell.stop()


def test_nothing_in_the_queue_is_ever_run_as_code(tower):
    file, bell, pump, _ = tower
    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO task (queue, data, priority) VALUES ('healthbox', ?, 0)", (b"\x80\x04cos\nsystem\n(S'true'\ntR.",))
    bell.ring("pump")
    assert pump.wait(10)
    with pytest.raises(TypeError):
        TaggedJson()._serialize({"any": "thing"})
