"""Silent trouble is named once, by its root, against the habit of that very device or source, and never in its first days."""

import datetime as dt

import msgspec
import pytest

from healthbox.analytics.trouble import TROUBLES, Device, Facts, Source, Upload, cured, judge

HOUR, DAY = 3_600_000, 86_400_000
NOW = 1_795_000_000_000
TODAY = dt.date(2026, 11, 18)


def upload(hours_ago: float, body: str, stored: int = 0, known: int = 10, **more: int) -> Upload:
    return Upload(NOW - round(hours_ago * HOUR), f"u-{hours_ago:g}", body.encode(), stored, known, **more)


def phone(*uploads: Upload, heard: float = 0.5, usual: int | None = HOUR, longest: int = 9 * HOUR, age: int = 40) -> Device:
    return Device(3, "Alice's phone", NOW - age * DAY, NOW - round(heard * HOUR), usual, longest, uploads)


def watch(hours_ago: float, *, name: str = "Watch", kind: str = "watch", number: int = 7, usual: int = 300_000) -> Source:
    return Source(number, name, NOW - 40 * DAY, NOW - round(hours_ago * HOUR), usual, 10 * HOUR, kind, 3)


def found(*devices: Device, sources: tuple[Source, ...] = (), watching: int = NOW - 60 * DAY, **numbers: float):
    given = {name: {key: value for key, value in numbers.items() if key in one.params} for name, one in TROUBLES.items()}
    return judge(Facts(NOW, TODAY, watching, devices, sources), given)


def kinds(*devices: Device, **more):
    return [(one.rule, one.metric) for one in found(*devices, **more)]


def hourly(count: int, body=lambda at: f"b{at}", stored=lambda at: 0, since: int = 0) -> list[Upload]:
    return [upload(since + at + 0.5, body(at), stored(at)) for at in range(count)]


# -- the same again and again ------------------------------------------------------------------------------------------


def test_one_body_six_times_in_a_day_is_a_loop_and_five_times_is_not():
    before = hourly(40, stored=lambda _: 5, since=6)
    assert kinds(phone(*hourly(5, lambda _: "same"), *before)) == []
    (one,) = found(phone(*hourly(6, lambda _: "same"), *before), looping_share=10)
    assert (one.rule, one.metric, one.severity, one.value) == ("looping", "device:3", "info", 6)
    assert one.words == {"name": "Alice's phone", "since": float(NOW - 5.5 * HOUR), "upload": "u-0.5"}


def test_repeats_must_be_most_of_what_comes():
    """A total that stands still at night makes a third of the day's uploads the same."""
    night = [*hourly(8, lambda _: "0 steps"), *hourly(16, stored=lambda _: 1, since=8)]
    assert kinds(phone(*night)) == []
    two_in_turn = hourly(24, lambda at: "ab"[at % 2])
    assert kinds(phone(*two_in_turn)) == [("looping", "device:3")]


def test_who_always_sends_the_same_for_long_is_not_looping():
    """A Shortcut that sends the latest weight every hour, of somebody who weighs once a week."""
    weekly = [upload(at + 0.5, f"week {at // 168}", stored=int(at % 168 == 167)) for at in range(400)]
    assert kinds(phone(*weekly)) == []


def test_a_part_of_a_sync_that_is_sent_once_more_counts_though_it_makes_no_upload():
    stuck = upload(30, "part", stored=5, sent=20, last=NOW - HOUR // 2)
    assert kinds(phone(stuck, *hourly(20, stored=lambda _: 5, since=31))) == [("looping", "device:3")]


def test_two_uploads_that_store_something_end_a_loop():
    loop = hourly(22, lambda _: "same", since=2)
    assert kinds(phone(upload(1, "new", 3), upload(2, "same"), *loop)) == [("looping", "device:3")]
    assert kinds(phone(upload(1, "newer", 3), upload(2, "new", 3), *loop)) == []


# -- only duplicates ---------------------------------------------------------------------------------------------------


def test_a_day_and_five_uploads_without_anything_new():
    days = [upload(24 * at + 1, f"day {at}") for at in range(5)]
    (one,) = found(phone(*days, longest=25 * HOUR))
    assert (one.rule, one.value, one.words["upload"]) == ("duplicates", 5, "u-1")
    assert kinds(phone(*days[:4], upload(97, "new", 1))) == [], "four"
    assert kinds(phone(*hourly(20))) == [], "twenty within a day"
    assert kinds(phone(*hourly(30))) == [("duplicates", "device:3")]


def test_a_daily_automation_full_of_duplicates_beside_an_hourly_one_is_fine():
    weeks = [upload(24 * at + 1, f"previous7Days {at}", known=900) for at in range(9)]
    assert kinds(phone(*sorted([*weeks, *hourly(200, stored=lambda at: at % 3)], key=lambda one: -one.at))) == []


def test_a_device_that_often_brings_nothing_new_for_days_gets_twice_that_long():
    weekly = [upload(24 * at + 1, f"b{at}", stored=int(at in (6, 12, 18))) for at in range(20)]
    assert kinds(phone(*weekly[1:])) == []
    assert kinds(phone(*[upload(24 * at + 1, f"b{at}", stored=int(at in (16, 18))) for at in range(20)])) == [("duplicates", "device:3")]


def test_uploads_that_are_all_refused_say_so():
    (one,) = found(phone(*[upload(24 * at + 1, f"b{at}", known=0, refused=7) for at in range(6)]))
    assert one.words["cause"] == "refused"


# -- fallen silent -----------------------------------------------------------------------------------------------------


def test_a_phone_is_silent_after_a_day_or_twice_its_longest_silence():
    assert kinds(phone(heard=24)) == []
    (one,) = found(phone(heard=24.1))
    assert (one.rule, one.metric, one.words["since"]) == ("silent", "device:3", float(NOW - 24.1 * HOUR))
    assert kinds(phone(heard=47, longest=24 * HOUR)) == []
    assert kinds(phone(heard=49, longest=24 * HOUR)) == [("silent", "device:3")]
    assert kinds(phone(heard=80, usual=27 * HOUR)) == []
    assert kinds(phone(heard=500, usual=None)) == [], "no habit, no silence"


def test_only_the_root_is_named():
    silent_watch, fine = watch(40), watch(1, name="iPhone", kind="phone", number=8)
    assert kinds(phone(heard=1), sources=(silent_watch, fine)) == [("silent", "source:7")]
    assert kinds(phone(heard=30), sources=(silent_watch, fine)) == [("silent", "device:3")]
    assert kinds(phone(*hourly(30, lambda _: "same")), sources=(silent_watch,)) == [("looping", "device:3")]
    assert kinds(phone(*hourly(30)), sources=(silent_watch,)) == [("duplicates", "device:3")]


def test_a_phone_that_sends_while_nothing_of_any_source_comes_is_one_finding():
    (one,) = found(phone(heard=1), sources=(watch(40), watch(39, name="iPhone", kind="phone", number=8)))
    assert (one.metric, one.words["cause"], one.words["since"]) == ("device:3", "empty", float(NOW - 39 * HOUR))


def test_a_phone_that_brings_only_what_is_known_is_not_yet_a_silent_watch():
    few = hourly(4)
    assert kinds(phone(*few, heard=0.4), sources=(watch(40),)) == []
    assert kinds(phone(*few, upload(5, "new", 1), heard=0.4), sources=(watch(40),)) == [("silent", "source:7")]


def test_a_phone_that_is_back_brings_the_rest_bit_by_bit():
    at = (0.4, 1.4, 80, 81)
    back = msgspec.structs.replace(phone(heard=0.4), contacts=[NOW - round(hours * HOUR) for hours in at])
    assert kinds(back, sources=(watch(100),)) == []
    later = msgspec.structs.replace(back, contacts=[NOW - hours * HOUR for hours in (1, 13, 26, 80, 81)])
    assert kinds(later, sources=(watch(100),)) == [("silent", "source:7")]


def test_a_source_is_behind_its_phones_last_word_and_not_behind_the_clock():
    assert kinds(phone(heard=20), sources=(watch(40),)) == []
    assert kinds(phone(heard=10), sources=(watch(40),)) == [("silent", "source:7")]


def test_what_is_typed_in_by_hand_or_comes_by_another_way_is_never_silent():
    assert kinds(phone(heard=1), sources=(watch(400, kind="manual"),)) == []
    assert kinds(phone(heard=1), sources=(msgspec.structs.replace(watch(400), device=None),)) == []


def test_a_server_that_was_off_blames_nobody_for_a_day():
    assert kinds(phone(heard=100), watching=NOW - 23 * HOUR) == []
    assert kinds(phone(heard=1), sources=(watch(100),), watching=NOW - 23 * HOUR) == []
    assert kinds(phone(heard=100), watching=NOW - 25 * HOUR) == [("silent", "device:3")]


# -- all of them -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [{"uploads": hourly(30, lambda _: "same")}, {"uploads": hourly(30)}, {"uploads": [], "heard": 30}])
def test_nobody_is_judged_in_the_first_days_and_each_can_be_switched_off(trouble):
    uploads = trouble.pop("uploads")
    assert len(kinds(phone(*uploads, age=6, **trouble))) == 1
    assert kinds(phone(*uploads, age=3, **trouble)) == []
    off = {next(iter(one.params)): 0.0 for one in TROUBLES.values()}
    assert kinds(phone(*uploads, **trouble), **off) == []


def test_cured_is_what_came_and_not_what_nobody_waits_for():
    (one,) = found(phone(heard=1), sources=(watch(40),))
    facts = Facts(NOW, TODAY, 0, [phone(heard=0)], [watch(40)])
    assert not cured(one, facts)
    assert cured(one, msgspec.structs.replace(facts, sources=[watch(0)]))
    assert not cured(one, msgspec.structs.replace(facts, sources=[]))
    (loop,) = found(phone(*hourly(30, lambda _: "same")))
    assert not cured(loop, facts)
    assert cured(loop, msgspec.structs.replace(facts, devices=[phone(upload(0, "new", 2))]))
    assert not cured(loop, msgspec.structs.replace(facts, devices=[]))
    (stopped,) = found(phone(heard=30))
    assert cured(stopped, facts)
    (empty,) = found(phone(heard=1), sources=(watch(40), watch(39, number=8)))
    assert cured(empty, msgspec.structs.replace(facts, sources=[watch(0), watch(39, number=8)]))
