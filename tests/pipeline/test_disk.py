"""A disk that fills up: refused early, nothing acknowledged is lost, and work goes on by itself when there is room again."""

import errno
import os
import subprocess

import msgspec
import pytest
from house import SECOND, House, at, steps

from healthbox.domain.errors import DiskFull
from healthbox.pipeline.accept import Door
from healthbox.store import disk

MB = 1_048_576


@pytest.fixture
def small(tmp_path):
    """A house on a file system of 24 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], capture_output=True).returncode:
        pytest.skip("no right to mount a small file system here")
    house = None
    try:
        house = House(place)
        yield house
    finally:
        if house is not None:
            house.database.close()
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(house, leave=0):
    """Take all the room but ``leave`` bytes."""
    with (house.settings.data / "filler").open("wb", buffering=0) as file:
        try:
            while disk.room(house.settings.data).free > leave:
                file.write(b"x" * min(MB, max(4096, disk.room(house.settings.data).free - leave)))
        except OSError:
            pass


def body(number):
    samples = [
        steps(at(1 + number % 20, 9, n // 60, n % 60), at(1 + number % 20, 9, n // 60, n % 60), n, metadata={"n": n, "b": number})
        for n in range(1500)
    ]
    return {"batch": f"b{number}", "index": 0, "final": True, "samples": samples}


def test_uploads_are_refused_early_and_taken_again_when_there_is_room(small):
    house = small
    house.door = Door(house.database, msgspec.structs.replace(house.settings, min_free_mb=4), lambda: None)
    fill(house, leave=3 * MB)
    with pytest.raises(DiskFull):
        house.send(body(0))
    assert house.rows("SELECT count(*) FROM chunk") == [(0,)]
    (house.settings.data / "filler").unlink()
    assert house.counts(house.send(body(0))) == {"new": 1500}


def test_a_disk_that_is_full_to_the_last_byte_loses_nothing_and_needs_no_restart(small):
    house = small
    accepted = [house.send(body(number), run=False) for number in range(3)]
    fill(house)
    refused = 0
    for number in range(3, 60):  # what little the write-ahead log still holds may be accepted, and then counts
        try:
            accepted.append(house.send(body(number), run=False))
        except DiskFull:
            refused += 1
            break
    assert refused
    for _ in range(3):
        house.pump.run()
        house.at += 6 * SECOND
    assert house.rows("PRAGMA quick_check") == [("ok",)]
    (house.settings.data / "filler").unlink()
    for _ in range(3):
        house.at += 6 * SECOND
        house.run()
    assert {house.receipt(one)["status"] for one in accepted} == {"completed"}
    assert sum(house.counts(one)["new"] for one in accepted) == 1500 * len(accepted) == len(house.samples("steps"))
    assert house.rows("SELECT count(*) FROM chunk WHERE attempts>0") == [(0,)]
    assert house.rows("PRAGMA integrity_check") == [("ok",)]


def test_the_ballast_is_given_up_for_the_work_that_was_accepted(small):
    house = small
    assert disk.restore_ballast(house.settings.data, 4)
    accepted = house.send(body(0), run=False)
    fill(house)
    for _ in range(4):
        house.pump.run()
        house.at += 6 * SECOND
    house.run()
    assert house.receipt(accepted)["status"] == "completed"
    assert not (house.settings.data / disk.BALLAST).exists()


def test_a_big_body_for_which_the_room_runs_out_is_refused_with_words(house, monkeypatch):
    def no_room(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk, "write_private", no_room)
    samples = [steps(at(1, 9), at(1, 10), n, metadata={"noise": os.urandom(400).hex()}) for n in range(2000)]
    with pytest.raises(DiskFull):
        house.send({"batch": "big", "index": 0, "final": True, "samples": samples})
    assert house.rows("SELECT count(*) FROM batch") == [(0,)]
