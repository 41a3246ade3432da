"""Zips: of any language and packer, and those made to do harm."""

import io
import struct
import time
import tracemalloc
import zipfile

import pytest
from apple_fixtures import ECG, ENVELOPE, GPX, bare, document, read, record, rows, zipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthbox.domain.errors import Invalid, Problem, TooLarge
from healthbox.domain.records import Clinical, Rejected
from healthbox.formats.apple_export import FILE_FORMAT, gpx
from healthbox.formats.apple_export.others import electrocardiogram
from healthbox.formats.contract import FileFormat
from healthbox.formats.registry import discover_files, recognise_file
from healthbox.formats.wire import Unreadable

SMALL = document(record(), record())
CDA = '<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><x/></ClinicalDocument>' + " " * 5000


@pytest.mark.parametrize(
    "names",
    [
        ["apple_health_export/export.xml", "apple_health_export/export_cda.xml"],
        ["apple_health_export/exportación.xml", "apple_health_export/export_cda.xml"],
        ["导出.xml", "cda.xml"],
        ["My Health/again/Exportieren.xml", "My Health/again/other.xml", "__MACOSX/My Health/again/._Exportieren.xml", ".DS_Store"],
    ],
)
def test_the_export_is_found_by_how_it_begins(tmp_path, names):
    contents = [SMALL, CDA, b"\0\5\26\7<HealthData>", b"\0"]
    path = zipped(tmp_path, dict(zip(names, contents, strict=False)))
    assert recognise_file(path) is FILE_FORMAT
    assert len(rows(read(path))) == 2


def test_names_without_the_utf8_flag_are_still_found(tmp_path):
    route = '<gpx><trk><trkseg><trkpt lat="1" lon="2"><time>2026-03-01T07:00:00Z</time></trkpt></trkseg></trk></gpx>'
    workout = (
        '\n <Workout workoutActivityType="HKWorkoutActivityTypeRunning" startDate="2026-03-01 08:00:00 +0100" '
        'endDate="2026-03-01 09:00:00 +0100"><WorkoutRoute><FileReference path="/workout-routes/route_1.07下午.gpx"/>'
        "</WorkoutRoute></Workout>"
    )
    path = zipped(tmp_path, {"导出/导出.xml": document(workout), "导出/workout-routes/route_1.07下午.gpx": route})
    raw = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        found = -1
        while (found := raw.find(mark, found + 1)) >= 0:
            raw[found + at + 1] &= ~0x08
    path.write_bytes(raw)
    assert not any(info.flag_bits & 0x800 for info in zipfile.ZipFile(path).infolist())
    assert [len(one.route) for one in read(path)] == [1]


def test_a_bare_xml_is_claimed_and_other_files_are_not(tmp_path):
    assert recognise_file(bare(tmp_path, SMALL)) is FILE_FORMAT
    assert recognise_file(bare(tmp_path, "\ufeff" + SMALL)) is FILE_FORMAT
    assert recognise_file(bare(tmp_path, record().strip())) is FILE_FORMAT
    for other in (CDA, "", "{}", "<html><body>HealthData</body></html>", '{"a": "<Record startDate"}', b"SQLite format 3\0"):
        with pytest.raises(Invalid, match="No format knows") as caught:
            recognise_file(bare(tmp_path, other))
        assert FILE_FORMAT.looks_for in caught.value.hint
    with pytest.raises(Invalid, match="No format knows"):
        recognise_file(zipped(tmp_path, {"health_connect_export.db": "SQLite format 3\0", "notes.xml": "<a/>"}))


def test_the_file_formats_are_found_by_discovery():
    assert all(isinstance(found, FileFormat) and found.name == name for name, found in discover_files().items())
    assert discover_files()["apple-health-export"] is FILE_FORMAT


def test_two_claims_of_a_file_name_both(tmp_path):
    twins = {name: FileFormat(name, "x", lambda path: True, FILE_FORMAT.records) for name in ("alice", "bob")}
    with pytest.raises(Invalid, match="alice and bob"):
        recognise_file(bare(tmp_path, SMALL), twins)


def test_reading_twice_gives_the_same(tmp_path):
    path = zipped(tmp_path, {"export.xml": SMALL})
    assert list(FILE_FORMAT.records(path, ENVELOPE)) == list(FILE_FORMAT.records(path, ENVELOPE)) != []


def patched(path, mark, at, form, value):
    """Lie at one place of each of the zip's headers of a kind."""
    raw = bytearray(path.read_bytes())
    found = -1
    while (found := raw.find(mark, found + 1)) >= 0:
        struct.pack_into(form, raw, found + at, value)
    path.write_bytes(raw)
    return path


def overlapping(folder):
    """Two entries of the directory that point at the same bytes."""
    path = zipped(folder, {"export.xml": SMALL, "fxport.xml": SMALL})
    raw = bytearray(path.read_bytes())
    second = raw.find(b"PK\x01\x02", raw.find(b"PK\x01\x02") + 1)
    struct.pack_into("<L", raw, second + 42, 0)
    path.write_bytes(raw)
    return path


def nested(folder):
    inside = io.BytesIO()
    with zipfile.ZipFile(inside, "w") as archive:
        archive.writestr("export.xml", SMALL)
    return zipped(folder, {"export.xml": SMALL, "more.zip": inside.getvalue()})


def nothing(folder):
    """2 GB of spaces in 2 MB: squeezed once, the same bytes written again and again would need a real packer."""
    with (
        zipfile.ZipFile(folder / "export.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("export.xml", "w") as file,
    ):
        file.write(SMALL[:-15].encode())
        for _ in range(40):
            file.write(b" " * (1 << 20))
    return folder / "export.zip"


def cut(folder):
    path = zipped(folder, {"export.xml": SMALL * 50})
    path.write_bytes(path.read_bytes()[:-30])
    return path


def spoiled(folder):
    path = zipped(folder, {"export.xml": document(*(record(value=str(at)) for at in range(3000)))})
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 50] = b"\xff" * 50
    path.write_bytes(raw)
    return path


TRAPS = {
    "a name that climbs": (lambda folder: zipped(folder, {"export.xml": SMALL, "../../etc/cron.d/x": "x"}), "unsafe_name"),
    "an absolute name": (lambda folder: zipped(folder, {"/export.xml": SMALL}), "unsafe_name"),
    "a windows name": (lambda folder: zipped(folder, {"C:\\export.xml": SMALL}), "unsafe_name"),
    "a zip in the zip": (nested, "nested_archive"),
    "entries over each other": (overlapping, "overlapping_entries"),
    "a size below the truth": (lambda f: patched(zipped(f, {"export.xml": SMALL}), b"PK\x01\x02", 24, "<L", 600), "broken_zip"),
    "a size above the truth": (lambda f: patched(zipped(f, {"export.xml": SMALL}), b"PK\x01\x02", 24, "<L", 60_000), "broken_zip"),
    "a thousand to one": (lambda f: patched(zipped(f, {"export.xml": SMALL}), b"PK\x01\x02", 24, "<L", 2**31), "zip_bomb"),
    "a password": (lambda f: patched(zipped(f, {"export.xml": SMALL}), b"PK\x01\x02", 8, "<H", 1), "encrypted_zip"),
    "too many entries": (lambda f: patched(zipped(f, {"export.xml": SMALL}), b"PK\x05\x06", 10, "<H", 65_534), "too_many_entries"),
    "a directory of gigabytes": (lambda f: patched(zipped(f, {"export.xml": SMALL}), b"PK\x05\x06", 12, "<L", 2**31), "too_many_entries"),
    "a zip that breaks off": (cut, "broken_zip"),
    "bytes spoiled on the way": (spoiled, "broken_zip"),
    "much of nothing": (nothing, "empty_export"),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_a_clear_error_at_once(tmp_path, trap):
    build, code = TRAPS[trap]
    path = build(tmp_path)
    before = time.process_time()
    with pytest.raises(Invalid) as caught:
        list(recognise_file(path).records(path, ENVELOPE))
    assert (caught.value.code, bool(caught.value.message)) == (code, True)
    assert time.process_time() - before < 1
    tracemalloc.start()
    with pytest.raises(Invalid):
        list(recognise_file(path).records(path, ENVELOPE))
    assert tracemalloc.get_traced_memory()[1] < 64 << 20
    tracemalloc.stop()


def test_two_hundred_thousand_entries_are_not_even_listed(tmp_path):
    path = tmp_path / "many.zip"
    empty = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    listed = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    body = empty + listed * 200_000
    zip64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 200_000, 200_000, len(listed) * 200_000, len(empty))
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(body), 1)
    path.write_bytes(body + zip64 + locator + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    with pytest.raises(TooLarge) as caught:
        recognise_file(path)
    assert caught.value.code == "too_many_entries"


def test_entities_are_refused(tmp_path):
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    path = bare(tmp_path, document(record(), head=f'<!DOCTYPE HealthData [<!ENTITY l0 "ha">{laughs}]>\n'))
    with pytest.raises(Invalid) as caught:
        list(recognise_file(path).records(path, ENVELOPE))
    assert caught.value.code == "entities"


def spoil(content: bytes, spots: list[tuple[int, int]]) -> bytes:
    spoiled = bytearray(content)
    for at, byte in spots:
        spoiled[at % len(spoiled)] = byte
    return bytes(spoiled)


SPOTS = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=6)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spots=SPOTS, keep=st.integers(0, 3000))
def test_a_spoiled_zip_is_read_or_refused(spots, keep, tmp_path):
    files = {"export.xml": SMALL, "workout-routes/r.gpx": GPX, "electrocardiograms/e.csv": ECG + "1\n2\n", "clinical-records/c.json": "{}"}
    path = zipped(tmp_path, files)
    path.write_bytes(spoil(path.read_bytes(), spots)[: keep if keep > 100 else None])
    try:
        assert isinstance(list(recognise_file(path).records(path, ENVELOPE)), list)
    except Problem as problem:
        assert problem.code != "problem"


@settings(max_examples=200, deadline=None)
@given(spots=SPOTS)
def test_a_spoiled_route_or_ecg_is_read_or_refused(spots):
    try:
        assert len(gpx.points([spoil(GPX.encode(), spots)])) <= 2
    except Unreadable as problem:
        assert problem.code == "broken_route"
    assert isinstance(electrocardiogram("e.csv", spoil((ECG + "1\n2,5\n" * 20).encode(), spots), "UTC", None), Clinical | Rejected)
