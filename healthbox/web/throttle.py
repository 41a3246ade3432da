"""Slows a guesser down: five failed logins in a quarter of an hour are free, then each costs a longer wait; never for good."""

import ipaddress

from sqlalchemy import Connection

from healthbox.domain.errors import TooMany
from healthbox.store import logins

FREE = 5
WINDOW_MS = 15 * 60_000
FIRST_WAIT_MS = 30_000


class Throttled(TooMany):
    """``wait_s``: seconds until the next try is looked at."""

    def __init__(self, wait_s: int) -> None:
        wait = f"{wait_s} s" if wait_s < 120 else f"{-(-wait_s // 60)} min"
        super().__init__("Too many failed logins.", hint=f"Try again in {wait}.")
        self.wait_s = wait_s


def who(login: str, address: str) -> str:
    """Who guesses: an account from a network. One IPv6 customer has a whole /64 to come from."""
    try:
        ip = ipaddress.ip_address(address)
        network = str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)
    except ValueError:
        network = address
    return f"{login.strip()[:200]}|{network}"


def wait_ms(failures: list[int], now: int) -> int:
    """How long to wait, from when the failures of the window happened (ms, oldest first)."""
    if len(failures) < FREE:
        return 0
    delay = min(FIRST_WAIT_MS << (len(failures) - FREE), WINDOW_MS)
    return max(0, failures[-1] + delay - now)


def take_turn(c: Connection, someone: str, now: int) -> None:
    """Count a try as failed before the password is looked at, so that parallel guesses count; success forgives. Raises ``Throttled``."""
    if wait := wait_ms(logins.failures(c, someone, now - WINDOW_MS), now):
        raise Throttled(-(-wait // 1000))
    logins.note_failure(c, someone, now)
