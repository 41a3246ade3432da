"""What the door must know of a chunk of our own protocol, at a third of the cost of reading it whole.

A body that fits these types is valid JSON, shallow, and in the native format, since no other has ``batch`` beside nothing foreign.
One that does not fit says nothing: it is then read in the general way, which also has the words for what is wrong with it.
"""

from typing import Annotated, Any

import msgspec

from healthbox.formats.json_body import is_suspect

Scalar = str | float | bool | None
Nothing = Annotated[list[None], msgspec.Meta(max_length=0)]


class _Source(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: str | None = None
    bundle: str | None = None
    product: str | None = None


class _Sample(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: str
    start: str
    end: str
    value: Scalar
    uuid: str | None = None
    unit: str | None = None
    zone: str | None = None
    source: _Source | str | None = None
    metadata: dict[str, Scalar] | None = None


class _Chunk(msgspec.Struct, forbid_unknown_fields=True):
    batch: str
    index: int
    final: bool = False
    anchor: str | None = None
    metric: str | None = None
    zone: str | None = None
    samples: list[_Sample] = []
    workouts: Nothing = []
    clinical: Nothing = []
    deleted: list[str] = []


_FIELDS = ("batch", "index", "final", "anchor", "metric", "zone")
_decoder = msgspec.json.Decoder(_Chunk)


def outline(raw: bytes) -> dict[str, Any] | None:
    """The fields around the records of a plain native chunk; None for any other body, whatever it is."""
    if is_suspect(raw):
        return None
    try:
        chunk = _decoder.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return {name: getattr(chunk, name) for name in _FIELDS}
