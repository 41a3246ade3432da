import pytest

from healthbox.domain.records import SourceRef
from healthbox.domain.sources import RANK, classify, normalise_name


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Alice\u2019s Apple\u00a0Watch", "Alice's Apple Watch"),
        ("  Bob's\u202f iPhone ", "Bob's iPhone"),
        ("Cafe\u0301", "Café"),
        ("\u200eAlice\u200f", "Alice"),
        ("“Alice”", '"Alice"'),
    ],
)
def test_one_spelling_of_a_name(written: str, expected: str) -> None:
    assert normalise_name(written) == expected
    assert normalise_name(expected) == expected


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        (SourceRef(kind="manual", product="Watch7,2"), "manual"),
        (SourceRef(product="Watch7,2", name="Bob"), "watch"),
        (SourceRef(product="iPhone15,2"), "phone"),
        (SourceRef(product="iPad"), "phone"),
        (SourceRef(product="Watch7,2", bundle="com.strava.stravaride"), "watch"),
        (SourceRef(bundle="com.apple.health.1B2C", name="Alice\u2019s Apple\u00a0Watch"), "watch"),
        (SourceRef(bundle="com.apple.health.1B2C", name="Alice\u2019s iPhone"), "phone"),
        (SourceRef(bundle="com.apple.health.1B2C", name="Pocket"), "phone"),
        (SourceRef(name="앨리스의 Apple\u00a0Watch"), "watch"),
        (SourceRef(name="Apple Watch de Bob"), "watch"),
        (SourceRef(name="Galaxy Watch6"), "watch"),
        (SourceRef(name="Pixel Watch 2"), "watch"),
        (SourceRef(name="Pixel 8"), "phone"),
        (SourceRef(name="iPhone von Alice"), "phone"),
        (SourceRef(name="Oura"), "ring"),
        (SourceRef(bundle="com.ouraring.oura", name="Oura"), "ring"),
        (SourceRef(name="Galaxy Ring"), "ring"),
        (SourceRef(name="Spring Fitness"), "unknown"),
        (SourceRef(name="Polar H10 1234"), "strap"),
        (SourceRef(bundle="com.whoop.iphone", name="WHOOP"), "strap"),
        (SourceRef(name="Withings Body+"), "scale"),
        (SourceRef(name="Renpho"), "scale"),
        (SourceRef(name="Strava"), "app"),
        (SourceRef(bundle="com.tantsissa.HeartWatch", name="HeartWatch"), "app"),
        (SourceRef(bundle="com.sec.android.app.shealth"), "app"),
        (SourceRef(name="SleepWatch"), "unknown"),
        (SourceRef(name="Alice"), "unknown"),
        (SourceRef(), "unknown"),
    ],
)
def test_kinds_of_sources(ref: SourceRef, expected: str) -> None:
    assert classify(ref) == expected


def test_precedence() -> None:
    order = sorted(RANK, key=RANK.__getitem__)
    assert order == ["manual", "watch", "ring", "strap", "phone", "scale", "app", "provider", "unknown"]
    assert len(set(RANK.values())) == len(RANK)
