"""Tables that people make themselves."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.errors import Invalid
from healthbox.domain.records import Bucket, Rejected, Sample, SleepStage
from healthbox.formats.contract import Envelope
from healthbox.formats.plain_csv import FILE_FORMAT, table
from healthbox.formats.registry import recognise_file

ENVELOPE = Envelope(zone="Europe/Berlin", accepted_at=0)
NINE = int(dt.datetime.fromisoformat("2026-03-01T09:00:00+01:00").timestamp() * 1000)


def read(folder: Path, content: str | bytes) -> list[Any]:
    path = folder / "mine.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = recognise_file(path)
    assert found.name == "plain-csv"
    first = list(found.records(path, ENVELOPE))
    assert first == list(found.records(path, ENVELOPE))
    return first


def claimed(folder: Path, content: str | bytes) -> bool:
    path = folder / "mine.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return FILE_FORMAT.claims(path)


def test_a_time_makes_a_reading_and_a_date_a_day(tmp_path: Path) -> None:
    reading, day = read(
        tmp_path, "metric,date,value,unit,source\nheart_rate,2026-03-01 09:00,61,bpm,Alice's Watch\nsteps,2026-03-01,8412,,Notebook\n"
    )
    assert isinstance(reading, Sample)
    assert (reading.position, reading.metric, reading.start, reading.end, reading.value) == ("line 2", "heart_rate", NINE, NINE, 61)
    assert (reading.unit, reading.source.name, reading.zone) == ("bpm", "Alice's Watch", None)
    assert isinstance(day, Bucket)
    assert (day.position, day.metric, day.app, day.width, day.date, day.value) == (
        "line 3",
        "steps",
        "csv",
        "day",
        dt.date(2026, 3, 1),
        8412,
    )
    assert (day.source, day.low, day.high, day.as_of) == ("Notebook", None, None, None)


@pytest.mark.parametrize(
    "content",
    [
        "metric,date,value,unit\nweight,{t},72.5,kg\n",
        "DATE,Unit,Metric,Value\r\n{t},kg,weight,72.5\r\n",
        "Type;Start Date;Qty;Units\nweight;{t};72,5;kg\n",
        "name\ttimestamp\tquantity\tunit\nweight\t{t}\t72,5\tkg\n",
        'metric,date,value,unit\n"weight","{t}","72,5","kg"\n',
        "sep=;\nmetric;date;value;unit\n\n;;;\nweight;{t};72.5;kg\n",
        '"metric" , "date" , "value" , "unit" , "note"\nweight,{t},72.5,kg,"said ""fine""\nand slept"\n',
        "\ufeffmetric,date,value,unit\nweight,{t},72.5,kg",
    ],
)
def test_a_table_is_read_however_it_is_written(tmp_path: Path, content: str) -> None:
    [found] = read(tmp_path, content.format(t="2026-03-01T09:00:00+01:00"))
    assert (found.metric, found.start, found.value, found.unit) == ("weight", NINE, 72.5, "kg")


def test_utf_16_with_its_mark_is_read(tmp_path: Path) -> None:
    [found] = read(tmp_path, "metric\tdate\tvalue\tunit\nbody_temperature\t2026-03-01 09:00\t36,6\t°C\n".encode("utf-16"))
    assert (found.value, found.unit) == (36.6, "°C")


@pytest.mark.parametrize(
    "said",
    ["2026-03-01 09:00:00", "2026-03-01T08:00:00Z", "2026-03-01T09:00+01:00", "2026-03-01 9:00 AM", str(NINE), str(NINE // 1000),
     "01.03.2026 09:00", "1.3.2026 um 09:00:00", "01.03.2026T08:00:00Z", "20260301T090000"],
)  # fmt: skip
def test_a_time_may_be_written_in_many_ways(tmp_path: Path, said: str) -> None:
    [found] = read(tmp_path, f"metric,date,value\nheart_rate,{said},61\n")
    assert found.start == NINE


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (("02/03/2026", "14/03/2026"), (dt.date(2026, 3, 2), dt.date(2026, 3, 14))),
        (("02/03/2026", "03/14/2026"), (dt.date(2026, 2, 3), dt.date(2026, 3, 14))),
        (("02/03/2026", "03/04/2026"), ("ambiguous_date", "ambiguous_date")),
        (("02/03/2026", "14/03/2026", "03/14/2026"), ("ambiguous_date",) * 3),
        (("03/03/2026",), (dt.date(2026, 3, 3),)),
        (("02.03.2026", "03.04.2026"), (dt.date(2026, 3, 2), dt.date(2026, 4, 3))),
        (("02.03.2026", "03/14/2026"), (dt.date(2026, 3, 2), dt.date(2026, 3, 14))),
        (("31-01-2026", "30-02-2026"), (dt.date(2026, 1, 31), "bad_time")),
    ],
)
def test_the_whole_file_says_whether_days_come_first(tmp_path: Path, dates: tuple[str, ...], expected: tuple[Any, ...]) -> None:
    found = read(tmp_path, "metric,date,value\n" + "".join(f"steps,{date},{count}\n" for count, date in enumerate(dates, 1)))
    assert tuple(one.code if isinstance(one, Rejected) else one.date for one in found) == expected


def test_an_end_that_may_be_two_days_is_refused_with_what_to_do(tmp_path: Path) -> None:
    lines = ("heart_rate,2026-03-01 09:00,02/03/2026 10:00,61", "heart_rate,2026-03-01,02/03/2026,61", "steps,02/03/2026,,5")
    for found in read(tmp_path, "metric,start,end,value\n" + "\n".join(lines)):
        assert (type(found), found.code) == (Rejected, "ambiguous_date")
        assert "2026-03-18" in found.reason


@pytest.mark.parametrize(
    ("metric", "named"),
    [
        ("steps", "steps"), ("Steps", "steps"), ("HKQuantityTypeIdentifierStepCount", "steps"), ("StepCount", "steps"),
        ("step_count", "steps"), ("STEPS", "steps"), ("Walking + Running Distance", "distance_walking_running"),
    ],
)  # fmt: skip
def test_a_metric_may_be_called_as_anybody_calls_it(tmp_path: Path, metric: str, named: str) -> None:

    [found] = read(tmp_path, f"metric,date,value,unit\n{metric},2026-03-01,5,{'km' if 'istance' in metric else 'count'}\n")
    known = Catalogue.load().find(found.naming, found.metric)
    assert known is not None
    assert known.key == named


def test_an_unknown_metric_keeps_its_name(tmp_path: Path) -> None:
    number, word = read(tmp_path, "metric,date,value,unit\nCoffee,2026-03-01,3,cups\nMood,2026-03-01 09:00,fine,\n")
    assert (number.metric, number.value, number.unit) == ("Coffee", 3, "cups")
    assert (word.metric, word.value) == ("Mood", "fine")


def test_a_number_that_nothing_can_hold_is_no_word(tmp_path: Path) -> None:
    for said in ("NaN", "inf"):
        [found] = read(tmp_path, f"metric,date,value\nMood,2026-03-01 09:00,{said}\n")
        assert (type(found), found.code) == (Rejected, "not_a_number")


def test_no_unit_is_guessed(tmp_path: Path) -> None:
    clear, named, unclear = read(
        tmp_path, "metric,date,value\nheart_rate,2026-03-01,61\nweight_kg,2026-03-01,72.5\nweight,2026-03-01,160\n"
    )
    assert (clear.metric, clear.unit) == ("heart_rate", None)
    assert (named.metric, named.unit) == ("weight", "kg")
    assert (unclear.metric, unclear.value) == ("weight, no unit", 160)


def test_apples_percent_is_a_fraction(tmp_path: Path) -> None:
    apples, ours = read(
        tmp_path,
        "metric,date,value,unit\nHKQuantityTypeIdentifierOxygenSaturation,2026-03-01 09:00,0.97,%\nblood_oxygen,2026-03-01 09:00,97,%\n",
    )
    assert (apples.unit, ours.unit) == ("hk%", "%")


def test_a_night_may_stand_in_stages_or_as_a_length(tmp_path: Path) -> None:
    header = "metric,start,end,value,unit"
    lines = ("Sleep,2026-03-01 23:00,2026-03-02 00:30,Deep,", "Sleep,2026-03-01 23:00,,Deep,", "Sleep,2026-03-02,,7.5,hr")
    stage, open_end, length = read(tmp_path, "\n".join([header, *lines]))
    assert isinstance(stage, SleepStage)
    assert (stage.stage, stage.end - stage.start) == ("deep", 5_400_000)
    assert open_end.code == "no_end"
    assert (length.metric, length.value, length.unit, length.date) == ("sleep_asleep", 7.5, "hr", dt.date(2026, 3, 2))


def test_an_end_makes_an_interval(tmp_path: Path) -> None:
    header = "sourceName,sourceVersion,device,type,unit,creationDate,startDate,endDate,value\n"
    [found] = read(
        tmp_path,
        header + '"Health",,,"StepCount","count",2026-03-02 07:08:47 +0100,2026-03-01 09:00:00 +0100,2026-03-01 09:00:05 +0100,329\n',
    )
    assert (found.start, found.end, found.value, found.source.name) == (NINE, NINE + 5000, 329, "Health")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("steps,2026-03-01,many", "not_a_number"), ("steps,yesterday,5", "bad_time"), ("steps,,5", "no_time"), (",2026-03-01,5", "no_type"),
        ("steps,2026-03-01,", "no_value"), ("steps,2026-03-01", "no_value"), ("steps", "no_time"), ("steps,2026-13-01,5", "bad_time"),
        ('steps,2026-03-01,"5', "broken_line"), ("steps,2026-03-01,1e400", "number_out_of_range"), ("steps,9999-01-01,5", "bad_time"),
        ("weight,2026-03-01 09:00,heavy", "not_a_number"), ("steps,2026-03-01 09:00," + "5" * 70_000, "line_too_long"),
    ],
)  # fmt: skip
def test_a_bad_line_is_refused_alone_and_says_where_it_stands(tmp_path: Path, line: str, code: str) -> None:
    good, bad, after = read(tmp_path, f"metric,date,value\nsteps,2026-03-01,5\n{line}\nsteps,2026-03-02,6\n")
    assert (good.value, after.value, after.position) == (5, 6, "line 4")
    assert (type(bad), bad.position, bad.code) == (Rejected, "line 3", code)
    assert len(bad.raw) <= 2000


def test_an_open_quote_costs_its_own_line_only(tmp_path: Path) -> None:
    lines = "".join(f"steps,2026-03-{day:02d},{day}\n" for day in range(2, 30))
    bad, *rest = read(tmp_path, 'metric,date,value\nsteps,2026-03-01,"1\n' + lines)
    assert bad.code == "broken_line"
    assert [one.value for one in rest] == list(range(2, 30))
    assert [one.position for one in rest[:2]] == ["line 3", "line 4"]


@pytest.mark.parametrize(
    "content",
    [
        "", "\n\n", "date,steps,weight\n2026-03-01,5,6\n", "metric,value\nsteps,5\n", "steps,2026-03-01,5\n", "date,value\n2026-03-01,5\n",
        "Dear metric date value\n", "<metric,date,value>\n", b"PK\x03\x04metric,date,value\n", b"metric,date,value\n\0\0\0",
        "metric;date,value\nsteps;2026-03-01,5\n", b"\xff\xfe\xff", b"\x89PNG\r\n\x1a\n",
        "dateComponents,activeEnergyBurned,activeEnergyBurnedUnit\n2026-03-01,700,kcal\n",
    ],
)  # fmt: skip
def test_what_lacks_the_three_columns_is_not_claimed(tmp_path: Path, content: str | bytes) -> None:
    assert not claimed(tmp_path, content)


def test_a_header_alone_holds_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "metric,date,value\n") == []


def test_how_far_it_is_goes_up_to_the_end(tmp_path: Path) -> None:
    path, shares = tmp_path / "long.csv", list[float]()
    path.write_text("metric,date,value\n" + "steps,2026-03-01 09:00,5\n" * 20_000)
    list(FILE_FORMAT.records(path, ENVELOPE, shares.append))
    assert shares == sorted(shares)
    assert shares[-1] > 0.9


def test_a_file_without_line_breaks_takes_neither_memory_nor_time(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_bytes(b"metric,date,value\nsteps,2026-03-01," + b"5" * 20_000_000)
    tracemalloc.start()
    begun = time.perf_counter()
    [found] = FILE_FORMAT.records(path, ENVELOPE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.code == "line_too_long"
    assert peak < 4_000_000
    assert time.perf_counter() - begun < 20


def test_quotes_that_never_close_stay_quick(tmp_path: Path) -> None:
    path = tmp_path / "quotes.csv"
    path.write_text("metric,date,value\n" + '"\n' + "steps,2026-03-01,5\n" * 20 + ('"a\n' + "x\n" * 25) * 1_000)
    begun = time.perf_counter()
    found = list(FILE_FORMAT.records(path, ENVELOPE))
    assert sum(isinstance(one, Bucket) for one in found) == 20
    assert time.perf_counter() - begun < 5


def test_empty_rows_count_and_nothing_else(tmp_path: Path) -> None:
    lines = ["steps,2026-03-01,1", "", ",,", " \t", '"steps","2026-03-02","2","said', 'in two lines"', "", "steps,2026-03-03,3"]
    found = read(tmp_path, "metric,date,value,note\n" + "\n".join(lines))
    assert [one.position for one in found if isinstance(one, Bucket)] == ["line 2", "line 6", "line 9"]
    assert [one.position for one in found if isinstance(one, Rejected)] == ["line 5"], "a tab is something where commas separate"


def test_a_sheet_with_a_million_empty_rows_is_read_and_more_emptiness_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, header, day = tmp_path / "long.csv", b"metric,date,value\n", b"steps,2026-03-01,5\n"
    path.write_bytes(header + b",,\n" * (1 << 20) + day)
    [found] = FILE_FORMAT.records(path, ENVELOPE)
    assert found.position == f"line {(1 << 20) + 2}"
    monkeypatch.setattr(table, "_EMPTY", 1_000)
    monkeypatch.setattr(table, "_BLANK", 100_000)
    monkeypatch.setattr(table, "_ENDLESS", 200_000)
    for fill in (b"\n" * 1_000, b" " * 99_000 + b"\n", b"x" * 200_000 + b"\n"):
        path.write_bytes(header + (fill + day) * 3)
        assert sum(isinstance(one, Bucket) for one in FILE_FORMAT.records(path, ENVELOPE)) == 3, "nothing adds up over what is there"
    for fill, code in ((b"\n" * 1_002, "empty_table"), ((b" " * 60_000 + b"\n") * 2, "empty_table"), (b"x" * 400_000, "line_too_long")):
        path.write_bytes(header + day + fill)
        given = FILE_FORMAT.records(path, ENVELOPE)
        assert isinstance(next(given), Bucket)
        with pytest.raises(Invalid) as refused:
            list(given)
        assert refused.value.code == code


@given(cells=st.lists(st.text(st.characters(exclude_characters='\r\n",', exclude_categories=["Cs"]), max_size=6), min_size=1, max_size=6))
def test_a_line_without_quotes_is_cut_as_csv_cuts_it(cells: list[str]) -> None:
    line = ",".join(cells) + "\r\n"
    assert [cell.strip() for cell in table._cells(line, ",")] == [cell.strip() for cell in next(csv.reader([line])) or [""]]


CELLS = st.sampled_from(["steps", "2026-03-01", "02/03/2026", "2026-03-01 09:00", "72,5", "1.234,5", "5", "kg", "%", '"', '""', "Sleep",
                         "Deep", "\x00", "\u202f", "-", "1e9", "", " ", "\ufffd", "HKQuantityTypeIdentifierStepCount", "Mood"])  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.lists(CELLS, max_size=7), max_size=8),
    mark=st.sampled_from(",;\t|"),
    head=st.permutations(["metric", "date", "value", "unit", "source", "end"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_any_table_is_read_to_its_end(tmp_path: Path, lines: list[list[str]], mark: str, head: list[str], end: str) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(end.join(mark.join(cells) for cells in [head, *lines]).encode("utf-8", "replace"))
    if table.layout(path) is None:
        assert any("\x00" in cell for cell in itertools.chain(*lines))
        return
    for found in FILE_FORMAT.records(path, ENVELOPE):
        assert isinstance(found, Sample | Bucket | SleepStage | Rejected)
        assert found.position.startswith("line ")
