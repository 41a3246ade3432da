"""What the page that waits for a new device says, from what the device did so far. Pure: rows in, words out."""

from typing import NamedTuple

from healthbox.store.contact import Contact
from healthbox.store.devices import Device
from healthbox.web.arriving import Reader

SHOWN = 3  # sources that are named


class Told(NamedTuple):
    """``state``: waiting, refused, busy, empty, failed, arrived or revoked; ``upload`` names the one to look at, or ""."""

    state: str
    head: str
    words: str
    upload: str = ""

    @property
    def connected(self) -> bool:
        """Whether the token did its work: from here on nobody needs to see it."""
        return self.state in ("busy", "empty", "failed", "arrived", "revoked")


_REFUSED = {
    400: "What came is no JSON. Choose JSON as the format, not CSV.",
    401: "Its token is not quite the one of this page. Copy it again, whole, with “Bearer ” before it where the header is Authorization.",
    404: "It asked for an address that is not there. Copy the address again, with everything behind the last slash.",
    405: "The address does not take that method: choose POST, and copy the address whole.",
    413: "It sent more than fits at once: switch on batch requests, or choose a shorter period.",
    415: "What came is no JSON. Choose JSON as the format.",
    422: "It was JSON, but of no app that healthbox knows. Check format and version in the app.",
}


def told(device: Device, contact: Contact, sources: list[str], reader: Reader) -> Told:
    if device.revoked_at is not None and device.revoked_at <= reader.now:
        return Told("revoked", "The token is revoked.", "Nothing can be sent with it any more.")
    if not contact.uploads:
        return _unheard(device, reader)
    if contact.kept:
        head = f"Received {_samples(contact.kept, reader)} from {named(sources, device.name)}."
        refused = f"{reader.figure(contact.rejected)} could not be used; the receipt says why." if contact.rejected else ""
        return Told("arrived", head, f"{refused} {'More is being read.' if contact.open else ''}".strip(), contact.newest)
    if contact.dead:
        why = f"{contact.error.rstrip('.')}. " if contact.error else ""
        return Told("failed", "An upload came, but it could not be read.", f"{why}Its bytes are kept.", contact.dead)
    if contact.open:
        return Told("busy", f"{device.name} is connected.", "Its first upload is being read.", contact.newest)
    if contact.rejected:
        head = f"{device.name} is connected, but none of {_samples(contact.rejected, reader)} could be used."
        return Told("failed", head, "The receipt says why, one by one. A test of the app’s own is always dropped.", contact.newest)
    words = "The upload was empty: a test, a locked phone, or nothing new. Unlock the phone and let the app sync once by hand."
    return Told("empty", f"{device.name} is connected.", words, contact.newest)


def _unheard(device: Device, reader: Reader) -> Told:
    if device.refused is not None and device.refused_at is not None:
        why = _REFUSED.get(device.refused, "The app may show the reason that healthbox gave.")
        return Told("refused", f"A request came {reader.moment(device.refused_at)} and was refused.", why)
    if device.last_used_at is not None:
        return Told("waiting", f"{device.name} reached healthbox.", "It has sent no data yet: let the app sync once by hand.")
    return Told("waiting", f"Waiting for {device.name}…", "This line changes by itself with the first data. Let the app sync once by hand.")


def named(sources: list[str], device: str) -> str:
    """'Alice’s Apple Watch and iPhone'; the device's own name where the upload names nothing."""
    if not sources:
        return device
    several = sources[:SHOWN] if len(sources) <= SHOWN else [*sources[: SHOWN - 1], f"{len(sources) - SHOWN + 1} more"]
    return several[0] if len(several) == 1 else f"{', '.join(several[:-1])} and {several[-1]}"


def _samples(number: int, reader: Reader) -> str:
    return f"{reader.figure(number)} sample{'' if number == 1 else 's'}"
