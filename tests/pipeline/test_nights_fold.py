"""From stored stages to nights on their wake-up date, again and again the same."""

import itertools

from house import House, at, work_off

from healthbox.pipeline.fold import rebuild


def stage(start, end, value, source="Alice's Watch", **more):
    return {"type": "sleep_analysis", "start": start, "end": end, "value": value, "source": source, **more}


NIGHT = [
    stage(at(1, 22, 30), at(2, 6, 30), "in_bed", "Alice's iPhone"),
    stage(at(1, 23), at(2, 2), "core"),
    stage(at(2, 2), at(2, 2, 20), "awake"),
    stage(at(2, 2, 20), at(2, 4), "deep"),
    stage(at(2, 4), at(2, 6), "rem"),
]


def test_a_night_stands_on_its_wake_up_date(house):
    house.sync(samples=NIGHT)
    night = house.nights()["2026-03-02"]
    assert (night["asleep"], night["core"], night["deep"], night["rem"], night["awake"]) == (400.0, 180.0, 100.0, 120.0, 20.0)
    assert (night["name"], night["kind"], night["zone"]) == ("Alice's Watch", "watch", "Europe/Berlin")


def test_stages_that_trickle_in_give_the_same_night_as_all_at_once(build):
    together, apart = build(), build()
    together.sync(samples=NIGHT)
    for part in reversed(NIGHT):
        apart.sync(samples=[part])
    a, b = together.nights(), apart.nights()
    assert a == b
    rebuild(apart.database, apart.at)
    apart.run()
    assert apart.nights() == b


def test_two_watches_are_never_stitched_together(house):
    house.sync(samples=[*NIGHT, stage(at(1, 23, 10), at(2, 6, 10), "asleep_unspecified", "Oura")])
    night = house.nights()["2026-03-02"]
    assert night["asleep"] == 400.0 and [other[0] for other in night["alternates"]] == ["Oura"]


def test_a_nap_stands_apart(house):
    house.sync(samples=[*NIGHT, stage(at(2, 14), at(2, 14, 40), "core")])
    night = house.nights()["2026-03-02"]
    assert night["asleep"] == 400.0 and [nap[2] for nap in night["naps"]] == [40.0]


def test_a_bedtime_written_ahead_is_a_plan_until_it_is_said_again(house):
    plan = stage("2026-03-20T22:00:00+01:00", "2026-03-21T06:00:00+01:00", "in_bed", "Alice's iPhone")
    house.sync(samples=[plan])
    assert house.nights() == {}
    house.at += 24 * 3_600_000
    house.sync(samples=[plan])
    assert list(house.nights()) == ["2026-03-21"]


def test_deleting_every_stage_leaves_no_night(house):
    ids = [f"{n:08d}-0000-4000-8000-000000000000" for n in range(len(NIGHT))]
    house.sync(samples=[{**part, "uuid": ident} for part, ident in zip(NIGHT, ids, strict=True)])
    assert list(house.nights()) == ["2026-03-02"]
    house.sync(deleted=ids)
    assert house.nights() == {}


def test_a_stage_that_two_uuids_name_goes_with_the_last(house):
    ids = [f"{n:08d}-0000-4000-8000-000000000000" for n in range(2)]
    house.sync(samples=[{**NIGHT[1], "uuid": ident} for ident in ids])
    house.sync(deleted=ids[:1])
    assert house.nights()["2026-03-02"]["asleep"] == 180.0
    house.sync(deleted=ids[1:])
    assert house.nights() == {}


def session(values):
    """Stages of one Health Connect session, which uuid names them all."""
    return [
        {"uuid": "CCCCCCCC-0000-4000-8000-000000000003", "type": f"SLEEP_{name}", "unit": "MINUTE", "value": {"numericValue": 60},
         "dateFrom": at(2, hour), "dateTo": at(2, hour + 1), "platform": "googleHealthConnect", "sourcePlatform": "googleHealthConnect",
         "sourceId": "", "sourceName": "com.fitbit.FitbitMobile"}
        for hour, name in enumerate(values, start=1)
    ]  # fmt: skip


def asleep(house: House):
    night = house.nights()["2026-03-02"]
    return night["deep"], night["rem"]


def test_a_session_sent_anew_replaces_its_stages_as_a_whole_and_an_older_one_never_does(house):
    first, second = session(["DEEP", "DEEP", "REM", "REM"]), session(["DEEP", "REM", "REM"])
    house.ingest(first)
    assert asleep(house) == (120.0, 120.0)
    house.ingest(second)
    assert asleep(house) == (60.0, 120.0)
    house.ingest(first)
    assert asleep(house) == (60.0, 120.0), "the same older body once more"


def test_sleep_in_another_zone_wakes_on_that_zones_date(house):
    house.sync(
        samples=[stage("2026-03-01T23:30:00-08:00", "2026-03-02T06:30:00-08:00", "core", metadata={"HKTimeZone": "America/Los_Angeles"})]
    )
    night = house.nights()["2026-03-02"]
    assert night["asleep"] == 420.0 and night["zone"] == "America/Los_Angeles"


WOKE = at(2, 6)


def webhook(*stages, woke=WOKE):
    """A night by HC Webhook: seven hours without stages, or these; it says no id."""
    parts = [{"stage": stage, "start_time": start, "end_time": end} for start, end, stage in stages]
    night = {"session_end_time": woke, "duration_seconds": 7 * 3600, "stages": parts}
    return {"timestamp": woke, "app_version": "1.9.0", "sleep": [night]}


def test_the_stages_of_a_night_take_the_place_of_the_night_without_stages(build):
    staged = webhook((at(2, 0), at(2, 3), "light"), (at(2, 3), at(2, 5, 30), "deep"))
    for order in itertools.permutations(range(2)):
        house = build()
        accepted = [house.ingest(body, run=False) for body in (webhook(), staged)]
        work_off(house, [accepted[place] for place in order])
        assert house.nights()["2026-03-02"]["asleep"] == 330.0
        assert house.counts(house.ingest(staged | {"timestamp": at(2, 9)})) == {"duplicate": 2}
    house.ingest(webhook((at(2, 13, 30), at(2, 14, 10), "light"), woke=at(2, 14, 10)))
    night = house.nights()["2026-03-02"]
    assert (night["asleep"], [nap[2] for nap in night["naps"]]) == (330.0, [40.0])


def test_a_stated_night_keeps_the_nap_that_was_measured(build):
    times = {"sleepStart": "2026-03-01 23:00:00 +0100", "sleepEnd": "2026-03-02 06:30:00 +0100"}
    stated = {"date": "2026-03-02", "asleep": 7, "inBed": 7.5} | times
    bodies = [
        lambda house: house.sync(samples=[stage(at(2, 14), at(2, 14, 40), "core")]),
        lambda house: house.ingest({"data": {"metrics": [{"name": "sleep_analysis", "units": "hr", "data": [stated]}]}}),
        lambda house: house.ingest({"data": {"metrics": [{"name": "sleep_analysis", "units": "hr", "data": [stated | {"asleep": 7.2}]}]}}),
    ]
    for order in itertools.permutations(bodies):
        house = build()
        for send in order:
            send(house)
        night = house.nights()["2026-03-02"]
        assert night["stated"] and night["asleep"] in (420.0, 432.0)
        assert [nap[2] for nap in night["naps"]] == [40.0]
