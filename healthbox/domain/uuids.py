"""The names that clients give their records: kept as 16 bytes where they are uuids, as their own text where not."""


def packed(uuid: str | None) -> bytes | None:
    """A uuid as 16 bytes; any other identifier as its own text."""
    if not uuid:
        return None
    if len(uuid) == 36:
        try:
            return bytes.fromhex(uuid.replace("-", ""))
        except ValueError:
            pass
    return uuid.encode("utf-8", "replace")[:120]


def written(uuid: bytes) -> str:
    """A packed name as text again; of a uuid the digits are capitals."""
    if len(uuid) != 16:
        return uuid.decode("utf-8", "replace")
    text = uuid.hex().upper()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
