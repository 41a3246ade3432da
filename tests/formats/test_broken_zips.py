"""Zips whose content is damaged, in every way of packing that Python reads: said in words, never an error of the library."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import seeds

from healthbox.domain.errors import Invalid, Problem
from healthbox.formats.contract import FileFormat
from healthbox.formats.registry import discover_files

PARSERS = ("apple-health-export", "health-connect-backup", "healthbox-export")
METHODS = {"stored": zipfile.ZIP_STORED, "deflated": zipfile.ZIP_DEFLATED, "bzip2": zipfile.ZIP_BZIP2, "lzma": zipfile.ZIP_LZMA}


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """What the good zip of each parser holds."""
    made: dict[str, dict[str, bytes]] = {}
    for parser, paths in seeds.files(tmp_path_factory.mktemp("good")).items():
        for path in paths:
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as archive:
                    made[parser] = {name: archive.read(name) for name in archive.namelist()}
    return made


def read(guest: FileFormat, path: Path) -> Problem | None:
    """To the end, or with these words; any other error is one of the library."""
    try:
        if guest.claims(path):
            list(guest.records(path, seeds.ENVELOPE))
    except Problem as problem:
        assert problem.message
        return problem
    return None


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("parser", PARSERS)
def test_damage_is_said_in_words(contents: dict[str, dict[str, bytes]], tmp_path: Path, parser: str, method: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", METHODS[method]) as archive:
        for name, content in contents[parser].items():
            archive.writestr(name, content)
        entries = archive.infolist()
    guest, path, good, refused = discover_files()[parser], tmp_path / "export.zip", packed.getvalue(), 0
    for entry in entries:
        begins = entry.header_offset + 30 + len(entry.filename.encode())
        for at in range(begins, begins + entry.compress_size, max(1, entry.compress_size // 40)):
            path.write_bytes(good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :])
            problem = read(guest, path)
            refused += problem is not None
            assert problem is None or isinstance(problem, Invalid)
    assert refused


@pytest.mark.parametrize("parser", PARSERS)
def test_a_wrong_bit_around_the_content_is_said_in_words(contents: dict[str, dict[str, bytes]], tmp_path: Path, parser: str) -> None:
    """In the headers of the last entry and in the directory, where all names are said to be UTF-8."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in contents[parser].items():
            archive.writestr(name, content)
        last = archive.infolist()[-1]
    good, guest, path, refused = bytearray(packed.getvalue()), discover_files()[parser], tmp_path / "export.zip", 0
    for mark, flags in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        at = -1
        while (at := good.find(mark, at + 1)) >= 0:
            good[at + flags] |= 0x08
    header = range(last.header_offset, last.header_offset + 30 + len(last.filename))
    for at in (*header, *range(good.rfind(b"PK\x01\x02"), len(good))):
        for bit in range(8):
            path.write_bytes(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
            refused += read(guest, path) is not None
    assert refused
