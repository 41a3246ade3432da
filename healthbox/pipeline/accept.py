"""Accept: recognise a body, keep it durably, ring the bell. When this returns, the bytes are on disk.

Nothing is worked off here. Bodies over one megabyte are spool files (written and synced before their row); the rest stand
compressed in the ledger.
"""

import errno
import hashlib
import os
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from healthbox.config import Settings
from healthbox.domain.clock import is_zone
from healthbox.domain.errors import Conflict, DiskFull, Invalid, TooLarge, Unavailable
from healthbox.formats.contract import Envelope, Format
from healthbox.formats.json_body import decode
from healthbox.formats.outline import outline
from healthbox.formats.registry import discover, recognise
from healthbox.store import devices, disk, ledger, people, sendings
from healthbox.store.engine import AnyConnection, Database

NATIVE = "native-sync"
CHUNKED = (NATIVE, "seed-sync", "flutter-health")
SPOOL_BYTES = 1_000_000
ANY_ZONE = "UTC"  # a shape is told without its zone; the person's own is looked up where a batch begins
KEPT_HEADERS = ("automation-aggregation", "automation-period", "automation-name", "automation-id", "session-id", "x-timezone")


class Owner(Protocol):
    """The device that uploads."""

    @property
    def id(self) -> int: ...
    @property
    def person_id(self) -> int: ...


class Accepted(NamedTuple):
    """What the answer tells: the batch's public name, its status, the chunk's index, whether this was known already."""

    batch: str
    status: str
    chunk: int
    again: bool


class _Part(NamedTuple):
    """Where a body belongs in the client's own counting."""

    client: str | None
    at: int | None
    final: bool
    anchor: str | None
    metric: str | None


class Door:
    """The one way in for bytes."""

    def __init__(self, database: Database, settings: Settings, ring: Callable[[], None]) -> None:
        self._database, self._settings, self._ring = database, settings, ring
        self._formats = discover()
        self._chunked = {name: form for name, form in self._formats.items() if name in CHUNKED}
        self._native = self._formats[NATIVE]
        self._spool = settings.data / "spool"

    def ring(self) -> None:
        """Wake the pump: something became due by another way than an upload."""
        self._ring()

    def ingest(self, device: Owner, raw: bytes, *, headers: dict[str, str], now: int, client: str | None = None) -> Accepted:
        """Any body that a known client sends; every call is a batch of its own, unless ``client`` is its own name for these very
        bytes. Raises ``Conflict`` for other bytes under that name."""
        self._limit(raw)
        body = decode(raw)
        kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
        zone = _zone(body, kept)
        form = recognise(body, Envelope(zone=zone or ANY_ZONE, accepted_at=now, headers=kept), self._formats)
        part = _part(body) if form.name in CHUNKED else _Part(None, None, True, None, None)
        if client is not None:
            part = _Part(client, 0, True, None, None)
        return self._keep(device, raw, form, part, kept, zone, now)

    def sync(self, device: Owner, raw: bytes, now: int) -> Accepted:
        """A chunk of the native protocol, of the seed's shape, or Flutter points."""
        self._limit(raw)
        body: Any = outline(raw)
        if body is not None:
            return self._keep(device, raw, self._native, _part(body), {}, _zone(body, {}), now)
        body = decode(raw)
        zone = _zone(body, {})
        form = recognise(body, Envelope(zone=zone or ANY_ZONE, accepted_at=now), self._chunked)
        return self._keep(device, raw, form, _part(body), {}, zone, now)

    def _limit(self, raw: bytes) -> None:
        if len(raw) > self._settings.max_json_bytes:
            raise TooLarge(
                f"The body is larger than {self._settings.max_json_bytes // 1_048_576} MB.",
                hint="Send it in parts: in Health Auto Export switch on 'Batch Requests'.",
            )
        disk.ensure_room(self._settings.data, len(raw), self._settings.min_free_mb * 1_048_576)

    def _keep(self, device: Owner, raw: bytes, form: Format, part: _Part, headers: dict[str, str], zone: str | None, now: int) -> Accepted:
        sha = hashlib.sha256(raw).digest()
        body = zlib.compress(raw, 1) if len(raw) <= SPOOL_BYTES else None
        spool = None if body is not None or self._holds(device, part, sha) else self._write_spool(raw, sha)

        def write(c: AnyConnection) -> Accepted:
            devices.touch_contact(c, device.id, now)
            batch, known = _standing(c, device, part, sha)
            if known is not None:
                sendings.note_again(c, known.batch, known.chunk, now)
                return known
            if body is None and spool is None:
                raise Unavailable("The upload that held this was removed just now.", hint="Send it again.")
            batch = batch or _new_batch(c, device, form, part, headers, zone, now)
            idx = part.at if part.at is not None else ledger.next_index(c, batch.id)
            ledger.add_chunk(c, batch, idx, sha=sha, body=body, spool=spool, size=len(raw), final=part.final, anchor=part.anchor, now=now)
            return Accepted(batch.public, "pending", idx, False)

        accepted = self._database.join(write)
        if not accepted.again:
            self._ring()
        return accepted

    def _holds(self, device: Owner, part: _Part, sha: bytes) -> bool:
        """Before a file is written: a phone that sends the same again and again would leave as many. What counts is the look inside
        the transaction. Raises ``Conflict``."""
        with self._database.glance() as c:
            return _standing(c, device, part, sha)[1] is not None

    def _write_spool(self, raw: bytes, sha: bytes) -> str:
        """A big body as a file of its own, on disk before the row that names it."""
        name = f"{sha.hex()[:32]}-{os.urandom(4).hex()}.z"
        try:
            self._spool.mkdir(mode=0o700, exist_ok=True)
            disk.write_private(self._spool / name, zlib.compress(raw, 1))
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise DiskFull("The disk is full.", hint="Free some space on the data volume; nothing accepted so far is lost.") from error
        return name


def _zone(body: Any, headers: dict[str, str]) -> str | None:
    """The client's own zone for times without one, where it states a real one."""
    said = body.get("zone") or body.get("tz") if isinstance(body, dict) else None
    for name in (said, headers.get("x-timezone")):
        if isinstance(name, str) and is_zone(name):
            return name
    return None


def _part(body: Any) -> _Part:
    """The client's own counting: batch and index, or the seed's anchor token and final mark. Raises ``Invalid``."""
    if not isinstance(body, dict):
        return _Part(None, None, True, None, None)
    if "batch" in body or "index" in body:
        client, index = body.get("batch"), body.get("index")
        if not isinstance(client, str) or not 0 < len(client) <= 200:
            raise Invalid("`batch` must be a text of 1 to 200 characters.", hint="Use one id per sync, a UUID for example.")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < 1_000_000:
            raise Invalid("`index` must be a whole number from 0 on.", hint="Count the chunks of a batch 0, 1, 2 ...")
        return _Part(client, index, body.get("final") is True, _text(body, "anchor"), _text(body, "metric"))
    if "anchor_token" in body:
        return _Part(None, None, body.get("is_final_chunk") is True, _text(body, "anchor_token") or "", _first_type(body))
    return _Part(None, None, True, None, None)


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > 4096:
        raise Invalid(f"`{name}` must be a text of at most 4096 characters, or null.")
    return value or None


def _first_type(body: dict[str, Any]) -> str | None:
    data = body.get("data")
    kind = data[0].get("type") if isinstance(data, list) and data and isinstance(data[0], dict) else None
    return kind[:200] if isinstance(kind, str) else None


def _standing(c: AnyConnection, device: Owner, part: _Part, sha: bytes) -> tuple[ledger.Batch | None, Accepted | None]:
    """The batch that this chunk belongs to, and, for a chunk we already hold, the same answer again.

    Other content under its index is a conflict."""
    if part.client is not None and part.at is not None:
        found = ledger.find_part(c, device.id, part.client, part.at)
        if found is None:
            return None, None
        batch, held = found
        if held is None:
            if batch.final is not None and part.at > batch.final:
                raise Conflict(f"Chunk {part.at} comes after the final chunk {batch.final}.", hint="Start a new batch.")
            return batch, None
        if held != sha:
            raise Conflict(f"Chunk {part.at} of this batch was sent before with other content.", hint="Start a new batch.")
        return batch, Accepted(batch.public, batch.status, part.at, True)
    if part.anchor is not None:
        if same := ledger.find_same(c, device.id, part.anchor, sha):
            return same[0], Accepted(same[0].public, same[0].status, same[1], True)
        return ledger.open_batch(c, device.id, part.anchor, part.metric), None
    return None, None


def _new_batch(
    c: AnyConnection, device: Owner, form: Format, part: _Part, headers: dict[str, str], zone: str | None, now: int
) -> ledger.Batch:
    return ledger.add_batch(
        c,
        person_id=device.person_id,
        device_id=device.id,
        client=part.client,
        format=form.name,
        headers=headers,
        zone=zone or people.get_zone(c, device.person_id),
        anchor=part.anchor,
        metric=part.metric,
        now=now,
    )
