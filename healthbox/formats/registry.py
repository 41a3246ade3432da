"""Finding the formats and the one that a body is in."""

import functools
import importlib
import pkgutil
from types import ModuleType
from typing import Any

import healthbox.formats
from healthbox.domain.errors import Invalid
from healthbox.formats.contract import Envelope, Format


@functools.cache
def discover(package: ModuleType = healthbox.formats) -> dict[str, Format]:
    """Every format of the package by name. Raises ``RuntimeError`` when a module is broken or two share a name."""
    found: dict[str, Format] = {}
    homes: dict[str, str] = {}
    for info in pkgutil.iter_modules(package.__path__):
        home = f"{package.__name__}.{info.name}"
        try:
            guest = getattr(importlib.import_module(home), "FORMAT", None)
        except Exception as problem:
            raise RuntimeError(f"the format module {home} cannot be imported: {problem}") from problem
        if guest is None:
            continue
        if not isinstance(guest, Format):
            raise RuntimeError(f"{home}.FORMAT is no Format but a {type(guest).__name__}")
        if guest.name in found:
            raise RuntimeError(f"{home} and {homes[guest.name]} both call their format {guest.name!r}")
        found[guest.name], homes[guest.name] = guest, home
    return found


def recognise(body: Any, envelope: Envelope, formats: dict[str, Format] | None = None) -> Format:
    """The one format that claims the body. Raises ``Invalid``: ``unknown_shape`` when none does, ``ambiguous_shape`` when two do."""
    guests = discover() if formats is None else formats
    claims = [guest for guest in guests.values() if guest.claims(body, envelope)]
    if len(claims) == 1:
        return claims[0]
    if claims:
        names = " and ".join(guest.name for guest in claims)
        raise Invalid(f"The body could be {names}.", hint="Send one kind of body at a time.", code="ambiguous_shape")
    wanted = "; ".join(f"{guest.name}: {guest.looks_for}" for guest in guests.values())
    raise Invalid("No format knows the shape of this body.", hint=f"What is looked for: {wanted}", code="unknown_shape")
