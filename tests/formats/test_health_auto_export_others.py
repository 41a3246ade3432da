"""What Health Auto Export sends beside metrics and workouts: kept whole, and the same wherever the phone is."""

import pytest

from healthbox.domain.records import Clinical, SourceRef

HAE = "health-auto-export"


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        ("stateOfMind", "state_of_mind"),
        ("medications", "medication"),
        ("symptoms", "symptom"),
        ("cycleTracking", "cycle"),
        ("ecg", "ecg"),
        ("heartRateNotifications", "heart_notification"),
        ("futureThings", "future_things"),
    ],
)
def test_other_kinds_are_kept_whole(read, ms, section, kind):
    item = {"id": "C1", "start": "2026-03-01 07:00:00 +0100", "end": "2026-03-01 07:30:00 +0100", "source": "Watch", "deep": {"x": [1]}}
    (record,) = read({"data": {"metrics": [], section: [item]}}, as_format=HAE)
    assert record == Clinical(
        position=f"data.{section}[0]",
        kind=kind,
        data=item | {"start": ms("2026-03-01T07:00:00+01:00"), "end": ms("2026-03-01T07:30:00+01:00")},
        uuid="C1",
        source=SourceRef("Watch"),
        start=ms("2026-03-01T07:00:00+01:00"),
        end=ms("2026-03-01T07:30:00+01:00"),
    )
    (bare,) = read({"data": {"metrics": [], section: [{"name": "x"}]}}, as_format=HAE)
    assert (bare.start, bare.end, bare.uuid) == (None, None, None)


def test_a_kept_record_reads_the_same_wherever_the_phone_is(read, ms):
    def told(start, source, note):
        points = [{"date": start, "voltage": 0.1, "source": source}]
        item = {"start": start, "source": source, "note": note, "voltageMeasurements": points}
        return read({"data": {"ecg": [item]}}, as_format=HAE)[0].data

    home = told("2026-03-01 07:00:00 +0100", "Alice’s\u00a0Watch", "2026-03-01 07:00 at rest")
    assert home == told("2026-03-01 1:00:00 AM -0500", "Alice's Watch", "2026-03-01 07:00 at rest")
    assert home["voltageMeasurements"] == [{"date": ms("2026-03-01T07:00:00+01:00"), "voltage": 0.1, "source": "Alice's Watch"}]
    assert home["note"] == "2026-03-01 07:00 at rest"
