import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from healthbox.domain.errors import DiskFull, Problem
from healthbox.store import disk
from healthbox.store.locks import ServerLock, is_held

HOLD = """
import sys
from pathlib import Path
from healthbox.store.locks import ServerLock
from healthbox.domain.errors import Problem
try:
    lock = ServerLock(Path(sys.argv[1]))
except Problem as refused:
    print(refused.code, refused.message)
else:
    print("held", flush=True)
    sys.stdin.read()
"""


def start(data: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", HOLD, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_the_data_directory_and_all_that_follows_is_private(tmp_path: Path) -> None:
    disk.prepare(tmp_path / "a" / "data")
    (tmp_path / "a" / "data" / "file").touch()
    assert (tmp_path / "a" / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "data" / "file").stat().st_mode & 0o777 == 0o600


def test_an_unwritable_directory_is_named_with_the_line_to_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (Path("/proc/healthbox"), tmp_path / "file" / "data"):
        with pytest.raises(Problem) as refused:
            disk.prepare(place)
        assert refused.value.code == "unwritable"
        assert refused.value.hint == f"Run on the host: chown -R {os.geteuid()}:{os.getegid()} {place}"


def test_a_private_write_replaces_the_file_whole(tmp_path: Path) -> None:
    disk.write_private(tmp_path / "key", b"one")
    disk.write_private(tmp_path / "key", b"two")
    assert (tmp_path / "key").read_bytes() == b"two"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_room_is_refused_before_the_disk_is_full(tmp_path: Path) -> None:
    free = disk.room(tmp_path).free
    disk.ensure_room(tmp_path, 1, 1)
    with pytest.raises(DiskFull, match="MB are needed"):
        disk.ensure_room(tmp_path, free, 1 << 30)
    with pytest.raises(DiskFull):
        disk.ensure_room(tmp_path, 1, free + (1 << 30))


def test_the_ballast_is_made_given_back_and_made_again(tmp_path: Path) -> None:
    assert disk.restore_ballast(tmp_path, 1)
    assert (tmp_path / "ballast").stat().st_size == 1024 * 1024
    assert disk.restore_ballast(tmp_path, 1)
    assert disk.release_ballast(tmp_path)
    assert not disk.release_ballast(tmp_path)
    assert disk.restore_ballast(tmp_path, 2)


def test_no_ballast_where_there_is_no_room_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "room", lambda data: disk.Room(free=3 * 1024 * 1024, total=10**9))
    assert not disk.restore_ballast(tmp_path, 1)
    assert not (tmp_path / "ballast").exists()


@pytest.mark.parametrize(
    ("kind", "word"),
    [("ext4", None), ("btrfs", None), ("nfs4", "NFS"), ("cifs", "SMB"), ("smb3", "SMB"), ("9p", "9p"), ("fuse.sshfs", "FUSE")],
)
def test_doubtful_file_systems_are_named(tmp_path: Path, kind: str, word: str | None) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"proc / ext4 rw 0 0\nnas {tmp_path.resolve()} {kind} rw 0 0\nx {tmp_path.resolve()}/other nfs rw 0 0\n")
    found = disk.doubtful_file_system(tmp_path / "data", mounts)
    assert found is None if word is None else word in (found or "")


def test_a_second_server_on_one_directory_is_refused_with_the_firsts_process(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    first = start(tmp_path)
    assert first.stdout and first.stdout.readline() == "held\n"
    assert is_held(tmp_path)
    second, _ = start(tmp_path).communicate(timeout=30)
    assert second.startswith("already_running") and str(first.pid) in second
    with pytest.raises(Problem, match="already runs"):
        ServerLock(tmp_path)
    first.communicate(timeout=30)
    assert not is_held(tmp_path)


def test_a_killed_server_holds_nothing(tmp_path: Path) -> None:
    first = start(tmp_path)
    assert first.stdout and first.stdout.readline() == "held\n"
    first.kill()
    first.communicate(timeout=30)
    with ServerLock(tmp_path):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)


def test_of_the_copies_that_upgrades_and_restores_left_the_newest_stay_while_they_are_young(tmp_path: Path) -> None:
    day, now = 86_400, 2_000_000_000
    for age in (1, 2, 3, 4, 5):
        (tmp_path / f"before-upgrade-m{age:04d}.db").touch()
        (tmp_path / f"before-restore-{age}").mkdir()
        (tmp_path / f"before-restore-{age}" / "healthbox.db").touch()
    for name, age in (("before-restore-1", 89), ("before-restore-2", 91)):
        os.utime(tmp_path / name, (now - age * day,) * 2)
    for age in (3, 4, 5):
        os.utime(tmp_path / f"before-restore-{age}", (now - 400 * day,) * 2)
    for age in (1, 2, 3, 4, 5):
        os.utime(tmp_path / f"before-upgrade-m{age:04d}.db", (now - age * day,) * 2)
    (tmp_path / "healthbox.db").touch()
    gone = disk.tidy_copies(tmp_path, now)
    assert len(gone) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "before-restore-1", "before-upgrade-m0001.db", "before-upgrade-m0002.db", "before-upgrade-m0003.db", "healthbox.db",
    ]  # fmt: skip
    assert disk.tidy_copies(tmp_path, now) == []


@pytest.mark.parametrize("size", [0, 1, 4096, 12_288, 12_289])
def test_a_large_file_is_copied_stretch_by_stretch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(disk, "_STRETCH", 4096)
    wrote = os.write
    monkeypatch.setattr(os, "write", lambda file, data: wrote(file, data[:1000]))  # as a system may that is busy
    content = os.urandom(size)
    (tmp_path / "given").write_bytes(content)
    told: list[float] = []
    assert disk.copy_synced(tmp_path / "given", tmp_path / "copy", told.append) == hashlib.sha256(content).digest()
    assert (tmp_path / "copy").read_bytes() == content
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    assert told == sorted(told) and told[-1:] == ([1.0] if size else [])


def test_a_disk_that_fills_while_a_large_file_is_copied_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_STRETCH", 4096)
    wrote, left = os.write, [4096, 2048]

    def filling(file: int, data: memoryview) -> int:
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        return wrote(file, data[: left.pop(0)])

    monkeypatch.setattr(os, "write", filling)
    (tmp_path / "given").write_bytes(os.urandom(9000))
    with pytest.raises(OSError, match="No space"):
        disk.copy_synced(tmp_path / "given", tmp_path / "copy", print)


def test_no_copy_takes_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "given").write_bytes(b"new")
    (tmp_path / "copy").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        disk.copy_synced(tmp_path / "given", tmp_path / "copy", print)
    assert (tmp_path / "copy").read_bytes() == b"old"
