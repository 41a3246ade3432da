"""A Health Connect database as Android makes it: every table with its columns and constraints, and the zip around it."""

from __future__ import annotations

import datetime as dt
import sqlite3
import uuid
import zipfile
from pathlib import Path
from typing import Any

from healthbox.formats.hc_backup import tables

HEAD = (
    "row_id INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB UNIQUE NOT NULL, last_modified_time INTEGER, client_record_id TEXT, "
    "client_record_version TEXT, device_info_id INTEGER, app_info_id INTEGER, recording_method INTEGER, dedupe_hash BLOB UNIQUE"
)
INSTANT = "time INTEGER, zone_offset INTEGER, local_date INTEGER"
INTERVAL = "start_time INTEGER, start_zone_offset INTEGER, end_time INTEGER, end_zone_offset INTEGER, local_date INTEGER"
TAIL = (
    ", FOREIGN KEY (device_info_id) REFERENCES device_info_table(row_id) ON DELETE CASCADE"
    ", FOREIGN KEY (app_info_id) REFERENCES application_info_table(row_id) ON DELETE CASCADE"
)
INSTANTS = {
    "weight": "weight REAL", "height": "height REAL", "body_fat": "percentage REAL", "lean_body_mass": "mass REAL",
    "bone_mass": "mass REAL", "body_water_mass": "body_water_mass REAL", "basal_metabolic_rate": "basal_metabolic_rate REAL",
    "resting_heart_rate": "beats_per_minute INTEGER", "heart_rate_variability_rmssd": "heart_rate_variability_millis REAL NOT NULL",
    "oxygen_saturation": "percentage REAL", "respiratory_rate": "rate REAL",
    "vo2_max": "measurement_method INTEGER, vo2_milliliters_per_minute_kilogram REAL",
    "body_temperature": "measurement_location INTEGER, temperature REAL",
    "basal_body_temperature": "measurement_location INTEGER, temperature REAL",
    "blood_glucose": "specimen_source TEXT NOT NULL, level REAL, relation_to_meal TEXT NOT NULL, meal_type TEXT NOT NULL",
    "blood_pressure": "measurement_location TEXT NOT NULL, systolic REAL, diastolic REAL, body_position TEXT NOT NULL",
    "menstruation_flow": "flow INTEGER", "ovulation_test": "result INTEGER", "sexual_activity": "protection_used INTEGER",
    "cervical_mucus": "sensation INTEGER, appearance INTEGER", "intermenstrual_bleeding": "",
}  # fmt: skip
INTERVALS = {
    "steps": "count INTEGER", "distance": "distance REAL", "active_calories_burned": "energy REAL", "total_calories_burned": "energy REAL",
    "hydration": "volume REAL", "floors_climbed": "floors REAL", "elevation_gained": "elevation REAL", "wheelchair_pushes": "count INTEGER",
    "menstruation_period": "", "mindfulness_session": "type INTEGER, title TEXT, notes TEXT", "activity_intensity": "type INTEGER",
    "nutrition": ", ".join(f"{name} REAL" for name in sorted(tables.NUTRIENTS)) + ", meal_type INTEGER, meal_name TEXT",
    "sleep_session": "notes TEXT, title TEXT",
    "exercise_session": "notes TEXT, exercise_type INTEGER, title TEXT, has_route INTEGER, planned_exercise_session_id BLOB NULL",
    "planned_exercise_session": "notes TEXT, exercise_type INTEGER, title TEXT, has_explicit_time INTEGER, completed_session_id BLOB",
    "heart_rate": "", "skin_temperature": "measurement_location INTEGER NOT NULL, baseline REAL",
}  # fmt: skip
SERIES = {
    "SpeedRecordTable": ("speed_record_table", "speed REAL, epoch_millis INTEGER"),
    "PowerRecordTable": ("power_record_table", "power REAL, epoch_millis INTEGER"),
    "CyclingPedalingCadenceRecordTable": ("cycling_pedaling_cadence_record_table", "revolutions_per_minute REAL, epoch_millis INTEGER"),
    "StepsCadenceRecordTable": ("steps_cadence_record_table", "rate REAL, epoch_millis INTEGER"),
}
CHILDREN = {
    "heart_rate_record_series_table": ("heart_rate_record_table", "beats_per_minute INTEGER, epoch_millis INTEGER"),
    "skin_temperature_delta_table": ("skin_temperature_record_table", "delta REAL NOT NULL, epoch_millis INTEGER NOT NULL"),
    "sleep_stages_table": (
        "sleep_session_record_table",
        "stage_start_time INTEGER NOT NULL, stage_end_time INTEGER NOT NULL, stage_type INTEGER NOT NULL",
    ),
    "exercise_laps_table": (
        "exercise_session_record_table",
        "lap_start_time INTEGER NOT NULL, lap_end_time INTEGER NOT NULL, lap_length REAL NOT NULL",
    ),
    "exercise_segments_table": (
        "exercise_session_record_table",
        "segment_start_time INTEGER NOT NULL, segment_end_time INTEGER NOT NULL, segment_type INTEGER NOT NULL, "
        "repetitions_count INTEGER NOT NULL",
    ),
    "exercise_route_table": (
        "exercise_session_record_table",
        "timestamp_millis INTEGER NOT NULL, longitude REAL NOT NULL, latitude REAL NOT NULL, horizontal_accuracy REAL NOT NULL, "
        "vertical_accuracy REAL NOT NULL, altitude REAL NOT NULL",
    ),
    **{child: (parent, columns) for parent, (child, columns) in SERIES.items()},
}
UNSET = 5e-324  # Java's Double.MIN_VALUE
MODIFIED = int(dt.datetime(2026, 3, 10, 12, 0, tzinfo=dt.UTC).timestamp() * 1000)


def ms(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp() * 1000)


def offset(text: str) -> int:
    shift = dt.datetime.fromisoformat(text).utcoffset()
    assert shift is not None
    return int(shift.total_seconds())


def _columns(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def schema() -> list[str]:
    made = [
        "CREATE TABLE android_metadata (locale TEXT)",
        "CREATE TABLE application_info_table (row_id INTEGER PRIMARY KEY, package_name TEXT NOT NULL UNIQUE, app_name TEXT, app_icon BLOB, "
        "record_types_used TEXT)",
        "CREATE TABLE device_info_table (row_id INTEGER PRIMARY KEY, manufacturer TEXT, model TEXT, device_type INTEGER)",
        "CREATE TABLE activity_date_table (row_id INTEGER PRIMARY KEY, epoch_days INTEGER, record_type_id INTEGER)",
        "CREATE TABLE change_logs_table (row_id INTEGER PRIMARY KEY AUTOINCREMENT, record_type INTEGER, app_id INTEGER, uuids BLOB, "
        "operation_type INTEGER, time INTEGER)",
    ]
    local = "local_date_time INTEGER AS (time + 1000 * zone_offset)"
    both = (
        "local_date_time_start_time INTEGER AS (start_time + 1000 * start_zone_offset), "
        "local_date_time_end_time INTEGER AS (end_time + 1000 * end_zone_offset)"
    )
    made += [f"CREATE TABLE {name}_record_table ({_columns(HEAD, INSTANT, own, local)}{TAIL})" for name, own in INSTANTS.items()]
    made += [f"CREATE TABLE {name}_record_table ({_columns(HEAD, INTERVAL, own, both)}{TAIL})" for name, own in INTERVALS.items()]
    made += [f"CREATE TABLE {name} ({_columns(HEAD, INTERVAL, both)}{TAIL})" for name in SERIES]
    made += [
        f"CREATE TABLE {name} (parent_key INTEGER NOT NULL, {own}, FOREIGN KEY (parent_key) REFERENCES {parent}(row_id) ON DELETE CASCADE)"
        for name, (parent, own) in CHILDREN.items()
    ]
    made.append(
        "CREATE TABLE medical_resource_table (medical_resource_row_id INTEGER PRIMARY KEY AUTOINCREMENT, fhir_resource_type INTEGER, "
        "fhir_resource_id TEXT, fhir_data TEXT, fhir_version TEXT, data_source_id INTEGER, uuid BLOB UNIQUE, last_modified_time INTEGER)"
    )
    return made


class Phone:
    """Alice's Android phone. Records take ISO times with the offset they were made under."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "health_connect_export.db"
        self.db = sqlite3.connect(self.path)
        for pragma in ("synchronous=OFF", "journal_mode=MEMORY", "user_version=23"):
            self.db.execute(f"PRAGMA {pragma}")
        self.db.executescript(";".join(["BEGIN", *schema(), "COMMIT"]))
        self._count = 0

    def app(self, package: str, name: str | None = None) -> int:
        return self._insert("application_info_table", package_name=package, app_name=name, app_icon=b"\x89PNG")

    def device(self, model: str | None, kind: int, maker: str = "Google") -> int:
        return self._insert("device_info_table", manufacturer=maker, model=model, device_type=kind)

    def record(self, table: str, start: str, end: str | None = None, **more: Any) -> int:
        """``table`` with or without "_record_table"; returns the row id. The uuids count up from 1."""
        self._count += 1
        name = table if table.endswith("Table") else f"{table}_record_table"
        said: dict[str, Any] = {"uuid": uuid.UUID(int=self._count).bytes, "last_modified_time": MODIFIED, "recording_method": 2}
        if end is None:
            said |= {"time": ms(start), "zone_offset": offset(start), "local_date": (ms(start) + 1000 * offset(start)) // 86_400_000}
        else:
            said |= {"start_time": ms(start), "start_zone_offset": offset(start), "end_time": ms(end), "end_zone_offset": offset(end)}
        return self._insert(name, **(said | more))

    def child(self, table: str, parent: int, **cells: Any) -> int:
        return self._insert(table, parent_key=parent, **cells)

    def _insert(self, table: str, **cells: Any) -> int:
        marks = ", ".join("?" * len(cells))
        cursor = self.db.execute(f"INSERT INTO {table} ({', '.join(cells)}) VALUES ({marks})", tuple(cells.values()))
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def saved(self) -> Path:
        self.db.commit()
        self.db.close()
        return self.path

    def zipped(self, name: str = "Health Connect.zip") -> Path:
        return packed(self.saved(), name)


def packed(database: Path, name: str = "Health Connect.zip", inside: str = "health_connect_export.db") -> Path:
    path = database.parent / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(database, inside)
    return path
