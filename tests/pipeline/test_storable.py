"""What no database can hold is one rejected record with its reason; everything around it is stored."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from apple_fixtures import document, record, zipped
from house import NOON, at, steps
from test_import_files import take

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.clock import ZoneHistory
from healthbox.domain.records import (
    Bucket,
    Clinical,
    Record,
    Rejected,
    Sample,
    SleepStage,
    SourceRef,
    StatedNight,
    StatedTotal,
    Tombstone,
    Workout,
)  # fmt: skip
from healthbox.formats.contract import Envelope, FileFormat
from healthbox.pipeline import apart, process
from healthbox.pipeline.storable import storable
from healthbox.pipeline.store_records import Step
from healthbox.store import receipts
from healthbox.store.ledger import Claim

HALF, HUGE = "a\ud800b", 10**30
DAY = dt.date(2026, 3, 1)
SPAN: dict[str, Any] = {"position": "data[7]", "start": NOON, "end": NOON + 60_000}
GOOD: list[Record] = [
    Sample(metric="steps", naming="key", value=5.0, **SPAN),
    Sample(metric="Mood", naming="key", value="fine", **SPAN),
    Bucket(position="data[7]", metric="steps", naming="key", app="app", width="hour", start=NOON, value=5.0),
    StatedTotal(position="data[7]", metric="steps", naming="key", app="app", date=DAY, value=5.0),
    SleepStage(stage="rem", **SPAN),
    StatedNight(position="data[7]", app="app", date=DAY, asleep=400.0),
    Workout(activity="running", **SPAN),
    Clinical(position="data[7]", kind="fhir", data={"a": 1}),
    Tombstone(position="data[7]", uuid="one"),
]
BAD: dict[str, Any] = {
    "position": [HALF], "metric": [HALF], "unit": [HALF], "source": [HALF, SourceRef(name=HALF), SourceRef(bundle=HALF)], "uuid": [HALF],
    "tag": [HALF], "zone": [HALF], "app": [HALF], "kind": [HALF], "activity": [HALF], "value": [HALF, HUGE], "as_of": [HUGE],
    "metadata": [{"a": HALF}, {HALF: 1}, {"a": {"b": [HUGE]}}], "laps": [[{"name": HALF}], [{"distance": HUGE}]],
    "totals": [{"steps": HUGE}, {HALF: 1}], "series": [{"power": [[NOON, HUGE]]}], "route": [[[NOON, 1.0, 1.0, HUGE, None]]],
    "data": [{"a": HALF}, {"a": -HUGE}],
}  # fmt: skip


def spoilt() -> Iterator[Record]:
    """Every record with each of its fields holding what cannot be kept, one at a time."""
    for good in GOOD:
        for name in set(BAD) & set(good.__struct_fields__):
            for word in BAD[name]:
                if name != "source" or isinstance(getattr(good, name), str) is isinstance(word, str):
                    yield msgspec.structs.replace(good, **{name: word})


def test_whatever_cannot_be_kept_is_rejected_and_the_rest_of_its_step_is_stored(house: Any) -> None:
    records = list(spoilt())
    assert len(records) > 60
    house.ingest({"data": {"metrics": []}})
    with house.database.writing() as c:
        batch, created = c.exec_driver_sql("SELECT id, created_at FROM batch").one()
        claim = Claim(**(dict.fromkeys(Claim._fields) | {
            "batch_id": batch, "person_id": house.alice.id, "as_of": created, "batch_as_of": created,
        }))  # fmt: skip
        step = Step(c, claim, Catalogue.load(), ZoneHistory([(0, "Europe/Berlin")]), NOON)
        step.store([*records, GOOD[0], Rejected(position=HALF, code="bad_time", reason=HALF, raw=HALF)])
        receipts.add_rejections(c, batch, 0, step.rejections)
    assert [r.code for r in step.rejections] == ["not_storable"] * len(records) + ["bad_time"]
    assert step.counts["new"] == 1 and step.counts["rejected"] == len(records) + 1
    assert {r.position for r in step.rejections} == {"data[7]", "a?b"}


def test_what_can_be_kept_passes_as_it_is() -> None:
    for good in GOOD:
        assert storable(good) is good


def test_a_body_with_numbers_beyond_64_bits_and_broken_text_is_worked_off(house: Any) -> None:
    lap = {"name": "\\ud800", "distance": 0}
    workout = {"activity": "running", "start": at(1, 9), "end": at(1, 10), "laps": [lap], "source": "Alice's Watch"}
    body = json.dumps(house.body(samples=[
        steps(at(1, 9), at(1, 10), 500),
        steps(at(1, 11), at(1, 12), 600, metadata={"n": HUGE}),
        steps(at(1, 13), at(1, 14), 700, source="Al\\ud800ice"),
    ], workouts=[workout, workout | {"start": at(2, 9), "end": at(2, 10), "laps": [{"distance": HUGE}]}]))  # fmt: skip
    accepted = house.send(body.replace("\\\\ud800", "\\ud800").encode())
    receipt = house.receipt(accepted)
    assert receipt["chunks"]["done"] == 1 and house.counts(accepted) == {"new": 3, "rejected": 2}
    assert {r["code"] for r in receipt["rejections"]} == {"not_storable"}


@pytest.mark.parametrize("worth", [0, 1 << 30])
def test_clinical_documents_of_an_export_cost_nothing_but_themselves(
    house: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worth: int
) -> None:
    """Read here or by a process of its own."""
    monkeypatch.setattr(process, "WORTH", worth)
    files = {"export.xml": document(record()), "clinical-records/a.json": '{"resourceType": "Condition", "id": "half", "n": "\\ud800"}',
             "clinical-records/b.json": json.dumps({"resourceType": "Condition", "id": "huge", "n": HUGE}),
             "clinical-records/c.json": '{"resourceType": "Condition", "id": "nan", "n": NaN}',
             "clinical-records/d.json": '{"resourceType": "Condition", "id": "good", "n": 1}'}  # fmt: skip
    accepted = take(house, zipped(tmp_path, {f"apple_health_export/{name}": content for name, content in files.items()}))
    while house.receipt(accepted)["status"] == "processing":
        house.run()
    assert house.counts(accepted) == {"new": 3, "rejected": 2}
    assert [r["code"] for r in house.receipt(accepted)["rejections"]] == ["not_storable", "bad_json"]
    assert house.rows("SELECT uuid FROM clinical ORDER BY uuid") == [("Condition/good",), ("Condition/half",)]


def test_a_process_that_reads_a_file_sends_a_rejection_in_place_of_what_cannot_be_sent() -> None:
    def records(_path: Path, _envelope: Envelope, _tell: Any) -> Iterator[Record]:
        yield GOOD[0]
        yield msgspec.structs.replace(GOOD[6], laps=[{"distance": HUGE}])
        yield GOOD[1]

    form = FileFormat(name="odd", looks_for="", claims=lambda _path: True, records=records)
    (only,) = apart.messages(form, apart.Question("", "", "UTC", 0, {}, 0))
    assert [kind for kind, _ in only.items] == ["Sample", "Rejected", "Sample"]
