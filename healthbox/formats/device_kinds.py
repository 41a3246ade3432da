"""What Android says about the device that measured and about how."""

from typing import Any

from healthbox.domain.records import SourceClass
from healthbox.formats.wire import text

_KINDS: dict[str, SourceClass] = {
    "watch": "watch",
    "phone": "phone",
    "scale": "scale",
    "ring": "ring",
    "chest_strap": "strap",
    "fitness_band": "strap",
}


def kind_of(device_type: Any, recording_method: Any = None) -> SourceClass | None:
    """The class that the wire states outright: typed in by hand, else the kind of device; None when it says neither."""
    if _plain(recording_method) in ("manual_entry", "manual", "user_entered"):
        return "manual"
    return _KINDS.get(_plain(device_type).removeprefix("type_"))


def _plain(value: Any) -> str:
    return (text(value) or "").lower().removeprefix("recording_method_")
