"""What can be kept: text that is Unicode and whole numbers of 64 bits, wherever in a record they stand.

JSON knows halves of characters and numbers without end; no database, file or pipe takes them. Asked once for each single record,
here or by the process that reads a file; what formats put into blocks is clean by the way it is read.
"""

import msgspec

from healthbox.domain.records import Record, Rejected

_encode = msgspec.msgpack.Encoder().encode
_REASON = "it holds half a character or a whole number beyond 64 bits, which cannot be kept"


def storable(record: Record) -> Record:
    """The record itself, or the ``Rejected`` that stands for it."""
    try:
        _encode(record)
    except (UnicodeEncodeError, OverflowError):
        return not_storable(record)
    return record


def not_storable(record: Record) -> Rejected:
    """The rejection of a record that cannot be kept; one that is a rejection already stays what it is, in clean text."""
    if isinstance(record, Rejected):
        return Rejected(position=_clean(record.position), code=record.code, reason=_clean(record.reason), raw=_clean(record.raw))
    return Rejected(position=_clean(record.position), code="not_storable", reason=_REASON, raw=type(record).__name__)


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
