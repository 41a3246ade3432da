"""The body of an upload: read whole, unpacked within bounds."""

import zlib
from collections.abc import Iterator

from flask import request

from healthbox.domain.errors import Invalid, Malformed, TooLarge

STEP = 64 * 1024
FREE_RATIO = 1024 * 1024  # below this size no ratio is suspicious
MAX_RATIO = 200
MAX_MEMBERS = 1000
WBITS = 47  # zlib finds out by itself whether it is gzip or zlib


def body(limit: int) -> bytes:
    """The request's bytes, unpacked when they came packed; at most ``limit``. Raises TooLarge, Malformed, Invalid."""
    request.max_content_length = limit
    raw = request.get_data(cache=False)
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return raw
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Invalid("This Content-Encoding is not understood.", hint="Use gzip, deflate or none.", code="encoding")
    return unpacked(raw, limit)


def unpacked(raw: bytes, limit: int) -> bytes:
    """gzip or zlib, several members too; stops as soon as it grows over the limit or out of proportion."""
    bound = min(limit, max(FREE_RATIO, MAX_RATIO * len(raw)))
    parts: list[bytes] = []
    size = members = 0
    try:
        for part in _inflated(raw):
            members += part is None
            size += len(part or b"")
            if size > bound:
                raise TooLarge("The unpacked body is too large.", hint=f"At most {limit // 1024**2} MB unpacked: send less at a time.")
            if members > MAX_MEMBERS:
                raise Malformed("The packed body has too many parts.", code="encoding")
            parts.append(part or b"")
    except (zlib.error, EOFError):
        hint = "Send gzip, or leave the header away."
        raise Malformed("The body is not what its Content-Encoding says.", hint=hint, code="encoding") from None
    return b"".join(parts)


def _inflated(raw: bytes) -> Iterator[bytes | None]:
    """What comes out, in small parts; None at the end of each member."""
    member = zlib.decompressobj(WBITS)
    for start in range(0, len(raw), STEP):
        rest = raw[start : start + STEP]
        while rest := rest.lstrip(b"\0") if member.eof else rest:  # gzip files may be padded
            if member.eof:
                member = zlib.decompressobj(WBITS)
            yield member.decompress(rest, STEP)
            rest = member.unconsumed_tail
            if member.eof:
                yield None
                rest = member.unused_data
    while not member.eof:
        part = member.decompress(b"", STEP)
        if not part and not member.eof:
            raise EOFError
        yield part
