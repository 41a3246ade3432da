"""The fast lane and the real parser give the same records, in the same blocks, for whole, odd and broken exports."""

import re
import time
import tracemalloc

import pytest
from apple_fixtures import SPAN, WATCH, bare, document, entry, others, read, record, rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthbox.domain.errors import Problem
from healthbox.domain.records import Rejected, SampleBlock
from healthbox.formats.apple_export import archive
from healthbox.formats.apple_export.fast import FastLane
from healthbox.formats.apple_export.gather import Gathering
from healthbox.formats.apple_export.reading import Reading

PLAIN = [record(value=str(number)) for number in range(40)]
NAMES = st.sampled_from(
    [WATCH, 'sourceName="iPhone"', 'sourceName="A &amp; B" device="&lt;&lt;HKDevice: 0x1&gt;, name:iPhone, model:iPhone&gt;"',
     'sourceName="&#x1F600;&#233;&quot;"', 'sourceName="a&bad;"', 'sourceName="x\u202fy" sourceVersion="1"']
)  # fmt: skip
BODIES = st.sampled_from(
    ["", "", entry("HKMetadataKeyHeartRateMotionContext", "1"), entry("HKWasUserEntered", "1"), entry("HKTimeZone", "America/New_York"),
     entry("a &amp; b", "&lt;&#10;&gt;"), entry("k", "v") + entry("k", "w"), entry("HKFoodType", "Bread"),
     entry("HKFoodType", " \u00a0"), "  <!-- said -->\n" + entry("k", "v"), entry("Bad", "a < b"),
     "  <HeartRateVariabilityMetadataList>\n"
     '   <InstantaneousBeatsPerMinute bpm="63" time="7:47:41.86 PM"/>\n   <InstantaneousBeatsPerMinute bpm="64" time="7:47:42.90 PM"/>\n'
     "  </HeartRateVariabilityMetadataList>",
     "  <HeartRateVariabilityMetadataList>\n  </HeartRateVariabilityMetadataList>"]
)  # fmt: skip
KINDS = st.sampled_from(
    [("HKQuantityTypeIdentifierHeartRate", "count/min"), ("HKQuantityTypeIdentifierOxygenSaturation", "%"),
     ("HKCategoryTypeIdentifierSleepAnalysis", ""), ("HKCategoryTypeIdentifierAppleStandHour", ""), ("NewThing", "x"),
     ("HKQuantityTypeIdentifierDietaryEnergyConsumed", "kcal")]
)  # fmt: skip
VALUES = st.one_of(
    st.integers(-5, 10**17).map(str),
    st.floats(0, 200).map("{:.4f}".format),
    st.sampled_from(
        ["9.9e-05", "1e999", "nan", "1_0", " 5", "5.", "-", "", "HKCategoryValueSleepAnalysisAsleepDeep", "HKCategoryValueNotApplicable",
         "HKCategoryValueAppleStandHourIdle", "\x0b7", "&#55;"]
    ),
)  # fmt: skip
TIMES = st.sampled_from(
    [(SPAN, SPAN), ("08:10:00", "07:00:00"), ("08:00:00", "24:00:00"), ("08:00:00 +0100", "8:02:43 PM +0100"), ("+0100", "-0330"),
     ("+0100", "+1500"), ("2026", "1650"), ("2026-03-01", "2026-02-30"), ("creationDate", "creationdate")]
)  # fmt: skip
ODD = st.sampled_from(
    ["\n <!-- between\n <Record -->", "\n <Record", '\n <Record type="x">', "\n </Record>", "\n <Correlation>", "\n stray & text",
     "\n <b/>", "\x0b",
     f'\n <Correlation type="HKCorrelationTypeIdentifierBloodPressure" {SPAN}>{record()}\n </Correlation>',
     f'\n <Correlation type="HKCorrelationTypeIdentifierFood" {SPAN}>{entry("HKFoodType", "Soup")}'
     f'{record("HKQuantityTypeIdentifierDietaryEnergyConsumed", "90", "kcal")}\n </Correlation>',
     f'\n <Workout workoutActivityType="HKWorkoutActivityTypeYoga" {SPAN}/>',
     '\n <ExportDate value="2026-04-02 10:00:00 +0200"/>', "\n</HealthData>"]
)  # fmt: skip


@st.composite
def written(draw) -> str:
    (kind, unit), (old, new) = draw(KINDS), draw(TIMES)
    return record(kind, draw(VALUES), unit, draw(BODIES), draw(NAMES)).replace(old, new)


@st.composite
def exports(draw) -> bytes:
    """Mostly what Apple writes, here and there something else; cut small so that there are many pieces."""
    elements = draw(st.lists(st.one_of(st.sampled_from(PLAIN), st.sampled_from(PLAIN), written(), ODD), max_size=40))
    content = document(*elements).encode()
    for at, byte in draw(st.lists(st.tuples(st.integers(200, max(201, len(content) - 1)), st.integers(0, 255)), max_size=2)):
        content = content[:at] + bytes([byte]) + content[at + 1 :]
    return content


def outcome(path, *, fast):
    try:
        return read(path, fast=fast)
    except Problem as problem:
        return problem.code


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=exports(), chunk=st.sampled_from([700, 1500, 1 << 20]))
def test_both_lanes_agree(content, chunk, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "CHUNK", chunk)
    path = bare(tmp_path, content)
    assert outcome(path, fast=True) == outcome(path, fast=False)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=2000), tail=st.booleans())
def test_no_bytes_make_it_raise_anything_else(content, tail, tmp_path):
    assert isinstance(outcome(bare(tmp_path, b"<HealthData>\n <Record" * tail + content), fast=True), list | str)


def test_the_fast_lane_reads_what_apple_writes():
    body = entry("HKMetadataKeyHeartRateMotionContext", "1")
    assert FastLane(Gathering()).read("".join([*PLAIN, record(body=body)]).encode()) is not None


def test_blocks_hold_two_thousand_rows_of_one_source(tmp_path):
    two = [record(), record(who='sourceName="iPhone"')]
    blocks = read(bare(tmp_path, document(*(two * 4100))))
    assert [len(block.rows) for block in blocks] == [2000, 2000, 2000, 2000, 100, 100]
    assert [row[0] for row in blocks[0].rows[:3]] == ["2", "4", "6"]


@pytest.mark.parametrize(
    "broken", ['\n <Record type="a" value="a < b"/>', record()[:-2] + ">", record()[:-40], record(body=entry("a", "b"))[:-9]]
)
def test_a_broken_element_costs_itself_alone(tmp_path, broken):
    found = read(bare(tmp_path, document(*PLAIN[:20], broken, *PLAIN[20:])))
    assert len(rows(found)) == 40
    assert [(type(one), one.position, bool(one.raw)) for one in others(found)] == [(Rejected, "22", True)]


def test_an_export_that_breaks_off_says_so(tmp_path):
    found = read(bare(tmp_path, document(*PLAIN)[:-100]))
    assert [one.code for one in others(found)] == ["not_xml", "truncated"]
    assert len(rows(found)) == 39


@pytest.mark.parametrize(
    "shape",
    [
        lambda text: text.replace("\n", ""),
        lambda text: text.replace("\n ", "\n    "),
        lambda text: text.replace("\n ", "\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n ", "\n\t"),
        lambda text: re.sub(r'(unit="\w+") (creation.*) (value="\w+")', r"\2 \3 \1", text).replace("/>", " />"),
    ],
    ids=["one line", "indented by four", "not indented", "crlf", "tabs", "other order"],
)
def test_other_shapes_give_the_same_samples(tmp_path, monkeypatch, shape):
    monkeypatch.setattr(archive, "CHUNK", 3000)
    apart = [record(body=entry("HKWasUserEntered", "1")), *PLAIN]
    assert rows(read(bare(tmp_path, shape(document(*apart))))) == rows(read(bare(tmp_path, document(*apart))))


def test_a_document_type_that_is_not_well_formed_is_no_hindrance(tmp_path):
    head = "<!DOCTYPE HealthData [\n<!ELEMENT Attachment EMPTY>\n<!ATTLIST Attachment\n  identifier CDATA #IMPLIED\n\n]>\n"
    assert len(rows(read(bare(tmp_path, document(*PLAIN, head=head))))) == 40


def test_the_first_records_written_have_no_source_name(tmp_path):
    old = '\n <Record type="HKQuantityTypeIdentifierStepCount" source="iPhone" unit="count" startDate="20140114084347-0800" \
endDate="20140114084350-0800" value="7"/>'
    [row] = rows(read(bare(tmp_path, document(old))))
    assert (row[2].name, row[4], row[5], row[6]) == ("iPhone", 1389717827000, 1389717830000, 7.0)


@pytest.mark.parametrize("fast", [True, False])
def test_memory_does_not_grow_with_the_file(tmp_path, fast):
    peaks = []
    for times in (250, 1000):
        path = bare(tmp_path, document(*(PLAIN * times)))
        tracemalloc.start()
        with archive.opened(path) as export:
            seen = sum(len(block.rows) for block in Reading(export, "UTC", fast=fast).records() if isinstance(block, SampleBlock))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert seen == 40 * times
    assert peaks[1] < peaks[0] + (4 << 20) < 40 << 20


def test_one_long_tag_or_deep_nesting_costs_linear_time(tmp_path):
    endless = '\n <Record type="' + "x" * (8 << 20) + '"/>'
    deep = "\n <Record>" + "<a>" * 100_000 + "</a>" * 100_000 + "</Record>"
    many = "\n <Workout>" + "<a/>" * 100_000 + "</Workout>"
    for trap, code in ((endless, "too_long"), (deep, "too_deep"), (many, "too_many_children")):
        path = bare(tmp_path, document(*PLAIN, trap, *PLAIN))
        before = time.process_time()
        found = read(path)
        assert time.process_time() - before < 1
        assert len(rows(found)) == 80
        assert [one.code for one in others(found)] == [code]
