"""Files made to do harm, of every file format, through the whole house: a clear word, little memory, nothing stored unsaid.

The files of one format are imported one after the other by one process (``springing``), and each is a test of its own.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from apple_fixtures import document, record
from hc_backup_fixture import Phone
from seeds import GPX_WORKOUT, TCX, _fit

from healthbox.formats.healthbox_export.lines import MAGIC

HERE = Path(__file__).parent
MOST_MB, MOST_S = 64, 10  # of CPU; on a machine with nothing else to do each takes less than one
GIGABYTES = 2 << 30

SMALL = document(record(), record()).encode()
OWN = b"\n".join(
    [
        MAGIC,
        b'{"kind":"source","id":1,"name":"Watch","class":"watch"}',
        b'{"kind":"sample","metric":"steps","source":1,"start":1772352000000,"end":1772352060000,"value":5}',
        b"",
    ]
)
CSV = b"metric,date,value,unit,source\nsteps,2026-03-01 09:00,5,,Watch\n"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DEEP = 100_000


class Trap(NamedTuple):
    """``build`` writes it into a folder. ``said``: the code of the refusal, words of the dead letter, or the codes of what could
    not be read while the rest was, at least ``read`` records."""

    build: Callable[[Path], Path]
    said: str | set[str]
    read: int = 0


# -- building ---------------------------------------------------------------------------------------------------------


def written(name: str, content: bytes | str, *, size: int | None = None) -> Callable[[Path], Path]:
    """A file, with nothing behind it up to ``size`` bytes: a hole that takes no room on the disk."""

    def build(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if size is not None:
            os.truncate(path, size)
        return path

    return build


def deflated(begins: bytes, fill: bytes, times: int, level: int) -> tuple[bytes, int]:
    """Packed bytes and how many they become: the same packed block again and again, so that gigabytes are made at once."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    first = packer.compress(begins) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(fill) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + block * times + packer.flush(zlib.Z_FINISH), len(begins) + len(fill) * times


def endless(name: str, begins: bytes, fill: bytes, *, level: int = 1, ballast: bool = False) -> Callable[[Path], Path]:
    """A zip of one file that goes on like that for gigabytes; whoever reads it to its end finds the checksum wrong. ``ballast``: the
    directory says that it takes four times the room, so that it swells like any honest file."""

    def build(folder: Path) -> Path:
        packed, length = deflated(begins, fill * (1 << 20), GIGABYTES >> 20, level)
        packed += b"\0" * (3 * len(packed) if ballast else 0)
        label = name.encode()
        said = struct.pack("<5H3L2H", 20, 0, 8, 0, 0, 0, len(packed), length, len(label), 0)
        listed = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, 0, len(packed), length, len(label), 0, 0, 0, 0, 0, 0)
        body = b"PK\x03\x04" + said + label + packed
        end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(listed) + len(label), len(body), 0)
        path = folder / "endless.zip"
        path.write_bytes(body + listed + label + end)
        return path

    return build


def gzipped(name: str, begins: bytes, fill: bytes = b" " * (1 << 20)) -> Callable[[Path], Path]:
    packed, length = deflated(begins, fill, GIGABYTES // len(fill), 1)
    return written(name, gzip.compress(b"")[:10] + packed + struct.pack("<2L", 0, length & 0xFFFFFFFF))


def zipped(*files: tuple[str, bytes]) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "made.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files:
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        return folder / "made.zip"

    return build


def inside(name: str, content: bytes) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr(name, content)
    return raw.getvalue()


def lying(build: Callable[[Path], Path], form: str, value: int, at: int, mark: bytes = b"PK\x01\x02") -> Callable[[Path], Path]:
    """One number of the (first) entry in a zip's directory, changed."""

    def changed(folder: Path) -> Path:
        path = build(folder)
        raw = bytearray(path.read_bytes())
        struct.pack_into(form, raw, raw.rfind(mark) + at, value)
        path.write_bytes(raw)
        return path

    return changed


def cut(build: Callable[[Path], Path], last: int) -> Callable[[Path], Path]:
    """Without its last bytes."""

    def shorter(folder: Path) -> Path:
        path = build(folder)
        os.truncate(path, path.stat().st_size - last)
        return path

    return shorter


def backup(folder: Path) -> bytes:
    phone = Phone(folder)
    try:
        for number in range(3):
            phone.record("steps", "2026-03-01T07:00:00+01:00", "2026-03-01T08:00:00+01:00", count=100 + number)
        return phone.saved().read_bytes()
    finally:
        phone.db.close()


def of_backup(make: Callable[[bytes], Callable[[Path], Path]]) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        (folder / "phone").mkdir()
        return make(backup(folder / "phone"))(folder)

    return build


def archived(name: str, content: bytes, other: str) -> dict[str, Callable[[Path], Path]]:
    """What can be wrong with a zip, whatever is in it."""
    good = zipped((name, content))
    return {
        "a size above the truth": lying(good, "<L", 4 * len(content), 24),
        "a size below the truth": lying(good, "<L", len(content) - 50, 24),
        "a thousand to one": endless(name, content, b"\0", level=9),
        "breaks off": cut(good, 30),
        "climbs": zipped((name, content), ("../../etc/cron.d/x", b"x")),
        "climbs itself": zipped((f"../../{name}", content)),
        "a zip in the zip": zipped((name, content), ("more.zip", inside(name, content))),
        "only a zip in the zip": zipped(("more.zip", inside(name, content))),
        "over each other": lying(zipped((name, content), (other, content)), "<L", 0, 42),
        "no end of files": lying(good, "<H", 65_534, 10, b"PK\x05\x06"),
    }


def depth(before: str, after: str = "") -> str:
    return before + "<a>" * DEEP + "</a>" * DEEP + after


def recording(name: str, good: str, root: str, *also: str) -> dict[str, Trap]:
    """GPX and TCX: ``good`` is a whole file, ``root`` the tag it begins with, ``also`` what is missed besides when it breaks off."""
    at = good.index(">", good.index(root)) + 1
    head, rest = good[:at], good[at:]
    doctype = head.index(root)
    return {
        "billion laughs": Trap(written(name, f"{head[:doctype]}<!DOCTYPE x [{LAUGHS}]>{head[doctype:]}&l9;{rest}"), "declared entities"),
        "deep": Trap(written(name, depth(head, rest)), "lie too deep"),
        "an attribute of 8 MB": Trap(written(name, f'{head}<a b="{"2" * 8_000_000}"/>{rest}'), "endless tag"),
        "breaks off": Trap(written(name, good[: len(good) * 3 // 4]), {"broken_xml", *also}),
        "nothing behind it": Trap(written(name, good, size=GIGABYTES), "too_large"),
        "gigabytes in a .gz": Trap(gzipped(f"{name}.gz", good.encode()), "is larger than"),
        "gigabytes of zeros in a .gz": Trap(gzipped(f"{name}.gz", good.encode(), b"\0" * (1 << 20)), {"broken_xml"}, 1),
        "a .gz that breaks off": Trap(written(f"{name}.gz", gzip.compress(good.encode())[:-40]), {"broken_gzip", *also}),
        "a .gz in a .gz": Trap(written(f"{name}.gz.gz", gzip.compress(gzip.compress(good.encode()))), "unknown_shape"),
    }


# -- the traps --------------------------------------------------------------------------------------------------------

DATABASE = "health_connect_export.db"
BROKEN, SWELLS = "cut short or damaged", "swells more"
APPLE = {
    "a size above the truth": BROKEN, "a size below the truth": "broken_zip", "a thousand to one": SWELLS, "breaks off": "broken_zip",
    "climbs": "leads outside", "climbs itself": "leads outside", "a zip in the zip": "another archive",
    "only a zip in the zip": "unknown_shape", "over each other": "lie over each other", "no end of files": "too_many_entries",
}  # fmt: skip
EMPTY = "without holding anything"
SAMPLE = OWN.splitlines()[2]


def apple_zip() -> dict[str, Trap]:
    begins = SMALL[:-15]
    fills = {"gigabytes of spaces": b" ", "gigabytes of zeros": b"\0", "gigabytes of empty lines": b"\n"}
    return {name: Trap(build, APPLE[name]) for name, build in archived("export.xml", SMALL, "fxport.xml").items()} | {
        name: Trap(endless("export.xml", begins, fill), EMPTY) for name, fill in fills.items()
    }


def apple_xml() -> dict[str, Trap]:
    laughs = document(record(), head=f"<!DOCTYPE HealthData [{LAUGHS}]>")
    return {
        "an attribute of 8 MB": Trap(written("export.xml", document(record(), record(value="5" * 8_000_000))), {"too_long"}, 1),
        "a name of 8 MB": Trap(written("export.xml", document(record(), record(kind="H" * 8_000_000))), {"too_long"}, 1),
        "billion laughs": Trap(written("export.xml", laughs), "declares entities"),
        "deep": Trap(written("export.xml", document(record(), record(body=depth("")))), {"too_deep", "truncated"}, 1),
        "deep beside everything": Trap(written("export.xml", document(record(), depth("\n ", "\n"))), {"truncated"}, 1),
        "breaks off": Trap(written("export.xml", SMALL[:-100]), {"not_xml", "truncated"}, 1),
        "only nothing": Trap(written("export.xml", b"", size=GIGABYTES), "unknown_shape"),
        "nothing behind it": Trap(written("export.xml", SMALL[:-15], size=40 << 20), EMPTY),
    }


def own_zip() -> dict[str, Trap]:
    name = "healthbox.jsonl"
    made = archived(name, OWN, "README.txt")
    unread = {
        "a size below the truth": BROKEN, "a thousand to one": SWELLS, "breaks off": "broken_zip",
        "climbs itself": "unknown_shape", "only a zip in the zip": "unknown_shape", "no end of files": "too_many_entries",
    }  # fmt: skip
    harmless = {
        trap: Trap(made[trap], set(), 1) for trap in ("climbs", "a zip in the zip", "a size above the truth")
    }  # nothing but the one file is looked at
    return (
        harmless
        | {trap: Trap(made[trap], said) for trap, said in unread.items()}
        | {
            "gigabytes of empty lines": Trap(endless(name, OWN, b"\n"), SWELLS),
            "gigabytes of empty lines packed well enough": Trap(endless(name, OWN, b"\n", ballast=True), EMPTY),
            "gigabytes of one line packed well enough": Trap(endless(name, OWN, b"x", ballast=True), "longer than any"),
        }
    )


def own_lines() -> dict[str, Trap]:
    name = "healthbox.jsonl"
    deep = b'{"kind":"sample","metadata":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}\n"
    wide = SAMPLE[:-1] + b',"metadata":{"a":"' + b"x" * 8_000_000 + b'"}}\n'
    return {
        "deep": Trap(written(name, OWN + deep), {"bad_line"}, 1),
        "a text of 8 MB": Trap(written(name, OWN + wide), {"bad_line"}, 1),
        "one long line": Trap(written(name, OWN, size=40 << 20), "longer than any"),
        "empty lines": Trap(written(name, OWN + b"\n" * (20 << 20)), EMPTY),
        "only nothing": Trap(written(name, b"", size=GIGABYTES), "unknown_shape"),
        "breaks off": Trap(written(name, OWN[:-20]), {"bad_line"}),
    }


def backup_zip() -> dict[str, Trap]:
    said = {
        "a size above the truth": BROKEN, "a size below the truth": "broken_zip", "a thousand to one": SWELLS,
        "breaks off": "broken_zip", "only a zip in the zip": "unknown_shape", "no end of files": "too_many_entries",
    }  # fmt: skip
    names = ("climbs", "climbs itself", "a zip in the zip", *said)
    return {
        name: Trap(
            of_backup(lambda raw, name=name: archived(DATABASE, raw, "other.db")[name]), said.get(name, set()), 0 if name in said else 3
        )
        for name in names
    } | {"gigabytes of nothing": Trap(of_backup(lambda raw: endless(DATABASE, raw, b"\0")), SWELLS)}


def backup_database() -> dict[str, Trap]:
    return {
        "only a beginning": Trap(of_backup(lambda raw: written(DATABASE, raw[:4096])), "unknown_shape"),
        "nothing behind it": Trap(of_backup(lambda raw: written(DATABASE, raw, size=40 << 20)), set(), 3),
        "only nothing": Trap(written(DATABASE, b"SQLite format 3\0", size=GIGABYTES), "unknown_shape"),
    }


def table() -> dict[str, Trap]:
    return {
        "a cell of 8 MB": Trap(written("a.csv", CSV + b"steps,2026-03-01 09:01," + b"5" * 8_000_000 + b",,\n"), {"line_too_long"}, 1),
        "a quote that never closes": Trap(written("a.csv", CSV + b'"' + b"a,b\n" * 20_000), {"no_value", "broken_line"}, 1),
        "one long line": Trap(written("a.csv", CSV + b"x" * (40 << 20)), {"line_too_long"}, 1),
        "zeros behind it": Trap(written("a.csv", CSV + b" " * (1 << 16), size=40 << 20), set(), 1),
        "empty lines": Trap(written("a.csv", CSV + b"\n" * (2 << 20)), set(), 1),
        "empty lines without end": Trap(written("a.csv", CSV + b"\n" * (3 << 20)), EMPTY),
        "zeros without end": Trap(written("a.csv", CSV + b" " * (1 << 16), size=128 << 20), "longer than any"),
        "only nothing": Trap(written("a.csv", b"", size=GIGABYTES), "unknown_shape"),
        "a header of 8 MB": Trap(written("a.csv", b"metric,date,value," + b"x" * 8_000_000), set()),
        "packed": Trap(written("a.csv.gz", gzip.compress(CSV)), "unknown_shape"),
    }


def watch() -> dict[str, Trap]:
    good = _fit()
    return {
        "a length of gigabytes": Trap(written("a.fit", good[:4] + struct.pack("<L", GIGABYTES) + good[8:]), {"truncated"}),
        "breaks off": Trap(written("a.fit", good[: len(good) // 2]), {"truncated"}),
        "nothing behind it": Trap(written("a.fit", good, size=GIGABYTES), "too_large"),
        "gigabytes in a .gz": Trap(gzipped("a.fit.gz", good, b"\0" * (1 << 20)), {"truncated"}, 1),
        "a thousand files in a row": Trap(written("a.fit", good * 1000), set(), 1),
        "a .gz that breaks off": Trap(written("a.fit.gz", gzip.compress(good)[:-40]), {"broken_gzip"}),
    }


TRAPS: dict[str, dict[str, Trap]] = {
    "apple zip": apple_zip(),
    "apple xml": apple_xml(),
    "healthbox zip": own_zip(),
    "healthbox lines": own_lines(),
    "health connect zip": backup_zip(),
    "health connect database": backup_database(),
    "csv": table(),
    "gpx": recording("run.gpx", GPX_WORKOUT, "<gpx", "no_points"),
    "tcx": recording("run.tcx", TCX, "<TrainingCenterDatabase"),
    "fit": watch(),
}


def sprung(name: str, folder: Path) -> dict[str, dict[str, Any]]:
    """What became of each trap of one format."""
    paths: dict[str, Path] = {}
    for number, (trap, made) in enumerate(TRAPS[name].items()):
        place = folder / str(number)
        place.mkdir()
        paths[trap] = made.build(place)
    data = folder / "data"
    data.mkdir()
    tests = HERE.parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (tests.parent, tests / "pipeline")))}
    command = [sys.executable, str(HERE / "springing.py"), str(data), *map(str, paths.values())]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=110, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(zip(paths, map(json.loads, done.stdout.splitlines()), strict=True))


# -- the tests --------------------------------------------------------------------------------------------------------

Sprung = Callable[[str], dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def all_sprung(tmp_path_factory: pytest.TempPathFactory) -> Sprung:
    """What became of each trap of a format; they are sprung once."""
    known: dict[str, dict[str, dict[str, Any]]] = {}

    def of(form: str) -> dict[str, dict[str, Any]]:
        if form not in known:
            known[form] = sprung(form, tmp_path_factory.mktemp("traps"))
        return known[form]

    return of


@pytest.mark.slow
@pytest.mark.parametrize(("form", "trap"), [(form, trap) for form, traps in TRAPS.items() for trap in traps])
def test_a_trap_costs_little_and_is_told(all_sprung: Sprung, form: str, trap: str) -> None:
    expected, found = TRAPS[form][trap], all_sprung(form)[trap]
    assert found["mb"] < MOST_MB
    assert found["cpu"] < MOST_S
    assert found["left"] == 0, "no file and no row without the other"
    assert found["stored"] == found["new"], "nothing is stored that no receipt tells of"
    if found["refused"]:
        assert found["refused"] == expected.said
        assert found["message"]
    elif isinstance(expected.said, str):
        assert (found["status"], found["chunks"]["dead"], found["new"]) == ("failed", 1, 0)
        assert expected.said in found["message"]
    else:
        assert (found["status"], set(found["codes"])) == ("completed_with_errors" if expected.said else "completed", expected.said)
        assert found["read"] >= expected.read
