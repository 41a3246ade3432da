"""A reader for every test: it recognises the body as the server does and reads it twice, for both must be equal."""

import datetime as dt
from collections.abc import Callable

import pytest

from healthbox.formats.contract import Envelope
from healthbox.formats.registry import recognise


@pytest.fixture
def read() -> Callable:
    def read(body, *, as_format: str, zone: str = "Europe/Berlin", **headers: str) -> list:
        envelope = Envelope(zone=zone, accepted_at=0, headers={name.replace("_", "-"): value for name, value in headers.items()})
        found = recognise(body, envelope)
        assert found.name == as_format
        first = list(found.records(body, envelope))
        assert first == list(found.records(body, envelope))
        return first

    return read


@pytest.fixture
def ms() -> Callable[[str], int]:
    """The instant of an ISO text with an offset, worked out without the house's own clock."""
    return lambda text: int(dt.datetime.fromisoformat(text).timestamp() * 1000)
