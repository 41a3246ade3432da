"""Everything of a person leaves as one zip, and an empty box that imports it shows the same days."""

import csv
import datetime as dt
import io
import itertools
import json
import sqlite3
import tracemalloc
import zipfile
from contextlib import closing
from xml.etree import ElementTree

import pytest
from house import HOUR, MINUTE, NOON, SECOND, House

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.clock import ZoneHistory
from healthbox.domain.errors import Conflict, Invalid
from healthbox.domain.records import (
    Bucket,
    Clinical,
    Sample,
    SleepStage,
    SourceRef,
    StatedNight,
    StatedTotal,
    Tombstone,
    Workout,
)
from healthbox.pipeline import leave
from healthbox.pipeline.accept_file import accept_file
from healthbox.pipeline.fold import rebuild
from healthbox.pipeline.store_records import Step
from healthbox.store import days, people
from healthbox.store.ledger import Claim
from healthbox.store.metrics import adopt
from healthbox.store.sources import list_sources, set_precedence

WATCH = SourceRef("Alice's Watch", "com.apple.health.AB-1", "Watch7,1")
PHONE = SourceRef("Alice's iPhone", "com.apple.health.AB-2", "iPhone15,2")
TWIN = SourceRef("Alice's iPhone", "com.apple.health.AB-3", "iPhone16,1")
BARE = SourceRef("Alice's iPhone")
RING = SourceRef("=Ring()", None, None, "ring")
DAY = NOON - 5 * 24 * HOUR
COUNT = itertools.count()


def uuid(number):
    return f"0BADCAFE-0000-4000-8000-{number:012d}"


def sample(metric, start, length, value, source=WATCH, **more):
    return Sample(position="0", metric=metric, naming="key", start=start, end=start + length, value=value, source=source, **more)


def stage(start, length, name, source=WATCH, **more):
    return SleepStage(position="0", start=start, end=start + length, stage=name, source=source, **more)


def put(house, *records):
    """Store records as a format would have given them, then fold."""
    house.at += SECOND
    claim = Claim(
        0, next(COUNT) + 1, "", house.alice.id, house.phone.id, "", "Europe/Berlin", {}, None, 0, 1, 0, house.at, house.at, house.at
    )
    with house.database.writing() as c:
        step = Step(c, claim, Catalogue.load(), ZoneHistory(people.zone_history(c, house.alice.id)), house.at)
        step.store(records)
        days.mark(c, house.alice.id, step.dirty, house.at)
    assert step.rejections == []
    house.run()


ROUTE = [[DAY + at * 1000 + 250, 52.5 + at / 1e5, 13.4, 34.25 if at % 2 else None, 2.5] for at in range(50)]


def lived(house):
    """Alice's week: of every kind something, and something of each kind deleted."""
    put(
        house,
        *(sample("steps", DAY + at * 10 * MINUTE, 10 * MINUTE, 100.0 + at / 3, uuid=uuid(at)) for at in range(20)),
        *(sample("steps", DAY + at * 15 * MINUTE + 250, 9 * MINUTE, 70.0 + at, PHONE) for at in range(30)),
        sample("steps", DAY + 50 * HOUR, HOUR, 500.0, TWIN, uuid="client-id 7"),
        sample("steps", DAY + 52 * HOUR, HOUR, 400.0, BARE),
        sample("steps", DAY + 60 * HOUR, HOUR, 300.0, RING, zone="America/New_York", metadata={"HKDevice": "x", "n": [1, 2.5]}),
        sample("steps", DAY - 100 * HOUR, 60 * HOUR, 9000.0, RING),
        *(sample("heart_rate", DAY + at * MINUTE, 0, 60.0 + at % 7, WATCH, uuid=uuid(1000), parent=True) for at in range(30)),
        *(sample("dietary_energy", DAY, 0, value, PHONE, tag=food) for value, food in ((90.0, "Apple"), (90.0, "=Pear"), (120.0, "Bread"))),
        sample("dietary_energy", DAY, 0, 121.0, PHONE),
        sample("stand_hour", DAY, HOUR, 0, WATCH),
        sample("Sock colour", DAY, HOUR, 7.5, WATCH, unit="hue"),
        Bucket(
            position="0", metric="steps", naming="key", app="health-auto-export", width="hour", start=DAY + 75 * HOUR, value=900.0,
            source="Watch|iPhone", as_of=NOON,
        ),
        Bucket(position="0", metric="heart_rate", naming="key", app="x", width="day", start=0, date=dt.date(2026, 3, 18), value=61.0,
               low=50.0),
        StatedTotal(position="0", metric="steps", naming="key", app="rings", date=dt.date(2026, 3, 16), value=4321.0, as_of=NOON),
        StatedNight(position="0", app="health-auto-export", date=dt.date(2026, 3, 12), asleep=410.5, deep=60, start=DAY - 90 * HOUR,
                    end=DAY - 83 * HOUR, source="Watch"),
        stage(DAY + 10 * HOUR, 3 * HOUR, "core", uuid=uuid(2000), zone="Europe/Berlin"),
        stage(DAY + 13 * HOUR, HOUR, "deep", uuid=uuid(2001), parent=True),
        stage(DAY + 14 * HOUR, HOUR, "rem", uuid=uuid(2001), parent=True),
        stage(DAY + 15 * HOUR, HOUR, "awake"),
        stage(DAY + 16 * HOUR, HOUR, "core", uuid=uuid(2002)),
        stage(DAY + 9 * HOUR, 8 * HOUR, "in_bed", PHONE),
        Workout(position="0", activity="running", start=DAY, end=DAY + HOUR, uuid=uuid(3000), source=WATCH, zone="Europe/Berlin",
                totals={"energy": 400.0, "steps": 5000}, series={"heart_rate": [[DAY, 100], [DAY + 1000, 101.5]]}, route=ROUTE,
                laps=[{"start": DAY, "n": 1}], metadata={"weather": "+wet"}),
        Workout(position="0", activity="yoga", start=DAY + 30 * HOUR, end=DAY + 31 * HOUR, source=PHONE),
        Workout(position="0", activity="walking", start=DAY + 40 * HOUR, end=DAY + 41 * HOUR, uuid=uuid(3001), source=WATCH),
        Clinical(position="0", kind="fhir", data={"resourceType": "Observation", "value": [1, 2.5, None, "ü"]}, start=DAY, uuid="Obs/1",
                 source=PHONE),
        Clinical(position="0", kind="symptom", data={"name": "headache"}, start=DAY, end=DAY + HOUR, source=WATCH),
    )  # fmt: skip
    put(
        house,  # second names, updates, a smaller set of points, then deletions
        sample("steps", DAY, 10 * MINUTE, 100.0, uuid=uuid(500)),
        sample("steps", DAY + 10 * MINUTE, 10 * MINUTE, 5.0, uuid=uuid(1)),
        *(sample("heart_rate", DAY + at * MINUTE, 0, 60.0 + at % 7, WATCH, uuid=uuid(1000), parent=True) for at in range(20)),
        stage(DAY + 10 * HOUR, 3 * HOUR, "core", uuid=uuid(2500)),
        stage(DAY + 15 * HOUR, HOUR, "awake"),
    )
    put(house, *(Tombstone(position="0", uuid=uuid(one), metric="steps", naming="key") for one in (2, 3)),
        *(Tombstone(position="0", uuid=uuid(one)) for one in (2002, 3001, 9999)))  # fmt: skip


def export(house, tmp_path, parts=("csv", "jsonl")):
    path = tmp_path / f"leaving-{len(list(tmp_path.glob('leaving-*')))}.zip"
    path.write_bytes(b"".join(leave.stream(house.database, house.alice.id, parts, house.at)))
    return path


def bring(house, path):
    """Import a file as the command does."""
    accepted = accept_file(house.database, house.settings, house.phone, path, now=house.at, ring=lambda: None)
    house.run()
    house.run()
    return accepted


def said(path):
    """The lines of the faithful file but for its head, which says when."""
    with zipfile.ZipFile(path) as archive:
        return [json.loads(line) for line in archive.read("healthbox.jsonl").splitlines()[2:]]


def table(path, name):
    with zipfile.ZipFile(path) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(f"{name}.csv").decode("utf-8-sig"))))


WORKOUTS = (
    'SELECT activity, start, "end", zone, totals, hex(series), hex(route), laps, meta, as_of FROM workout WHERE superseded=0 ORDER BY start'
)
CLINICAL = 'SELECT kind, uuid, start, "end", hex(hash), as_of FROM clinical ORDER BY kind'
STAGES = 'SELECT start, "end", stage, hex(uuid), zone, as_of FROM sleep_stage ORDER BY start, stage'
SAMPLES = (
    'SELECT metric, source.name, kind, product, start, "end", tag, value, hex(uuid), ms, zone.name, json FROM sample JOIN series '
    "ON series.id=series_id JOIN source ON source.id=source_id LEFT JOIN zone ON zone.id=zone_id LEFT JOIN meta ON meta.id=meta_id "
    'ORDER BY metric, start, "end", value, tag, product'
)


def test_an_empty_box_that_imports_it_shows_the_same(build, tmp_path):
    old, new = build(), build()
    lived(old)
    path = export(old, tmp_path)
    accepted = bring(new, path)
    assert new.receipt(accepted)["records"]["rejected"] == 0
    assert len(old.all_days()) > 8 and old.nights()
    assert new.all_days() == old.all_days()
    for query in (SAMPLES, STAGES, WORKOUTS, CLINICAL):
        assert new.rows(query) == old.rows(query)
    assert said(export(new, tmp_path)) == said(path), "leaving again says the same"
    before = new.all_days()
    rebuild(new.database, new.at)
    new.run()
    assert new.all_days() == before


def test_sources_come_back_as_the_same_ones(build, tmp_path):
    old, new = build(), build()
    lived(old)
    bring(new, export(old, tmp_path))
    for house in (old, new):
        with house.database.reading() as c:
            house.found = sorted((s.name, s.kind, s.product or "") for s in list_sources(c, house.alice.id))
    assert new.found == old.found
    assert len([one for one in new.found if one[0] == "Alice's iPhone"]) == 3


def test_what_was_deleted_stays_deleted(build, tmp_path):
    old, new = build(), build()
    lived(old)
    bring(new, export(old, tmp_path))
    before, workouts = new.all_days(), new.rows(WORKOUTS)
    put(
        new,
        sample("steps", DAY + 20 * MINUTE, 10 * MINUTE, 100.0 + 2 / 3, uuid=uuid(2)),
        sample("steps", DAY + 30 * MINUTE, 10 * MINUTE, 101.0),
        sample("steps", DAY + 10 * MINUTE, 10 * MINUTE, 100.0 + 1 / 3),
        stage(DAY + 16 * HOUR, HOUR, "core"),
        stage(DAY + 16 * HOUR, HOUR, "core", uuid=uuid(2002)),
        Workout(position="0", activity="walking", start=DAY + 40 * HOUR, end=DAY + 41 * HOUR, source=WATCH),
        Workout(position="0", activity="walking", start=DAY + 40 * HOUR, end=DAY + 41 * HOUR, uuid=uuid(3001), source=WATCH),
    )
    assert new.all_days() == before
    assert new.rows(WORKOUTS) == workouts
    put(new, sample("steps", DAY + 10 * MINUTE, 10 * MINUTE, 5.0, uuid=uuid(1)), sample("steps", DAY, 10 * MINUTE, 100.0, uuid=uuid(500)))
    assert new.all_days() == before, "known by either name"


def test_a_day_total_can_be_deleted_where_it_came_to(build, tmp_path):
    old, new = build(), build()
    put(old, Bucket(position="0", metric="steps", naming="key", app="x", width="day", start=DAY, value=4000.0, uuid=uuid(1)))
    bring(new, export(old, tmp_path))
    assert list(new.days("steps").values()) == [4000.0]
    put(new, Tombstone(position="0", uuid=uuid(1)))
    assert new.days("steps") == {}


def test_it_can_be_imported_twice_and_where_it_came_from(build, tmp_path):
    old, new = build(), build()
    lived(old)
    path, before = export(old, tmp_path), old.all_days()
    rows = [old.rows(query) for query in (SAMPLES, STAGES, WORKOUTS, CLINICAL)]
    for house in (new, new, old, old):
        bring(house, path)
        assert house.all_days() == before
        assert [house.rows(query) for query in (SAMPLES, STAGES, WORKOUTS, CLINICAL)] == rows
        assert said(export(house, tmp_path)) == said(path)


def test_what_no_record_carries_is_listed_as_to_be_set_again_and_then_the_days_are_equal(build, tmp_path):
    old, new = build(), build()
    lived(old)
    for house in (old, new):
        house.since = NOON - 3 * 24 * HOUR

    def arrange(house):
        with house.database.writing() as c:
            people.set_zone(c, house.alice.id, "Asia/Tokyo", house.since)
            ids = {s.product or s.name: s.id for s in list_sources(c, house.alice.id)}
            set_precedence(c, house.alice.id, "steps", [ids["iPhone15,2"], ids["Watch7,1"]])
            key = c.exec_driver_sql("SELECT key FROM unknown_metric").scalar_one()
            adopt(c, house.alice.id, key, new_key="socks", label="Socks", unit="hue", aggregation="sum", now=house.at)
        rebuild(house.database, house.at)
        house.run()

    arrange(old)
    path = export(old, tmp_path)
    found = new.receipt(bring(new, path))["rejections"]
    assert {one["code"] for one in found} == {"set_again"}
    words = " / ".join(one["reason"] for one in found)
    assert "Europe/Berlin, Asia/Tokyo since 2026-03-17" in words
    assert "steps was Alice's iPhone > Alice's Watch" in words
    assert "Socks was named by a person (key socks, unit hue, counted as sum)" in words
    assert new.all_days() != old.all_days()
    arrange(new)
    assert new.all_days() == old.all_days()


def test_tables_say_what_is_there(house, tmp_path):
    lived(house)
    path = export(house, tmp_path, ["csv"])
    samples = table(path, "samples")
    steps = [row for row in samples if row["metric"] == "steps"]
    assert len(steps) == len(house.samples("steps"))
    first = next(row for row in steps if uuid(0) in row["uuids"])
    assert first["start"] == "2026-03-15T13:00:00.000+01:00"
    assert (first["value"], first["unit"], first["source"], first["source_class"]) == ("100.0", "{steps}", "Alice's Watch", "watch")
    assert first["uuids"].split() == [uuid(0), uuid(500)]
    abroad = next(row for row in steps if row["zone"])
    assert abroad["start"] == "2026-03-17T20:00:00.000-04:00" and json.loads(abroad["metadata"])["n"] == [1, 2.5]
    assert {(row["date"], row["value"]) for row in table(path, "days") if row["metric"] == "steps"} == {
        (date, str(value)) for date, value in house.days("steps").items()
    }
    assert [row["date"] for row in table(path, "nights")] == list(house.nights())
    assert table(path, "workouts")[0]["totals"] == '{"energy": 400.0, "steps": 5000}'
    assert "walking" not in {row["activity"] for row in table(path, "workouts")}
    assert {row["kind"] for row in table(path, "clinical")} == {"fhir", "symptom"}
    assert {row["width"] for row in table(path, "buckets")} == {"hour", "day", "stated"}
    assert len(table(path, "sleep")) == 5


def test_a_spreadsheet_runs_nothing_of_it(house, tmp_path):
    lived(house)
    put(house, sample("body_temperature", DAY, 0, 36.5), sample("weight", DAY, 0, 70.0, SourceRef("@SUM(1)", None, None, "scale")))
    path = export(house, tmp_path, ["csv"])
    cells = [cell for name in ("samples", "workouts", "clinical", "sleep", "buckets") for row in table(path, name) for cell in row.values()]
    assert "'=Ring()" in cells and "'=Pear" in cells and "'@SUM(1)" in cells
    assert [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))] == []


def test_numbers_below_zero_stay_numbers():
    assert [leave._cell(value) for value in (-1.5, "-1.5", None, 0.0, "plain")] == [-1.5, "'-1.5", None, 0.0, "plain"]


def test_routes_are_files_for_any_map(house, tmp_path):
    lived(house)
    path = export(house, tmp_path, ["csv"])
    name = table(path, "workouts")[0]["route"]
    assert name == "routes/2026-03-15_1300_running_1.gpx"
    with zipfile.ZipFile(path) as archive:
        root = ElementTree.fromstring(archive.read(name))
    space = "{http://www.topografix.com/GPX/1/1}"
    points = list(root.iter(f"{space}trkpt"))
    assert len(points) == 50 and points[1].attrib == {"lat": "52.50001", "lon": "13.4"}
    assert points[1].findtext(f"{space}time") == "2026-03-15T12:00:01.250Z" and points[1].findtext(f"{space}ele") == "34.25"
    assert points[0].find(f"{space}ele") is None


def test_the_readme_explains_every_file_and_column(house, tmp_path):
    lived(house)
    path = tmp_path / "all.zip"
    leave.write(house.database, house.alice.id, path, leave.PARTS, house.at)
    with zipfile.ZipFile(path) as archive:
        readme = archive.read("README.txt").decode()
        names = {name for name in archive.namelist() if not name.startswith("routes/")}
        heads = {name: archive.read(name).decode("utf-8-sig").splitlines()[0].split(",") for name in names if name.endswith(".csv")}
    assert names == {"README.txt", "healthbox.jsonl", "healthbox.sqlite", *heads} and len(heads) == 7
    for name, head in heads.items():
        part = readme.split(f"\r\n{name.removesuffix('.csv')}: ")[1].split("\r\n\r\n")[0]
        assert [line.split()[0] for line in part.split("\r\n")[1:]] == head
    assert "healthbox.jsonl" in readme and "healthbox.sqlite" in readme


def test_the_database_holds_the_same_tables(house, tmp_path):
    lived(house)
    path = tmp_path / "all.zip"
    size = leave.write(house.database, house.alice.id, path, ["csv", "sqlite"], house.at)
    assert size == path.stat().st_size and path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.glob(".all*")] == []
    with zipfile.ZipFile(path) as archive:
        (tmp_path / "x.sqlite").write_bytes(archive.read("healthbox.sqlite"))
    with closing(sqlite3.connect(tmp_path / "x.sqlite")) as connection:
        for name in ("samples", "buckets", "sleep", "days", "nights", "workouts", "clinical"):
            assert connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] == len(table(path, name)), name
        assert connection.execute("SELECT typeof(value), source FROM samples WHERE source LIKE '=%'").fetchone() == ("real", "=Ring()")


def test_a_file_that_is_there_is_not_overwritten(house, tmp_path):
    path = tmp_path / "mine.zip"
    path.write_text("mine")
    with pytest.raises(Conflict):
        leave.write(house.database, house.alice.id, path, ["csv"], house.at)
    assert path.read_text() == "mine"


def test_a_database_cannot_be_made_on_the_way(house):
    with pytest.raises(Invalid):
        next(leave.stream(house.database, house.alice.id, ["sqlite"], house.at))


def test_of_nobody_elses_data_anything_is_told(house, tmp_path):
    lived(house)
    with house.database.writing() as c:
        bob = people.add_person(c, "Bob", "Europe/Berlin", NOON)
    text = b"".join(leave.stream(house.database, bob.id, ["csv", "jsonl"], house.at))
    (tmp_path / "bob.zip").write_bytes(text)
    with zipfile.ZipFile(tmp_path / "bob.zip") as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"Alice" not in everything and b"Sock" not in everything
    assert said(tmp_path / "bob.zip") == [{"kind": "zones", "history": [[0, "Europe/Berlin"]]}]


def many(house: House, count: int) -> None:
    put(house, *(sample("heart_rate", DAY - at * 5_000, 0, 60.0 + at % 50, metadata={"n": at}) for at in range(count)))


def test_memory_does_not_grow_with_the_data(build, tmp_path):
    peaks = []
    for count in (2_000, 10_000):
        house = build()
        many(house, count)
        if not peaks:
            export(house, tmp_path)  # whatever is made once only
        tracemalloc.start()
        for _ in leave.stream(house.database, house.alice.id, ["csv", "jsonl"], house.at):
            pass
        leave.write(house.database, house.alice.id, tmp_path / f"{count}.zip", ["sqlite"], house.at)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 8_000_000
    assert peaks[1] < 1.3 * peaks[0] + 500_000
