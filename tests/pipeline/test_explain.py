"""Why a day's number is what it is: the contributions sum to the value, whatever layer made it."""

import datetime as dt
import json

import pytest
from house import at, steps

from healthbox.domain.errors import NotFound
from healthbox.pipeline.explain import why

DATE = dt.date(2026, 3, 1)


def told(house, metric="steps"):
    return why(house.database, house.alice.id, metric, DATE)


def test_contributions_and_their_overlap_sum_to_the_day(house):
    house.sync(samples=[steps(at(1, 9), at(1, 11), 2000, "Alice's iPhone"), steps(at(1, 10), at(1, 11), 1500, "Alice's Watch")])
    answer = told(house)
    assert [(c["source"], c["kind"], c["value"], c["raw"], c["discarded"]) for c in answer["contributions"]] == [
        ("Alice's Watch", "watch", 1500.0, 1500.0, 0.0),
        ("Alice's iPhone", "phone", 1000.0, 2000.0, 1000.0),
    ]
    assert sum(c["value"] for c in answer["contributions"]) == answer["value"] == house.days("steps")["2026-03-01"]
    assert answer["overlap"] == 1000.0 and answer["layer"] == "raw" and answer["rule"] == "interval merge"


def test_a_day_that_the_client_added_up_names_the_app_and_the_layers_not_chosen(house):
    house.sync(samples=[steps(at(1, 9), at(1, 10), 500)])
    body = {"data": {"metrics": [{"name": "step_count", "units": "count", "data": [{"date": "2026-03-01 00:00:00 +0100", "qty": 9000}]}]}}
    house.door.ingest(
        house.phone, json.dumps(body).encode(),
        headers={"automation-aggregation": "days", "automation-period": "today"}, now=house.at,
    )  # fmt: skip
    house.run()
    answer = told(house)
    assert [(layer["kind"], layer["value"], layer["chosen"]) for layer in answer["layers"]] == [
        ("day", 9000.0, True),
        ("raw", 500.0, False),
    ]
    assert sum(c["value"] for c in answer["contributions"]) == answer["value"] == 9000.0


def test_the_account_is_the_same_computation_as_the_stored_day(house):
    beat = {"type": "heart_rate", "start": at(1, 9), "end": at(1, 9), "unit": "count/min", "source": "Watch"}
    house.sync(samples=[{**beat, "value": 60}, {**beat, "start": at(1, 9, 5), "end": at(1, 9, 5), "value": 66}])
    answer = told(house, "heart_rate")
    stored = house.rows("SELECT value, low, high, mean, n, coverage, layer, rule FROM day")[0]
    assert stored == tuple(answer[name] for name in ("value", "min", "max", "mean", "count", "coverage", "layer", "rule"))
    assert [reading["value"] for reading in answer["readings"]] == [60.0, 66.0]


def test_a_day_without_data_is_not_found_and_never_a_zero(house):
    with pytest.raises(NotFound):
        told(house)
