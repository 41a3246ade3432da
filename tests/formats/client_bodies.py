"""A whole body of every phone client, for the tests that damage them."""

from typing import Any

AT, LATER = "2026-03-01T09:00:00Z", "2026-03-01T09:05:07Z"
_SPAN = {"startDate": AT, "endDate": LATER}
_TIMES = {"start_time": AT, "end_time": LATER}
_META = {"data_origin": "com.example", "recording_method": "manual_entry", "device": {"model": "M", "type": "watch"}}

WHOLE: dict[str, Any] = {
    "hc-webhook": {
        "timestamp": LATER,
        "app_version": "1.9.0",
        "steps": [{"count": 1, "metadata": _META, **_TIMES}, {"count": 5, "start_time": "2026-02-28T23:00:00Z", "end_time": AT}],
        "heart_rate": [{"bpm": 70, "time": AT}, {"time": AT, "avg": 1, "min": 1, "max": 2}],
        "skin_temperature": [{"time": AT, "delta_celsius": 0.1, "baseline_celsius": 34, "measurement_location": 1}],
        "sleep": [
            {"session_end_time": LATER, "duration_seconds": 60, "stages": [{"stage": "5", **_TIMES}]},
            {"session_end_time": LATER, "duration_seconds": 60},
        ],
        "exercise": [{"type": "56", "duration_seconds": 300, "steps": 4, "max_cadence_spm": 3, **_TIMES}, {"type": 8, **_TIMES}],
        "nutrition": [{"calories": 3, "sodium_grams": 0.1, "name": "Soup", **_TIMES}],
        "blood_pressure": [{"systolic": 120, "diastolic": 80, "time": AT}],
        "menstruation_flow": [{"flow": 2, "time": AT}],
        "menstruation_period": [_TIMES],
        "sexual_activity": [{"time": AT, "protection_used": 1}],
        "floors": [{"floors": 3, **_TIMES}],
    },
    "open-wearables": {
        "provider": "apple",
        "sdkVersion": "1",
        "data": {
            "records": [
                {"id": "A", "type": "HKQuantityTypeIdentifierHeartRate", "value": 60, "unit": "count/min", "zoneOffset": "+01:00",
                 "source": {"name": "W", "deviceType": "watch"}, "metadata": [{"key": "HKTimeZone", "value": "UTC"}], **_SPAN},
                {"parentId": "P", "type": "OXYGEN_SATURATION", "value": 97, "unit": "%", **_SPAN},
            ],
            "sleep": [{"id": "S", "stage": "light", "values": [{"type": "sleepScore", "value": 3}], **_SPAN}],
            "workouts": [
                {"id": "W", "type": "RUNNING", "values": [{"type": "duration", "value": 3, "unit": "ms"}], "laps": [{"n": 1}],
                 "route": [{"timestamp": AT, "latitude": 1, "longitude": 2, "altitudeM": 3}],
                 "samples": [{"timestamp": AT, "type": "heartRate", "value": 90, "unit": "bpm"}], **_SPAN}
            ],
            "moods": [_SPAN],
        },
    },
    "healthsave": {
        "metric": "heart_rate",
        "batch_index": 0,
        "total_batches": 1,
        "samples": [{"date": AT, "qty": 60, "unit": "count/min", "source": "W"}, {"date": AT, "qty": 9, "source": "HealthKit Statistics"}],
    },
    "health-bridge": {
        "schema_id": "health_bridge.batch.v1",
        "sources": [{"source_key": "w", "name": "W", "kind": "watch"}],
        "health_types": [{"type_code": "heart_rate", "aliases": ["HKQuantityTypeIdentifierHeartRate"]}],
        "samples": [{"client_record_id": "r", "source_key": "w", "type_code": "heart_rate", "value": 60, "unit": "bpm", **_TIMES}],
        "workouts": [{"client_record_id": "k", "workout_type": "walking", "duration_seconds": 3, **_TIMES}],
        "sleep_sessions": [{"client_record_id": "n", "stage_intervals": [{"stage": "core", **_TIMES}], **_TIMES}],
        "deleted_records": [{"record_family": "sample", "client_record_id": "x"}],
    },
    "health-export-pro": {
        "exportDate": LATER,
        "syncSource": "widget",
        "characteristics": {"biologicalSex": "male"},
        "data": {
            "HKQuantityTypeIdentifierHeartRate": [{"uuid": "A", "value": 60, "unit": "count/min", "sourceName": "W", **_SPAN}],
            "HKCategoryTypeIdentifierSleepAnalysis": [{"uuid": "S", "value": 5, **_SPAN}],
            "workouts": [{"uuid": "W", "workoutActivityType": 37, "totalDistance": {"value": 1, "unit": "km"}, **_SPAN}],
            "medications": [{"uuid": "M", **_SPAN}],
        },
        "workoutRoutes": {"W": [[{"timestamp": AT, "latitude": 1, "longitude": 2}]]},
    },
    "health-data-export": {
        "formatVersion": "ai-preset-v1",
        "preset": {"id": "x"},
        "sections": {
            "steps": {"summary": {}, "days": [{"date": "2026-03-01", "value": 3}]},
            "sleep": {"days": [{"date": "2026-03-01", "duration_h": 7.5}]},
            "workouts": {"items": [{"start": AT}]},
        },
    },
    "health-connect-exports": {"time": 1772319600000, "data": {"steps": 3, "sleep_duration_seconds": 27000, "weight_kg": 70}},
}  # fmt: skip
WHOLE_LINES = [{"record_family": "sample", "client_record_id": "r", "type_code": "steps", "value": 6, "unit": "count", **_TIMES}]
KEYS = [
    "timestamp", "app_version", "test", "steps", "sleep", "stages", "stage", "count", "bpm", "time", "avg", "min", "max", "metadata", "device",
    "provider", "sdkVersion", "exportDate", "syncSource", "sections", "formatVersion", "days", "date", "value", "unit", "data", "records",
    "workouts", "samples", "metric", "batch_index", "batch", "index", "source", "type", "startDate", "endDate", "start_time", "end_time", "id",
    "parentId", "values", "route", "uuid", "record_family", "schema_id", "source_key", "type_code", "dates", "anchor_token", "dateFrom",
    "step_samples", "record", "qty", "name",
]  # fmt: skip
