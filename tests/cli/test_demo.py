"""The demo: a made-up person that arrives through the real door and leaves without a trace."""

import datetime as dt
import threading
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from click.testing import CliRunner, Result

from healthbox.cli import main
from healthbox.cli.demo_year import Year, make
from healthbox.cli.place import now_ms
from healthbox.domain.clock import ZoneHistory
from healthbox.pipeline.pump import Pump
from healthbox.store import accounts, day_values, devices, findings, freshness, people
from healthbox.store.engine import Database
from healthbox.store.locks import ServerLock
from healthbox.web import passwords

NOW = int(dt.datetime(2026, 3, 18, 13, 5, tzinfo=dt.UTC).timestamp()) * 1000
NIGHTS = 64


def records(year: Year, name: str) -> list[dict[str, Any]]:
    return [record for body in year.bodies for record in msgspec.json.decode(body)[name]]


def run(data: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["demo", "--data", str(data), *words])


@pytest.fixture(scope="module")
def year() -> Year:
    return make(NOW, "Europe/Berlin")


def test_the_year_is_the_same_every_time() -> None:
    assert make(NOW, "Europe/Berlin", days=20) == make(NOW, "Europe/Berlin", days=20)
    assert make(NOW, "Europe/Berlin", days=20) != make(NOW, "Europe/Berlin", days=20, seed=8)


def test_the_year_has_everything_a_page_wants_to_show(year: Year) -> None:
    samples, workouts = records(year, "samples"), records(year, "workouts")
    kinds = Counter(sample["type"].removeprefix("HKQuantityTypeIdentifier") for sample in samples)
    wanted = "HeartRate StepCount DistanceWalkingRunning ActiveEnergyBurned RestingHeartRate HeartRateVariabilitySDNN RespiratoryRate"
    assert all(kinds[name] > 300 for name in wanted.split())
    assert all(kinds[name] > 20 for name in ("OxygenSaturation", "BodyMass", "BloodPressureSystolic", "AppleSleepingWristTemperature"))
    assert {sample["source"]["name"] for sample in samples if sample["type"].endswith("SleepAnalysis")} == {"Oura", "Demo’s Apple Watch"}
    assert 80 <= len(workouts) <= 130
    assert all(len(workout["series"]["heart_rate"]["points"]) > 50 for workout in workouts)
    assert 5 < sum("route" in workout for workout in workouts) < len(workouts)
    assert 150_000 < year.records < 250_000


def test_the_year_ends_now_and_repeats_no_id(year: Year) -> None:
    samples = records(year, "samples")
    ends = [dt.datetime.fromisoformat(sample["end"]).timestamp() * 1000 for sample in samples]
    assert NOW - 3_600_000 < max(ends) <= NOW
    assert len({sample["uuid"] for sample in samples}) == len(samples)
    assert [msgspec.json.decode(body)["index"] for body in year.bodies] == list(range(len(year.bodies)))
    assert [msgspec.json.decode(body)["final"] for body in year.bodies].index(True) == len(year.bodies) - 1


def test_a_second_app_states_whole_days_and_nights_mostly_as_they_were(year: Year) -> None:
    early, whole = (msgspec.json.decode(body)["data"]["metrics"] for _, body in year.stated)
    assert [sent for sent, _ in year.stated] == [int(dt.datetime(2026, 3, 16, 13, 5, tzinfo=dt.UTC).timestamp()) * 1000, NOW]
    assert [(metric["name"], len(metric["data"])) for metric in early] == [("step_count", 1)]
    energy = {point["date"][:10]: point["qty"] for point in whole[0]["data"]}
    zones, burned = ZoneHistory(year.zones), Counter[str]()
    for sample in records(year, "samples"):
        if sample["type"].endswith("ActiveEnergyBurned"):
            start = round(dt.datetime.fromisoformat(sample["start"]).timestamp() * 1000)
            burned[zones.local_date(start).isoformat()] += sample["value"]
    off = [date for date, stated in energy.items() if abs(stated - burned[date]) > 0.06]
    assert len(energy) > 40 and 2 <= len(off) <= 5 and "2026-03-18" not in energy
    assert len(whole[1]["data"]) > 40


def test_a_week_is_spent_in_tokyo_and_one_is_missing(year: Year) -> None:
    assert [zone for _, zone in year.zones] == ["Europe/Berlin", "Asia/Tokyo", "Europe/Berlin"]
    zones = ZoneHistory(year.zones)
    steps = {
        zones.local_date(round(dt.datetime.fromisoformat(sample["start"]).timestamp() * 1000))
        for sample in records(year, "samples")
        if sample["type"].endswith("StepCount")
    }
    whole = {dt.date(2026, 3, 18) - dt.timedelta(days=at) for at in range(365)}
    missing = sorted(whole - steps)
    assert missing == [missing[0] + dt.timedelta(days=at) for at in range(6)]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    data = tmp_path_factory.mktemp("house")
    result = run(data, "--days", str(NIGHTS))
    assert result.exit_code == 0, result.output
    return data, result.output


def test_demo_makes_a_person_with_days_nights_and_a_finding_for_today(told: tuple[Path, str]) -> None:
    database = Database(told[0])
    with database.reading() as c:
        person = people.get_person(c, "Demo")
        assert person.demo
        today = dt.datetime.now(dt.UTC).date()
        values = day_values.values_between(c, person.id, today - dt.timedelta(days=NIGHTS), today + dt.timedelta(days=1))
        assert len(values["steps"]) >= NIGHTS - 2
        assert len(day_values.nights_between(c, person.id, today - dt.timedelta(days=NIGHTS), today)) > NIGHTS - 10
        open_now = [row for row in findings.of_person(c, person.id) if row.state == "open"]
        assert "resting_heart_rate" in {row.metric for row in open_now}
        assert freshness.pill(c, person.id, now_ms())[0]["busy"] is False
        assert [device.name for device in devices.list_devices(c, person.id)] == ["demo"]
    database.close()


def test_demo_tells_the_password_once(told: tuple[Path, str]) -> None:
    data, output = told
    password = output.partition("the password ")[2].split()[0]
    database = Database(data)
    with database.reading() as c:
        account = accounts.find_account(c, "demo")
        assert account is not None
        assert account.admin, "there was nobody else"
        assert passwords.matches(accounts.password_hash(c, account.id), password)
    database.close()


def test_demo_does_not_come_twice(told: tuple[Path, str]) -> None:
    again = run(told[0], "--days", "2")
    assert again.exit_code == 1
    assert "healthbox demo --remove" in again.output


def test_remove_takes_the_demo_and_nobody_else(tmp_path: Path) -> None:
    assert run(tmp_path, "--days", "2").exit_code == 0
    database = Database(tmp_path)
    with database.writing() as c:
        alice = people.add_person(c, "Alice", "Europe/Berlin", NOW)
        accounts.add_account(c, "alice", "x", alice.id, True, NOW)
    assert "gone" in run(tmp_path, "--remove").output
    assert (tmp_path / "healthbox.db-wal").stat().st_size == 0, "what was written is not left in the log either"
    with database.reading() as c:
        assert [person.name for person in people.list_persons(c)] == ["Alice"]
        assert accounts.find_account(c, "demo") is None
    database.close()
    assert "There is no demo person" in run(tmp_path, "--remove").output


def test_beside_a_running_server_the_work_is_left_to_it(tmp_path: Path) -> None:
    assert run(tmp_path, "--days", "1").exit_code == 0
    assert "gone" in run(tmp_path, "--remove").output
    database, over = Database(tmp_path), threading.Event()
    pump = Pump(database, tmp_path, now_ms, lambda: None)

    def serve() -> None:
        while not over.wait(0.1):
            pump.run()

    with ServerLock(tmp_path):
        server = threading.Thread(target=serve)
        server.start()
        assert run(tmp_path, "--days", "2").exit_code == 0
        over.set()
        server.join()
    with database.reading() as c:
        demo = people.get_person(c, "Demo")
        today, day = dt.datetime.now(ZoneInfo(demo.zone)).date(), dt.timedelta(days=1)
        values = day_values.values_between(c, demo.id, today - 4 * day, today + day)
        assert {value.date for value in values["steps"]} - {today} == {today - day}, "just after midnight today has none"
    database.close()
