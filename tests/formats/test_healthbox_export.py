"""Our own export as records; whoever else wrote into such a file breaks its own line and nothing more."""

import json
import time
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthbox.domain.errors import Invalid, TooLarge
from healthbox.domain.records import (
    Bucket,
    Rejected,
    Sample,
    SampleBlock,
    SetAside,
    SleepStage,
    SourceRef,
    Tombstone,
    Workout,
)
from healthbox.formats.contract import Envelope
from healthbox.formats.healthbox_export import FILE_FORMAT, lines
from healthbox.formats.healthbox_export.reading import Reading
from healthbox.formats.registry import discover_files, recognise_file

ENVELOPE = Envelope(zone="Europe/Berlin", accepted_at=0)
AT = 1_772_000_000_000
SOURCE = {"kind": "source", "id": 1, "name": "Alice's Watch", "class": "watch", "bundle": "com.x", "product": "Watch7,1"}


def plain(at=0, **more):
    return {"kind": "sample", "metric": "steps", "source": 1, "start": AT + at, "end": AT + at + 1000, "value": 5.0, **more}


def text(*said, magic=lines.MAGIC):
    return b"\n".join([magic, *(one if isinstance(one, bytes) else json.dumps(one).encode() for one in said)]) + b"\n"


@pytest.fixture
def read(tmp_path):
    """The records of the lines, of the bare file and of the zip alike."""

    def read(*said):
        bare, packed = tmp_path / "healthbox.jsonl", tmp_path / "healthbox.zip"
        bare.write_bytes(text(*said))
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", "x")
            archive.write(bare, "healthbox.jsonl")
        assert recognise_file(bare) is recognise_file(packed) is FILE_FORMAT
        assert [form.name for form in discover_files().values() if form.claims(packed)] == ["healthbox-export"]
        found = list(FILE_FORMAT.records(bare, ENVELOPE))
        assert list(FILE_FORMAT.records(packed, ENVELOPE)) == found
        return found

    return read


def test_samples_without_uuid_come_side_by_side(read):
    found = read(SOURCE, *(plain(at * 1000) for at in range(2500)), plain(0, metric="heart_rate"))
    assert [(type(one), one.metric, len(one.rows)) for one in found] == [
        (SampleBlock, "steps", 2000), (SampleBlock, "steps", 500), (SampleBlock, "heart_rate", 1),
    ]  # fmt: skip
    assert found[0].source == SourceRef("Alice's Watch", "com.x", "Watch7,1", "watch")
    assert found[0].rows[0] == ("3", AT, AT + 1000, 5.0, None, None)


def test_every_uuid_of_a_sample_is_a_record(read):
    found = read(SOURCE, plain(uuids=[["A", 7, False], ["B", 8, True]], tag="t", zone="Asia/Tokyo", metadata={"n": 1}))
    assert [(one.uuid, one.as_of, one.parent) for one in found] == [("A", 7, False), ("B", 8, True)]
    assert all((type(one), one.tag, one.zone, one.metadata, one.value) == (Sample, "t", "Asia/Tokyo", {"n": 1}, 5.0) for one in found)


def test_what_is_gone_is_a_deletion_and_what_it_deleted(read):
    gone = {"kind": "gone", "metric": "steps", "source": 1, "start": AT, "end": AT, "value": 3}
    stage = {"kind": "gone_sleep", "source": 1, "start": AT, "end": AT + 60_000, "stage": "rem"}
    workout = {"kind": "gone_workout", "source": 1, "activity": "running", "start": AT, "end": AT + 60_000}
    found = read(SOURCE, gone, stage, workout, {"kind": "deleted", "uuid": "A", "metric": "steps"})
    assert [type(one) for one in found] == [Tombstone, Sample, Tombstone, SleepStage, Tombstone, Workout, Tombstone]
    assert all(found[at].uuid == found[at + 1].uuid for at in (0, 2, 4))
    assert len({one.uuid for one in found}) == 4


def test_a_later_statement_of_a_stage_comes_last(read):
    line = {"kind": "sleep", "source": 1, "start": AT, "end": AT + 60_000, "stage": "core", "as_of": 9, "uuids": [["A", 5, False]]}
    assert [(one.uuid, one.as_of) for one in read(SOURCE, line)] == [("A", 5), (None, 9)]
    assert [(one.uuid, one.as_of) for one in read(SOURCE, line | {"as_of": 5})] == [("A", 5)]
    assert read(SOURCE, line | {"superseded": True}) == read(SOURCE, line), "the whole exports say what counts"


def test_what_was_set_aside_is_one_record_with_all_its_names(read):
    uuids = [["A", 7, False], ["B", 8, False]]
    named, plain_one = read(SOURCE, plain(set_aside=True, uuids=uuids), plain(5000, set_aside=True))
    assert type(named) is type(plain_one) is SetAside
    assert [(one.uuid, one.as_of, one.value) for one in named.samples] == [("A", 7, 5.0), ("B", 8, 5.0)]
    assert [one.uuid for one in plain_one.samples] == [None]


def test_a_whole_export_speaks_of_the_sources_of_its_lines(read):
    (found,) = read(SOURCE, {"kind": "whole_export", "as_of": 9, "covers": [[1, AT, AT + 1000]]})
    assert (found.as_of, found.covers) == (9, [(SourceRef("Alice's Watch", "com.x", "Watch7,1", "watch"), AT, AT + 1000)])


def test_a_metric_nobody_knows_keeps_the_name_of_its_wire(read):
    unknown = {"kind": "unknown_metric", "key": "unknown.sock", "naming": "healthkit", "name": "Sock", "unit": "hue"}
    bucket = {"kind": "bucket", "metric": "unknown.sock", "app": "x", "width": "hour", "as_of": 1, "start": AT, "value": 1}
    block, found = read(SOURCE, unknown, plain(metric="unknown.sock"), bucket)
    assert (block.naming, block.metric, block.unit) == ("healthkit", "Sock", "hue")
    assert isinstance(found, Bucket) and (found.naming, found.metric, found.unit) == ("healthkit", "Sock", "hue")


def test_zones_are_to_be_set_again_only_where_they_differ(read):
    assert read({"kind": "zones", "history": [[0, "Europe/Berlin"]]}) == []
    (said,) = read({"kind": "zones", "history": [[0, "Asia/Tokyo"]]})
    assert isinstance(said, Rejected) and said.code == "set_again" and "Asia/Tokyo" in said.reason


def test_merged_sources_are_named(read):
    (said,) = read(SOURCE | {"bundles": ["com.x", "com.y"], "names": ["Alice's Watch", "Old watch"]})
    assert said.code == "set_again" and "Old watch" in said.reason and "source merge" in said.reason
    assert read(SOURCE | {"bundles": ["com.x"], "names": ["Alice's Watch", "Old watch"]}) == [], "one bundle finds them all"


def test_kinds_of_a_later_version_and_those_for_people_are_passed_over(read):
    day = {"kind": "day", "metric": "steps", "date": "2026-03-01", "n": 1, "layer": "raw", "rule": ""}
    assert read(SOURCE, {"kind": "hologram", "x": 1}, day, {"kind": "night", "date": "2026-03-01", "night": {}}, b"  ") == []
    (said,) = read({"kind": "export", "version": 2, "person": "Alice", "exported_at": 1})
    assert said.code == "set_again"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "bad_line"),
        (b"\xff\xfe", "bad_line"),
        (b"[]", "bad_line"),
        (b"{}", "bad_line"),
        (plain(source=7), "no_source"),
        (plain(value="many"), "bad_line"),
        (plain(start=10**30), "bad_line"),
        (plain(start=10**17), "bad_line"),
        (plain(metadata={"n": 10**30}), "bad_line"),
        (plain(uuids=[["A", -1, False]]), "bad_line"),
        (b'{"kind":"sample","metric":"steps","source":1,"start":1,"end":2,"value":1e999}', "bad_line"),
        (b'{"kind":"sample","metric":"steps","source":1,"start":1,"end":2,"value":1,"metadata":{"n":[1e999]}}', "bad_line"),
        (b'{"kind":"clinical","record":"fhir","data":{"n":-1e999},"as_of":1}', "bad_line"),
        ({"kind": "stated_total", "metric": "steps", "app": "x", "date": "yesterday", "as_of": 1, "value": 1}, "bad_line"),
        ({"kind": "sleep", "source": 1, "start": AT, "end": AT, "stage": "dreaming", "as_of": 1}, "bad_line"),
        ({"kind": "order", "metric": "*", "sources": [9]}, "no_source"),
        ({"kind": "whole_export", "as_of": 9, "covers": [[3, AT, AT]]}, "no_source"),
        ({"kind": "whole_export", "as_of": 9, "covers": [[1, AT]]}, "bad_line"),
        (plain(set_aside=1), "bad_line"),
        ({"kind": "workout", "source": 4, "activity": "x", "start": AT, "end": AT, "as_of": 1}, "no_source"),
    ],
)
def test_a_bad_line_costs_itself_alone(read, line, code):
    first, bad, last = read(SOURCE, plain(), line, plain(5000))
    assert (bad.position, bad.code) == ("4", code)
    assert len(first.rows) == len(last.rows) == 1 or [len(first.rows), len(last.rows)] == [1, 1]


def test_other_files_are_not_taken_for_one(tmp_path):
    for name, content in (("a", b""), ("b", b'{"kind":"export"}'), ("c", b"<HealthData>")):
        (tmp_path / name).write_bytes(content)
        assert not FILE_FORMAT.claims(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("other.jsonl", "x")
    assert not FILE_FORMAT.claims(tmp_path / "x.zip")


def test_traps_are_refused_at_once(tmp_path):
    path = tmp_path / "x.zip"
    began = time.monotonic()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("healthbox.jsonl", text() + b" " * (40 << 20))
    with pytest.raises(TooLarge):
        list(FILE_FORMAT.records(path, ENVELOPE))
    (tmp_path / "long.jsonl").write_bytes(text() + b"x" * (33 << 20))
    with pytest.raises(TooLarge):
        list(FILE_FORMAT.records(tmp_path / "long.jsonl", ENVELOPE))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("healthbox.jsonl", "something else")
    with pytest.raises(Invalid):
        list(FILE_FORMAT.records(path, ENVELOPE))
    assert time.monotonic() - began < 5


def test_a_damaged_zip_is_said_to_be_one(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("healthbox.jsonl", text(SOURCE, *(plain(at * 1000, value=at**0.5) for at in range(2000))))
    raw = bytearray(path.read_bytes())
    raw[2000:2100] = b"\0" * 100
    path.write_bytes(raw)
    with pytest.raises(Invalid, match="damaged"):
        list(FILE_FORMAT.records(path, ENVELOPE))


LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(sorted(lines.KINDS))
FIELDS = st.sampled_from(
    [
        "kind",
        "source",
        "metric",
        "start",
        "end",
        "value",
        "uuids",
        "stage",
        "as_of",
        "date",
        "app",
        "width",
        "history",
        "sources",
        "id",
        "name",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.dictionaries(FIELDS, LEAF | st.lists(LEAF, max_size=3), max_size=8) | st.binary(max_size=30), max_size=6))
def test_no_line_is_too_strange(said):
    raws = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in said]
    list(Reading("UTC").records(enumerate([json.dumps(SOURCE).encode(), *raws], start=2)))
