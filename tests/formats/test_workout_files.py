"""Recordings of sport watches: FIT, TCX and GPX."""

from __future__ import annotations

import datetime as dt
import gzip
import math
import re
import resource
import time
from pathlib import Path
from typing import Any

import fit_bytes as f
import gpxpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthbox.domain.errors import Invalid, Problem
from healthbox.domain.records import Rejected, Workout
from healthbox.formats import packed, thinned
from healthbox.formats.contract import Envelope
from healthbox.formats.registry import recognise_file
from healthbox.formats.sports import activity

NOON = int(dt.datetime(2026, 3, 20, 12, tzinfo=dt.UTC).timestamp())
EIGHT = int(dt.datetime(2026, 3, 1, 8, tzinfo=dt.UTC).timestamp())
ENVELOPE = Envelope(zone="Europe/Berlin", accepted_at=NOON * 1000)


def iso(unix: float) -> str:
    return f"{dt.datetime.fromtimestamp(unix, dt.UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def read(folder: Path, content: bytes | str, name: str = "file") -> list[Any]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = recognise_file(path)
    first = list(found.records(path, ENVELOPE))
    assert first == list(found.records(path, ENVELOPE)), "every reading gives the same"
    return first


def trackpoint(seconds: int, extra: str = "", *, time: bool = True, lat: float | None = None, begin: int = EIGHT) -> str:
    """One every ten seconds would be 22.24 m further north: 0.0002 degrees."""
    at = f"<time>{iso(begin + seconds)}</time>" if time else ""
    return f'<trkpt lat="{52 + seconds * 2e-5 if lat is None else lat:.6f}" lon="13.4"><ele>{34 + seconds / 10}</ele>{at}{extra}</trkpt>'


def gpx(*tracks: str, head: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<gpx xmlns="http://www.topografix.com/GPX/1/1" xmlns:x="urn:x" version="1.1" '
        f'creator="Bob\'s Watch">{"".join(tracks)}</gpx>'
    )


def track(*segments: str, head: str = "<name>Round the lake</name><type>trail_running</type>") -> str:
    return f"<trk>{head}{''.join(f'<trkseg>{one}</trkseg>' for one in segments)}</trk>"


PULSE = "<extensions><x:TrackPointExtension><x:hr>{}</x:hr><x:cad>85</x:cad></x:TrackPointExtension><power>210</power></extensions>"
RUN = gpx(track(*("".join(trackpoint(at, PULSE.format(120 + at)) for at in range(first, first + 30, 10)) for first in (0, 60))))


def test_a_track_is_a_workout_with_what_its_points_show(tmp_path: Path) -> None:
    [found] = read(tmp_path, RUN)
    assert (found.activity, found.start, found.end) == ("running", EIGHT * 1000, (EIGHT + 80) * 1000)
    assert (found.source.name, found.metadata) == ("Bob's Watch", {"name": "Round the lake"})
    step = math.radians(0.0002) * 6_371_000
    assert found.totals == pytest.approx(
        {"distance": 4 * step, "heart_rate_avg": 160, "heart_rate_min": 120, "heart_rate_max": 200, "power_avg": 210,
         "elevation_up": 8, "elevation_down": 0}, abs=0.01,
    )  # fmt: skip
    assert found.route[:2] == [[EIGHT * 1000, 52, 13.4, 34, None], [(EIGHT + 10) * 1000, 52.0002, 13.4, 35, None]]
    assert {name: len(points) for name, points in found.series.items()} == {"heart_rate": 6, "cadence": 6, "power": 6}
    assert found.as_of == found.start, "what is worked out yields to what a device states"


def test_every_track_of_a_gpx_is_a_workout_of_its_own(tmp_path: Path) -> None:
    later = track(trackpoint(0, begin=EIGHT + 7200), trackpoint(10, begin=EIGHT + 7200), head="<type>Biking</type>")
    found = read(tmp_path, gpx(track(trackpoint(0), trackpoint(10)), later))
    assert [(one.position, one.activity) for one in found] == [("trk[0]", "running"), ("trk[1]", "cycling")]


def test_points_out_of_order_make_the_same_workout(tmp_path: Path) -> None:
    points = [trackpoint(at) for at in (0, 10, 20, 30)]
    assert read(tmp_path, gpx(track("".join(reversed(points))))) == read(tmp_path, gpx(track("".join(points))))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (gpx(track("")), "no_points"),
        (gpx('<wpt lat="1" lon="2"/>', '<rte><rtept lat="1" lon="2"/></rte>'), "no_track"),
        (gpx(track("".join(trackpoint(at, time=False) for at in range(3)))), "no_times"),
        (gpx(track(trackpoint(0, begin=NOON + 3 * 86_400))), "in_the_future"),
        (gpx(track(trackpoint(0, begin=0), trackpoint(0))), "too_long"),
    ],
)
def test_what_was_never_recorded_is_refused_with_a_reason(tmp_path: Path, content: str, code: str) -> None:
    [found] = read(tmp_path, content)
    assert (type(found), found.code) == (Rejected, code)


def test_a_gpx_that_breaks_off_gives_what_stands_before(tmp_path: Path) -> None:
    whole, broken = read(tmp_path, RUN[: RUN.rindex("<trkpt")])
    assert (whole.end, len(whole.route)) == ((EIGHT + 70) * 1000, 5)
    assert (broken.position, broken.code) == ("gpx", "broken_xml")


def test_points_without_a_place_still_have_a_pulse(tmp_path: Path) -> None:
    [found] = read(tmp_path, gpx(track(trackpoint(0, PULSE.format(99), lat=91.5) + trackpoint(10, PULSE.format(101)))))
    assert len(found.route) == 1
    assert [value for _, value in found.series["heart_rate"]] == [99, 101]


def test_our_points_are_those_that_gpxpy_reads(tmp_path: Path) -> None:
    [found] = read(tmp_path, RUN)
    theirs = [point for track in gpxpy.parse(RUN).tracks for segment in track.segments for point in segment.points]
    assert [point[1:4] for point in found.route] == [[one.latitude, one.longitude, one.elevation] for one in theirs]
    assert [point[0] for point in found.route] == [one.time.timestamp() * 1000 for one in theirs if one.time]


# -- TCX --------------------------------------------------------------------------------------------------------------


def lap(start: int, length: int, metres: float, pulse: int, points: str, sport: str = "") -> str:
    return (
        f'<Lap StartTime="{iso(EIGHT + start)}"><TotalTimeSeconds>{length}</TotalTimeSeconds><DistanceMeters>{metres}</DistanceMeters>'
        f"<Calories>50</Calories><AverageHeartRateBpm><Value>{pulse}</Value></AverageHeartRateBpm><MaximumHeartRateBpm><Value>{pulse + 20}"
        f"</Value></MaximumHeartRateBpm><Track>{points}</Track></Lap>"
    )


def tcx_point(at: int) -> str:
    return (
        f"<Trackpoint><Time>{iso(EIGHT + at)}</Time><Position><LatitudeDegrees>{52 + at / 1e5}</LatitudeDegrees><LongitudeDegrees>13.4"
        f"</LongitudeDegrees></Position><AltitudeMeters>{30 + at}</AltitudeMeters><DistanceMeters>{3.0 * at}</DistanceMeters><HeartRateBpm>"
        f'<Value>{120 + at}</Value></HeartRateBpm><Extensions><ns3:TPX xmlns:ns3="urn:x"><ns3:Speed>3.1</ns3:Speed><ns3:RunCadence>84'
        "</ns3:RunCadence><ns3:Watts>250</ns3:Watts></ns3:TPX></Extensions></Trackpoint>"
    )


def tcx(inside: str) -> str:
    return f'<?xml version="1.0"?>\n<!-- made by hand -->\n<TrainingCenterDatabase xmlns="urn:tcx">{inside}</TrainingCenterDatabase>'


TCX = tcx(
    f'<Activities><Activity Sport="Running"><Id>{iso(EIGHT)}</Id>{lap(0, 60, 180, 130, tcx_point(0) + tcx_point(50))}'
    f"{lap(90, 30, 95.5, 160, tcx_point(90) + tcx_point(119))}<Notes>Windy</Notes><Creator><Name>Forerunner 245</Name><UnitId>7</UnitId>"
    "</Creator></Activity></Activities><Author><Name>Connect</Name></Author>"
)


def test_a_tcx_is_what_its_laps_state(tmp_path: Path) -> None:
    [found] = read(tmp_path, TCX)
    assert (found.activity, found.start, found.end) == ("running", EIGHT * 1000, (EIGHT + 120) * 1000)
    assert (found.source.name, found.metadata) == ("Forerunner 245", {"notes": "Windy"})
    assert found.totals == pytest.approx(
        {"duration": 90, "distance": 275.5, "energy": 100, "heart_rate_avg": 140, "heart_rate_min": 120, "heart_rate_max": 180,
         "power_avg": 250, "elevation_up": 119, "elevation_down": 0}
    )  # fmt: skip
    assert found.laps[1] == {
        "start": (EIGHT + 90) * 1000, "end": (EIGHT + 120) * 1000, "duration": 30, "distance": 95.5, "energy": 50, "heart_rate_avg": 160,
        "heart_rate_max": 180,
    }  # fmt: skip
    assert found.series["step_cadence"][0] == [EIGHT * 1000, 168], "a cadence counts one foot"
    assert found.series["distance"] == [[(EIGHT + at) * 1000, metres] for at, metres in ((50, 150), (90, 120), (119, 87))]
    assert found.route[0] == [EIGHT * 1000, 52, 13.4, 30, 3.1]
    assert found.as_of == found.end


def test_a_tcx_of_the_gym_has_no_way_but_its_pulse(tmp_path: Path) -> None:
    still = re.sub("<Position>.*</Position>", "", tcx_point(0))
    content = tcx(f'<Activities><Activity Sport="Other"><Id>{iso(EIGHT)}</Id>{lap(0, 600, 0, 99, still)}</Activity></Activities>')
    [found] = read(tmp_path, content)
    assert (found.activity, found.route, found.end - found.start) == ("other", [], 600_000)
    assert found.series["heart_rate"] == [[EIGHT * 1000, 120]]
    assert "distance" not in found.totals


@pytest.mark.parametrize("inside", ["<Courses><Course><Name>Lake</Name></Course></Courses>", "<Activities/>"])
def test_a_planned_tcx_is_refused(tmp_path: Path, inside: str) -> None:
    [found] = read(tmp_path, tcx(inside))
    assert (found.code, "only a plan" in found.reason) == ("no_activity", "Course" in inside)


# -- FIT --------------------------------------------------------------------------------------------------------------


def record(at: int, **more: int) -> tuple[int, dict[str, int]]:
    said = {"timestamp": f.seconds(EIGHT + at), "position_lat": f.semicircles(52 + at / 1e5), "position_long": f.semicircles(13.4),
            "altitude": (34 + 500) * 5, "heart_rate": 120 + at % 50, "cadence": 85, "distance": at * 300, "speed": 3000}  # fmt: skip
    return f.RECORD, said | more


def session(begin: int, length: int, sport: int = 1, **more: int) -> tuple[int, dict[str, int]]:
    said = {"timestamp": f.seconds(EIGHT + begin + length + 40), "start_time": f.seconds(EIGHT + begin), "sport": sport, "sub_sport": 0,
            "total_elapsed_time": length * 1000, "total_timer_time": (length - 10) * 1000}  # fmt: skip
    return f.SESSION, said | more


ABOUT = (f.FILE_ID, {"type": 4, "manufacturer": 1, "product": 3113, "time_created": f.seconds(EIGHT)})
LAP = (f.LAP, {"timestamp": f.seconds(EIGHT + 60), "start_time": f.seconds(EIGHT), "total_elapsed_time": 60_000, "total_distance": 18_000})
CLOCK = (f.ACTIVITY, {"timestamp": f.seconds(EIGHT + 60), "local_timestamp": f.seconds(EIGHT + 60 + 3600)})
TOTALS = {"total_distance": 17_950, "total_calories": 61, "avg_heart_rate": 145, "max_heart_rate": 169, "avg_cadence": 85,
          "total_ascent": 12, "total_descent": 0}  # fmt: skip
FIT = f.fit(ABOUT, *(record(at) for at in range(60)), LAP, session(0, 60, **TOTALS), CLOCK)


def test_a_fit_file_is_what_its_session_states(tmp_path: Path) -> None:
    [found] = read(tmp_path, FIT)
    assert (found.activity, found.start, found.end, found.zone) == ("running", EIGHT * 1000, (EIGHT + 60) * 1000, "+01:00")
    assert found.source.name == "Garmin fr945"
    assert found.totals == {
        "duration": 50, "distance": 179.5, "energy": 61, "heart_rate_avg": 145, "heart_rate_min": 120, "heart_rate_max": 169,
        "step_cadence": 170, "elevation_up": 12, "elevation_down": 0,
    }  # fmt: skip
    assert found.laps == [{"start": EIGHT * 1000, "end": (EIGHT + 60) * 1000, "distance": 180}]
    assert found.route[1] == [(EIGHT + 1) * 1000, pytest.approx(52.00001, abs=1e-7), pytest.approx(13.4, abs=1e-7), 34, 3]
    assert {name: points[-1] for name, points in found.series.items()} == {
        "heart_rate": [(EIGHT + 59) * 1000, 129], "step_cadence": [(EIGHT + 59) * 1000, 170], "distance": [(EIGHT + 59) * 1000, 3],
    }  # fmt: skip


def test_speed_without_a_route_is_a_series_in_metres_per_second(tmp_path: Path) -> None:
    """FIT counts millimetres a second; with a route the speed stands there."""
    indoors = [(kind, {name: value for name, value in said.items() if not name.startswith("position")} | {"speed": 2500})
               for kind, said in (record(at) for at in range(60))]  # fmt: skip
    [found] = read(tmp_path, f.fit(ABOUT, *indoors, session(0, 60)))
    assert found.series["speed"][0] == [EIGHT * 1000, 2.5] and len(found.series["speed"]) == 60 and found.route == []
    assert "speed" not in read(tmp_path, FIT)[0].series


def test_every_session_of_a_triathlon_has_its_own_points(tmp_path: Path) -> None:
    ride = f.fit(ABOUT, *(record(at) for at in range(300)), session(0, 100, sport=2), session(200, 100, sport=1))
    cycled, ran = read(tmp_path, ride)
    assert (cycled.activity, ran.activity) == ("cycling", "running")
    assert {"cadence", "step_cadence"} & set(cycled.series) == {"cadence"}
    assert {"cadence", "step_cadence"} & set(ran.series) == {"step_cadence"}
    assert ran.totals["distance"] < 99 * 3 + 120 * 3, "the way of the ride before is not its own"


def test_files_in_a_row_are_all_read(tmp_path: Path) -> None:
    later = f.fit(ABOUT, record(4000), record(4060), session(4000, 60))
    assert [one.start for one in read(tmp_path, FIT + later)] == [EIGHT * 1000, (EIGHT + 4000) * 1000]


def test_a_fit_file_that_breaks_off_gives_what_stands_before(tmp_path: Path) -> None:
    whole, broken = read(tmp_path, FIT[: len(FIT) // 2])
    assert (whole.activity, whole.start) == ("other", EIGHT * 1000), "the sport stands at the end of the file"
    assert 20 < len(whole.route) < 40
    assert (broken.position, broken.code) == ("file[0].end", "truncated")


def test_a_wrong_checksum_is_said_and_costs_nothing(tmp_path: Path) -> None:
    found, warned = read(tmp_path, FIT[:-2] + bytes([FIT[-2] ^ 1, FIT[-1]]))
    assert [found] == read(tmp_path, FIT)
    assert (warned.code, type(warned)) == ("checksum", Rejected)


def test_each_file_in_a_row_has_its_own_checksum(tmp_path: Path) -> None:
    found = read(tmp_path, FIT + FIT[:-2] + bytes([FIT[-2] ^ 1, FIT[-1]]) + FIT)
    assert [one.position for one in found] == ["file[0].session[0]", "file[1].session[0]", "file[1].end", "file[2].session[0]"]


def test_a_course_or_settings_are_no_workout(tmp_path: Path) -> None:
    [found] = read(tmp_path, f.fit((f.FILE_ID, {"type": 6, "manufacturer": 1, "product": 3113}), record(0), record(9)))
    assert (found.code, found.raw) == ("no_activity", "course")


@pytest.mark.parametrize(
    ("records", "code"),
    [((), "no_points"), ((record(0, timestamp=5),), "no_times"), ((record(NOON - EIGHT + 3 * 86_400),), "in_the_future")],
)
def test_a_fit_without_a_time_that_can_be_is_refused(tmp_path: Path, records: tuple[Any, ...], code: str) -> None:
    [found] = read(tmp_path, f.fit(ABOUT, *records))
    assert (type(found), found.code) == (Rejected, code)


# -- all of them ------------------------------------------------------------------------------------------------------

KINDS = {"gpx": RUN.encode(), "tcx": TCX.encode(), "fit": FIT}


@pytest.mark.parametrize("kind", KINDS)
def test_a_packed_file_is_the_same(tmp_path: Path, kind: str) -> None:
    bare, pressed = read(tmp_path, KINDS[kind]), gzip.compress(KINDS[kind])
    assert read(tmp_path, pressed) == bare
    cut = read(tmp_path, pressed[:-9])
    assert cut[-1].code in ("broken_gzip", "truncated"), "the end is missing"
    assert (cut[0].start, cut[0].activity) == (bare[0].start, bare[0].activity)


@pytest.mark.parametrize("kind", KINDS)
def test_how_far_it_is_goes_up_to_the_end(tmp_path: Path, kind: str) -> None:
    path, shares = tmp_path / "file", list[float]()
    laps = lap(0, 9, 1, 1, "".join(map(tcx_point, range(1500))))
    long = {
        "gpx": gpx(track("".join(trackpoint(at) for at in range(3000)))).encode(),
        "fit": f.fit(ABOUT, *map(record, range(3000))),
        "tcx": tcx(f'<Activities><Activity Sport="Running">{laps}</Activity></Activities>').encode(),
    }
    path.write_bytes(long[kind])
    list(recognise_file(path).records(path, ENVELOPE, shares.append))
    assert shares == sorted(shares)
    assert 0.5 < shares[-1] <= 1


def test_more_points_than_a_page_can_show_are_thinned_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thinned, "POINTS", 100)
    [found] = read(tmp_path, gpx(track("".join(trackpoint(at) for at in range(1000)))))
    gaps = {b[0] - a[0] for a, b in zip(found.route, found.route[1:], strict=False)}
    assert 50 <= len(found.route) <= 100
    assert max(gaps) <= 2 * min(gaps)
    assert found.totals["distance"] == pytest.approx(1000 * math.radians(2e-5) * 6_371_000, rel=0.03)


def test_a_file_larger_than_any_recording_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.write(RUN.encode())
        file.truncate(packed.MOST + 1)
    with pytest.raises(Invalid, match="larger than 256 MB"):
        recognise_file(path)
    path.write_bytes(gzip.compress(RUN.encode() + b" " * 5_000_000))
    monkeypatch.setattr(packed, "MOST", 1_000_000)
    form = recognise_file(path)
    monkeypatch.setattr(packed.opened.__wrapped__, "__defaults__", (1_000_000,))
    with pytest.raises(Invalid, match="larger than"):
        list(form.records(path, ENVELOPE))


LAUGHS = (
    "<!DOCTYPE gpx [<!ENTITY a 'ha'>"
    + "".join(f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefg", "bcdefgh", strict=True))
    + "]>"
)
TRAPS = {
    "laughs": gpx(track(trackpoint(0, "<name>&h;</name>")), head=LAUGHS),
    "outside": gpx(track(trackpoint(0)), head='<!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "deep": gpx("<a>" * 100_000),
    "attribute": gpx(track(f'<trkpt lat="1" lon="{"2" * 8_000_000}"/>')),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_refused_at_once(tmp_path: Path, trap: str) -> None:
    path = tmp_path / "file"
    path.write_text(TRAPS[trap])
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(Invalid) as caught:
        list(recognise_file(path).records(path, ENVELOPE))
    assert caught.value.code == "unsafe_xml"
    assert time.perf_counter() - begun < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64_000


def test_a_document_type_alone_harms_nobody(tmp_path: Path) -> None:
    [found] = read(tmp_path, gpx(track(trackpoint(0)), head='<!DOCTYPE gpx SYSTEM "http://127.0.0.1:9/none.dtd">'))
    assert isinstance(found, Workout)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spots=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=6), keep=st.integers(0, 6000))
def test_a_spoiled_file_is_read_or_refused(tmp_path: Path, kind: str, spots: list[tuple[int, int]], keep: int) -> None:
    spoiled = bytearray(KINDS[kind])
    for at, byte in spots:
        spoiled[at % len(spoiled)] = byte
    path = tmp_path / "file"
    path.write_bytes(bytes(spoiled)[: keep if keep > 100 else None])
    try:
        for found in recognise_file(path).records(path, ENVELOPE):
            assert isinstance(found, Workout | Rejected)
            if isinstance(found, Workout):
                assert 0 <= found.end - found.start <= 15 * 86_400_000
                assert all(math.isfinite(value) for value in found.totals.values())
    except Problem as problem:
        assert problem.code != "problem"


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        (("running", "trail"), "running"), (("training", "strength_training"), "functional_strength_training"),
        (("generic", "yoga"), "yoga"),
        (("cycling", "indoor_cycling"), "cycling"), (("Biking",), "cycling"), (("Morning Ride",), "cycling"), (("e_biking",), "cycling"),
        (("fitness_equipment", "treadmill"), "running"), (("alpine_skiing",), "downhill_skiing"), (("9",), "other"), ((None,), "other"),
        (("Unterwasserrugby",), "unterwasserrugby"), (("generic", "generic"), "other"),
    ],
)  # fmt: skip
def test_sports_have_our_names(words: tuple[str | None, ...], ours: str) -> None:
    assert activity(*words) == ours


def test_a_bare_number_is_a_sport_of_one_site_alone() -> None:
    assert (activity("9", creator="StravaGPX"), activity("9", creator="Somebody")) == ("running", "other")
