"""Opening an export: a zip of whatever language, folder and packer, or the bare xml. Nothing is ever unpacked to disk.

A zip is judged by its directory before anything is read: how many entries, where they lie, what they are called and how far
they swell. What is read is counted while it is read, for sizes can lie. Names inside serve as labels only.
"""

import lzma
import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from healthbox.domain.errors import Invalid, TooLarge
from healthbox.formats.contract import Tell, untold

CHUNK = 256 << 10  # what is made of so much stays in the processor's cache
HEAD = 4096
MAX_ENTRIES = 50_000  # a directory of so many takes some 30 MB
MAX_DIRECTORY = 16 << 20  # bytes
MAX_RATIO = 1000
MAX_PART = 64 << 20  # a route, an ECG or a clinical record, in bytes
_CANDIDATES = 50  # so many xml files are looked into

_EXPORT = re.compile(rb"<(?:!DOCTYPE\s+|!ELEMENT\s+)?HealthData[\s>(\[]")
_FRAGMENT = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:Record|Workout|Correlation|ActivitySummary)\s[^<]*(?:start|dateC)")
_NESTED = (".zip", ".7z", ".rar", ".gz", ".tgz", ".bz2", ".xz")
# What a damaged entry can raise while it is opened and read, and only that. Where nothing else is done meanwhile, a place in the
# file that there is none of is the zip's fault, too: ``OSError`` and ``ValueError``; they may come of the disk or of a caller elsewhere.
BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, struct.error, UnicodeDecodeError,
)  # fmt: skip
_BROKEN = (*BROKEN, OSError, ValueError)


def is_export(head: bytes) -> bool:
    """Whether an xml file that begins so is Apple's export (and not the CDA document beside it)."""
    return b"<ClinicalDocument" not in head and (_EXPORT.search(head) is not None or _FRAGMENT.match(head) is not None)


class Export:
    """An opened export. ``parts`` are its further files by their label: the last folder and the name."""

    def __init__(self, path: Path, archive: zipfile.ZipFile | None, tell: Tell = untold) -> None:
        self._path, self._zip, self._tell = path, archive, tell
        self.parts: dict[str, zipfile.ZipInfo] = {}
        self._main: zipfile.ZipInfo | None = None
        if archive is not None:
            _check(archive)
            self._main = main_entry(archive)
            if self._main is None:
                raise _trap("There is no Apple Health export in this zip.", "no_export")
            for info in archive.infolist():
                if not info.is_dir() and not _hidden(info.filename):
                    self.parts.setdefault(label(_name(info)), info)

    def main(self) -> Iterator[bytes]:
        """The xml in pieces of at most ``CHUNK`` bytes. Raises ``Invalid`` when the zip is damaged or lies about its size."""
        if self._main is not None:
            yield from self._told(self.read(self._main, self._main.file_size), self._main.file_size)
            return
        with self._path.open("rb", buffering=0) as file:
            yield from self._told(iter(lambda: file.read(CHUNK), b""), self._path.stat().st_size)

    def _told(self, chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
        read = 0
        for chunk in chunks:
            yield chunk
            read += len(chunk)
            self._tell(min(read / size, 1.0))

    def read(self, info: zipfile.ZipInfo, limit: int = MAX_PART) -> Iterator[bytes]:
        """One entry in pieces. Raises ``Invalid`` when it is damaged, ``TooLarge`` beyond ``limit`` bytes."""
        if self._zip is None or info.file_size > limit:
            raise TooLarge("A file in the zip is larger than such a file can be.", code="entry_too_large")
        got = 0
        try:
            with self._zip.open(info) as file:
                while chunk := file.read(CHUNK):
                    got += len(chunk)
                    yield chunk
        except _BROKEN as problem:
            raise _damaged() from problem
        if got != info.file_size:
            raise _damaged()

    def find(self, path: str) -> zipfile.ZipInfo | None:
        """The entry that a path written in the xml names."""
        return self.parts.get(label(path))

    def named(self, folder: str, suffix: str) -> Iterator[tuple[str, zipfile.ZipInfo]]:
        """(label, entry) of every file so ending in a folder so called, in the order of their labels."""
        for name in sorted(self.parts):
            if name.endswith(suffix) and name.startswith(f"{folder}/"):
                yield name, self.parts[name]


@contextmanager
def opened(path: Path, tell: Tell = untold) -> Iterator[Export]:
    """Open a zip or a bare xml. Raises ``Invalid`` or ``TooLarge`` for an archive that is damaged or a trap."""
    if not is_zip(path):
        yield Export(path, None, tell)
        return
    with directory(path) as archive:
        yield Export(path, archive, tell)


def is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


@contextmanager
def directory(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip with its directory read, whose size is looked at first."""
    with path.open("rb") as file:
        entries, size = _announced(file)
        if entries > MAX_ENTRIES or size > MAX_DIRECTORY:
            raise TooLarge("The zip holds too many files.", hint=f"At most {MAX_ENTRIES:,} are read.", code="too_many_entries")
        try:
            archive = zipfile.ZipFile(file)
        except _BROKEN as problem:
            raise _damaged() from problem
        with archive:
            yield archive


def main_entry(archive: zipfile.ZipFile) -> zipfile.ZipInfo | None:
    """The export among the xml files: told by how it begins, for its name is in the phone's language. Raises ``Invalid`` when
    there is none and one could not be read."""
    xml = [info for info in archive.infolist() if info.filename.lower().endswith(".xml") and not _hidden(info.filename)]
    xml.sort(key=lambda info: (-info.file_size, info.filename))
    unreadable: Invalid | None = None
    for info in xml[:_CANDIDATES]:
        try:
            with archive.open(info) as file:
                head = file.read(HEAD)
        except _BROKEN as problem:
            unreadable = _locked() if info.flag_bits & 1 else _damaged()
            unreadable.__cause__ = problem
            continue
        if is_export(head):
            return info
    if unreadable is not None:
        raise unreadable
    return None


def label(path: str) -> str:
    """The last folder and the name, in one spelling."""
    parts = [part for part in unicodedata.normalize("NFC", path).replace("\\", "/").split("/") if part]
    return "/".join(parts[-2:]).casefold().replace("_records/", "-records/")


def _announced(file: BinaryIO) -> tuple[int, int]:
    """(entries, bytes) of the directory as the end of the zip states them."""
    end = file.seek(0, 2)
    file.seek(max(0, end - 66_000))
    tail = file.read(66_000)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise _damaged()
    entries, size = struct.unpack_from("<HL", tail, at + 10)
    if entries == 0xFFFF or size == 0xFFFFFFFF:
        at = tail.rfind(b"PK\x06\x06")
        if at < 0 or len(tail) - at < 56:
            raise _damaged()
        entries, size = struct.unpack_from("<QQ", tail, at + 32)
    if size <= MAX_DIRECTORY:  # the number may be a lie, the entries are not
        file.seek(max(0, end - 66_000 - size))
        entries = max(entries, file.read().count(b"PK\x01\x02"))
    file.seek(0)
    return entries, size


def _check(archive: zipfile.ZipFile) -> None:
    """Raises for what no packer writes by itself: names that climb, zips in the zip, entries over each other, bombs."""
    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    ends = [info.header_offset for info in infos[1:]] + [archive.start_dir]
    for info, end in zip(infos, ends, strict=True):
        name = info.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or ":" in name.split("/")[0] or "\x00" in info.orig_filename:
            raise _trap("A file in the zip has a name that leads outside of it.", "unsafe_name")
        if name.lower().endswith(_NESTED):
            raise _trap("There is another archive inside the zip.", "nested_archive")
        if info.header_offset + 30 + info.compress_size > end:
            raise _trap("Files in the zip lie over each other.", "overlapping_entries")
        if info.flag_bits & 1:
            raise _locked()
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and not _hidden(name):
            raise _trap("The zip is packed in an unusual way.", "unknown_compression")
        if info.file_size > MAX_RATIO * max(info.compress_size, 1):
            raise TooLarge("A file in the zip swells more than any export does.", code="zip_bomb")


def _name(info: zipfile.ZipInfo) -> str:
    """The entry's name; a packer that does not say it writes UTF-8 mostly does so all the same."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _hidden(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return "__MACOSX" in parts or parts[-1].startswith(".")


def _trap(message: str, code: str) -> Invalid:
    return Invalid(message, hint="Send export.zip as the phone made it.", code=code)


def _locked() -> Invalid:
    return Invalid("The zip has a password.", hint="Send export.zip as the phone made it.", code="encrypted_zip")


def _damaged() -> Invalid:
    return Invalid("The zip is cut short or damaged.", hint="Export again, or send the file again.", code="broken_zip")
