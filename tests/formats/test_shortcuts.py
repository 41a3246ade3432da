import datetime as dt

import pytest

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.records import Sample, SleepStage, SourceRef, StatedTotal
from healthbox.formats.shortcuts.numbers import amount
from healthbox.formats.wire import Unreadable

SHORTCUTS = "shortcuts"
DATES = ["2026-03-01T09:05:00+01:00", "2026-03-01T10:05:00+01:00"]
CATALOGUE = Catalogue.load()


def lists(**parts):
    return {"type": "Heart Rate", "dates": DATES, "values": ["74", "83"]} | parts


def test_parallel_lists_are_samples(read, ms):
    full = lists(unit="count/min", ends=[DATES[0], "2026-03-01T10:06:00+01:00"], sources=["Alice’s Apple Watch", "iPhone"])
    assert read(full, as_format=SHORTCUTS) == [
        Sample(
            position="dates[0]",
            metric="Heart Rate",
            naming="shortcut",
            start=ms(DATES[0]),
            end=ms(DATES[0]),
            value=74.0,
            unit="count/min",
            source=SourceRef("Alice’s Apple Watch"),
        ),
        Sample(
            position="dates[1]",
            metric="Heart Rate",
            naming="shortcut",
            start=ms(DATES[1]),
            end=ms("2026-03-01T10:06:00+01:00"),
            value=83.0,
            unit="count/min",
            source=SourceRef("iPhone"),
        ),
    ]


def test_columns_may_be_text_with_a_line_for_each_entry(read):
    lined = lists(dates="\n".join(DATES), values="74\n83\n", ends=["\n".join(DATES)], sources="Watch\nWatch")
    assert [record.end for record in read(lined, as_format=SHORTCUTS)] == [record.start for record in read(lists(), as_format=SHORTCUTS)]
    (single,) = read(lists(dates=DATES[0], values=74, sources="Watch"), as_format=SHORTCUTS)
    assert (single.value, single.source) == (74.0, SourceRef("Watch"))
    (plain,) = read({"type": "Heart Rate", "date": DATES[0], "value": "74"}, as_format=SHORTCUTS)
    assert (plain.position, plain.value) == ("date[0]", 74.0)


def test_one_source_and_one_unit_serve_all(read):
    records = read(lists(sources=["Watch"], unit=["bpm"]), as_format=SHORTCUTS)
    assert [(record.source.name, record.unit) for record in records] == [("Watch", "bpm")] * 2


def test_an_entry_without_a_partner_is_rejected_and_the_rest_stays(read):
    records = read(lists(values=["74"]), as_format=SHORTCUTS)
    assert [getattr(record, "code", None) for record in records] == [None, "unequal_lengths"]
    records = read(lists(values=["74", "83", "90"]), as_format=SHORTCUTS)
    assert [getattr(record, "code", None) for record in records] == [None, None, "unequal_lengths"]
    records = read(lists(values="74\n\n83", dates="\n".join([*DATES, DATES[1]])), as_format=SHORTCUTS)
    assert [getattr(record, "code", None) for record in records] == [None, "no_value", None]
    assert [record.code for record in read(lists(values=""), as_format=SHORTCUTS)] == ["unequal_lengths"] * 2
    assert read(lists(values=[], dates=""), as_format=SHORTCUTS) == []


@pytest.mark.parametrize(
    "date",
    ["2026-03-01 09:05:00", "2026-03-01T09:05:00+01:00", "Mar 1, 2026 at 9:05\u202fAM", "2026-03-01T08:05:00Z", "01.03.2026, 09:05",
     "01.03.2026 um 09:05:00"],
)  # fmt: skip
def test_dates_as_their_authors_format_them(read, ms, date):
    assert read(lists(dates=date, values="74"), as_format=SHORTCUTS)[0].start == ms(DATES[0])


@pytest.mark.parametrize(
    "body",
    [
        lists(dates="02/03/2026, 09:05", values="74"),
        {"type": "Heart Rate", "dates": ["18/03/2026"], "values": [74]},
        {"date": "3/18/2026", "steps": 1},
    ],
)
def test_a_date_with_slashes_is_refused_with_what_to_do(read, body):
    (refused,) = read(body, as_format=SHORTCUTS)
    assert (refused.code, "slashes" in refused.reason, "2026-03-18" in refused.reason) == ("ambiguous_date", True, True)


def test_a_flat_day_may_be_dated_with_dots(read):
    (steps,) = read({"date": "19.03.2026", "steps": 8412}, as_format=SHORTCUTS)
    assert steps.date == dt.date(2026, 3, 19)


def test_a_time_zone_in_the_body_reads_bare_times(read, ms):
    (record,) = read(lists(dates="2026-03-01 09:05:00", values="74", tz="America/New_York"), as_format=SHORTCUTS)
    assert (record.start, record.zone) == (ms("2026-03-01T09:05:00-05:00"), None)


def test_the_older_heart_rate_lists(read, ms):
    records = read({"hrDates": ["2026-03-01 09:05:00", DATES[1]], "hrValues": ["74"]}, as_format=SHORTCUTS)
    assert (records[0].metric, records[0].start, records[0].value) == ("Heart Rate", ms(DATES[0]), 74.0)
    assert (records[1].position, records[1].code) == ("hrDates[1]", "unequal_lengths")


def test_types_in_any_language_stay_as_they_are(read):
    (record,) = read(lists(type="Herzfrequenz", dates=DATES[0], values="74"), as_format=SHORTCUTS)
    assert (record.metric, record.naming, record.value) == ("Herzfrequenz", "shortcut", 74.0)
    (record,) = read(lists(type="Schlafanalyse", dates=DATES[0], values="Tief"), as_format=SHORTCUTS)
    assert (record.metric, record.value) == ("Schlafanalyse", "Tief")
    assert [record.code for record in read({"timestamps": DATES, "values": ["1", "2"]}, as_format=SHORTCUTS)] == ["no_type"] * 2


def test_a_value_whose_unit_nobody_said_is_kept_apart(read):
    (record,) = read(lists(type="Cycling Distance", dates=DATES[0], values="15.4"), as_format=SHORTCUTS)
    assert (record.metric, record.value, record.unit) == ("Cycling Distance, no unit", 15.4, None)
    assert CATALOGUE.find("shortcut", record.metric) is None
    (record,) = read(lists(type="Cycling Distance", unit="km", dates=DATES[0], values="15.4"), as_format=SHORTCUTS)
    assert (record.metric, record.unit) == ("Cycling Distance", "km")
    (record,) = read(lists(type="Cycling Distance", dates=DATES[0], values="15,4 km"), as_format=SHORTCUTS)
    assert (record.metric, record.value, record.unit) == ("Cycling Distance", 15.4, "km")


def test_sleep_is_stages_by_their_names(read, ms):
    body = lists(type="Sleep", values=["Deep", "Core"], ends=[DATES[1], "2026-03-01T11:00:00+01:00"])
    assert read(body, as_format=SHORTCUTS)[0] == SleepStage(position="dates[0]", start=ms(DATES[0]), end=ms(DATES[1]), stage="deep")
    assert [record.stage for record in read(lists(type="Sleep Analysis", values="REM\n5", ends=DATES), as_format=SHORTCUTS)] == [
        "rem",
        "rem",
    ]
    assert [record.code for record in read(lists(type="Sleep", values=["Deep", "?"]), as_format=SHORTCUTS)] == ["no_end"] * 2


def test_sample_objects_by_name(read, ms):
    point = {"start": DATES[0], "end": DATES[1], "value": "1,234"}
    (record,) = read({"step_samples": [point]}, as_format=SHORTCUTS)
    assert (record.position, record.metric, record.start, record.end, record.value) == (
        "step_samples[0]",
        "steps",
        ms(DATES[0]),
        ms(DATES[1]),
        1234.0,
    )
    records = read({"heart_rate_samples": f"{DATES[0]};74\n{DATES[0]}\t{DATES[1]}\t75\nnonsense"}, as_format=SHORTCUTS)
    assert [getattr(record, "value", None) for record in records] == [74.0, 75.0, None]


def total(name, value, unit=None, naming="shortcut", position=None, source=""):
    return StatedTotal(
        position=position or name,
        metric=name,
        naming=naming,
        app="shortcuts",
        date=dt.date(2026, 3, 1),
        value=value,
        unit=unit,
        source=source,
    )


def test_a_flat_day_is_a_stated_total_for_each_key(read):
    day = {
        "date": "2026-03-01",
        "steps": "8,412",
        "resting_heart_rate": "58",
        "sleep_hours": 7.5,
        "exercise_minutes": 32,
        "distance_km": "5,1",
        "weight_kg": 72.5,
        "calories": 410,
        "mood": 4,
        "distance": 5.1,
        "stand_hours": 11,
        "empty": "",
        "gone": None,
        "source": "iPhone",
    }
    source = {"source": "iPhone"}
    assert read(day, as_format=SHORTCUTS) == [
        total("steps", 8412.0, **source),
        total("resting_heart_rate", 58.0, **source),
        total("sleep_asleep", 7.5, "hr", "key", "sleep_hours", **source),
        total("exercise_minutes", 32.0, "min", **source),
        total("distance", 5.1, "km", position="distance_km", **source),
        total("weight", 72.5, "kg", position="weight_kg", **source),
        total("calories", 410.0, "kcal", **source),
        total("mood", 4.0, **source),
        total("distance, no unit", 5.1, position="distance", **source),
        total("stand_hours", 11.0, **source),
    ]


def test_a_day_may_stand_under_metrics_or_record(read):
    assert read({"userId": 1, "date": "2026-03-01", "metrics": {"steps": 8543}, "source": "ios"}, as_format=SHORTCUTS) == [
        total("steps", 8543.0, position="metrics.steps", source="ios")
    ]
    assert read({"action": "log", "record": {"date": "2026-03-01", "steps": 7421}}, as_format=SHORTCUTS) == [
        total("steps", 7421.0, position="record.steps")
    ]


def test_a_day_says_what_it_cannot_read(read):
    body = {"date": "2026-03-01", "steps": "many", "weight_kg": "72", "workouts": [{"a": 1}]}
    assert [getattr(record, "code", None) for record in read(body, as_format=SHORTCUTS)] == ["not_a_number", None, "not_a_number"]
    assert [record.code for record in read({"steps": 8000, "calories": 3}, as_format=SHORTCUTS)] == ["no_date"] * 2


@pytest.mark.parametrize(
    ("value", "metric", "unit", "expected"),
    [
        ("72,5", "weight", "kg", (72.5, "kg")),
        ("72,500", "weight", "kg", (72.5, "kg")),
        ("0,750", "weight", "kg", (0.75, "kg")),
        ("8,412", "steps", None, (8412.0, None)),
        ("8.412", "steps", None, (8412.0, None)),
        ("12,5", "steps", None, (12.5, None)),
        ("8\u202f412", "steps", None, (8412.0, None)),
        ("8'412", "steps", None, (8412.0, None)),
        ("12,34,567", "steps", None, (1234567.0, None)),
        ("1,234.5", "active_energy", "kcal", (1234.5, "kcal")),
        ("1.234,5", "active_energy", "kcal", (1234.5, "kcal")),
        ("1.234.567", "active_energy", "kJ", (1234567.0, "kJ")),
        ("1.234", "active_energy", "kcal", (1.234, "kcal")),
        ("74 count/min", "heart_rate", None, (74.0, "count/min")),
        ("-1,5 °C", "water_temperature", None, (-1.5, "°C")),
        ("1e3", "active_energy", "J", (1000.0, "J")),
        ("7:30:15", "sleep_asleep", None, (27015.0, "s")),
        ("7:30", "sleep_asleep", "hr", (27000.0, "s")),
        (66, "heart_rate", "bpm", (66.0, "bpm")),
    ],
)
def test_numbers_as_people_write_them(value, metric, unit, expected):
    assert amount(value, unit, CATALOGUE.get(metric)) == expected


@pytest.mark.parametrize(
    ("value", "metric", "code"),
    [
        ("1,234", "active_energy", "ambiguous_number"),
        ("1,234", None, "ambiguous_number"),
        ("7:30", "sleep_asleep", "ambiguous_duration"),
        ("many", "steps", "not_a_number"),
        ("", "steps", "no_value"),
        (" ", "steps", "no_value"),
        (True, "steps", "not_a_number"),
        ("1.2.3", "steps", "not_a_number"),
        ("1,2,3.4", "steps", "not_a_number"),
        ("1,234.5.6", "steps", "not_a_number"),
        (".", "steps", "not_a_number"),
        ("1" * 70, "steps", "not_a_number"),
        ("9" * 30, "steps", "number_out_of_range"),
        (None, "steps", "no_value"),
    ],
)
def test_a_number_that_could_mean_two_things_is_refused(value, metric, code):
    with pytest.raises(Unreadable) as caught:
        amount(value, None, CATALOGUE.get(metric) if metric else None)
    assert caught.value.code == code
