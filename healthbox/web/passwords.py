"""Password hashes: argon2id by OWASP's measure for small machines (19 MiB, two passes, one lane), two at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from healthbox.domain.errors import Invalid, TooMany

SHORTEST = 8  # characters
LONGEST = 1024  # bytes
PATIENCE_S = 10.0

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_gate = threading.BoundedSemaphore(2)  # 2 × 19 MiB and two cores are what a flood of logins can take

# Of a password nobody knows, so that an unknown login costs as long as a wrong password.
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$9gLUXkxiGKpK55vFIvCoGA$nA6mqa0SfhFX4+1/ZExqXzkJNUjqsCfvPEJs6yDV/Vc"


def hashed(password: str) -> str:
    """Raises ``Invalid`` for a password that is too short or too long."""
    if len(password) < SHORTEST:
        raise Invalid(f"A password has at least {SHORTEST} characters.")
    if len(_bytes(password)) > LONGEST:
        raise Invalid(f"A password has at most {LONGEST} bytes.")
    with _turn():
        return _hasher.hash(_bytes(password))


def matches(kept: str | None, password: str) -> bool:
    """Whether the password made this hash; for None (no such login) it takes the same time and is False."""
    given = _bytes(password)
    if len(given) > LONGEST:
        return False
    with _turn():
        try:
            return _hasher.verify(kept or NOBODY, given) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """Whether the hash was made with other parameters: it is made anew at the next login."""
    return _hasher.check_needs_rehash(kept)


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


@contextmanager
def _turn() -> Iterator[None]:
    if not _gate.acquire(timeout=PATIENCE_S):
        raise TooMany("Too many logins at once.", hint="Try again in a minute.")
    try:
        yield
    finally:
        _gate.release()
