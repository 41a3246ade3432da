"""Writes small FIT files: what tests of the reader are made of. Message and field numbers are those of Garmin's public profile."""

import struct
from typing import Any

FIT_EPOCH = 631_065_600  # seconds from 1970 to the end of 1989
FILE_ID, SESSION, LAP, RECORD, ACTIVITY = 0, 18, 19, 20, 34
DEGREE = 2**31 / 180

# name → (number, struct format, base type)
_FIELDS: dict[int, dict[str, tuple[int, str, int]]] = {
    FILE_ID: {"type": (0, "B", 0x00), "manufacturer": (1, "H", 0x84), "product": (2, "H", 0x84), "time_created": (4, "I", 0x86)},
    SESSION: {
        "timestamp": (253, "I", 0x86), "start_time": (2, "I", 0x86), "sport": (5, "B", 0x00), "sub_sport": (6, "B", 0x00),
        "total_elapsed_time": (7, "I", 0x86), "total_timer_time": (8, "I", 0x86), "total_distance": (9, "I", 0x86),
        "total_calories": (11, "H", 0x84), "avg_heart_rate": (16, "B", 0x02), "max_heart_rate": (17, "B", 0x02),
        "avg_cadence": (18, "B", 0x02), "avg_power": (20, "H", 0x84), "total_ascent": (22, "H", 0x84), "total_descent": (23, "H", 0x84),
    },
    LAP: {
        "timestamp": (253, "I", 0x86), "start_time": (2, "I", 0x86), "total_elapsed_time": (7, "I", 0x86),
        "total_timer_time": (8, "I", 0x86), "total_distance": (9, "I", 0x86),
    },
    RECORD: {
        "timestamp": (253, "I", 0x86), "position_lat": (0, "i", 0x85), "position_long": (1, "i", 0x85), "altitude": (2, "H", 0x84),
        "heart_rate": (3, "B", 0x02), "cadence": (4, "B", 0x02), "distance": (5, "I", 0x86), "speed": (6, "H", 0x84),
        "power": (7, "H", 0x84),
    },
    ACTIVITY: {"timestamp": (253, "I", 0x86), "local_timestamp": (5, "I", 0x86)},
}  # fmt: skip
_CRC = (0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401, 0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400)


def fit(*messages: tuple[int, dict[str, Any]], checksum: int | None = None) -> bytes:
    """A whole file of (message number, {field: raw value})."""
    body = b""
    for number, said in messages:
        fields = [_FIELDS[number][name] for name in said]
        body += struct.pack("<BBBHB", 0x40, 0, 0, number, len(fields))
        body += b"".join(struct.pack("<BBB", place, struct.calcsize(form), kind) for place, form, kind in fields)
        body += b"\x00" + b"".join(struct.pack(f"<{form}", said[name]) for name, (_, form, _) in zip(said, fields, strict=True))
    head = struct.pack("<BBHI4s", 14, 0x20, 2132, len(body), b".FIT")
    whole = head + struct.pack("<H", crc(head)) + body
    return whole + struct.pack("<H", crc(whole) if checksum is None else checksum)


def seconds(unix: int) -> int:
    return unix - FIT_EPOCH


def semicircles(degrees: float) -> int:
    return round(degrees * DEGREE)


def crc(raw: bytes) -> int:
    found = 0
    for byte in raw:
        for half in (byte & 0xF, byte >> 4):
            found = (found >> 4) & 0x0FFF ^ _CRC[found & 0xF] ^ _CRC[half]
    return found
