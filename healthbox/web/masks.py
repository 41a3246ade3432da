"""The session's form token, written differently on every page: compressed pages must not let its length be guessed (BREACH)."""

import secrets


def mask(token: str) -> str:
    """A random pad and the token under it, as hexadecimal digits."""
    plain = token.encode()
    pad = secrets.token_bytes(len(plain))
    return (pad + bytes(a ^ b for a, b in zip(pad, plain, strict=True))).hex()


def unmask(given: str) -> str:
    """The token that was masked; anything else comes back as it is, and will match nothing."""
    try:
        raw = bytes.fromhex(given)
        half = len(raw) // 2
        return bytes(a ^ b for a, b in zip(raw[:half], raw[half:], strict=True)).decode()
    except ValueError:
        return given
