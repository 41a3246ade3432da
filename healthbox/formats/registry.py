"""Finding the formats and the one that a body is in."""

import functools
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import healthbox.formats
from healthbox.domain.errors import Invalid
from healthbox.formats.contract import Envelope, FileFormat, Format


@functools.cache
def discover(package: ModuleType = healthbox.formats) -> dict[str, Format]:
    """Every format of the package by name. Raises ``RuntimeError`` when a module is broken or two share a name."""
    return _exported(package, "FORMAT", Format)


@functools.cache
def discover_files(package: ModuleType = healthbox.formats) -> dict[str, FileFormat]:
    """Every file format of the package by name; raises as ``discover`` does."""
    return _exported(package, "FILE_FORMAT", FileFormat)


def home_of(form: FileFormat) -> str:
    """The module that exports it. Raises LookupError for one that is not of the package."""
    for info in pkgutil.iter_modules(healthbox.formats.__path__):
        home = f"{healthbox.formats.__name__}.{info.name}"
        if getattr(importlib.import_module(home), "FILE_FORMAT", None) is form:
            return home
    raise LookupError(form.name)


_Guest = TypeVar("_Guest", Format, FileFormat)


def _exported(package: ModuleType, attribute: str, kind: type[_Guest]) -> dict[str, _Guest]:
    found: dict[str, _Guest] = {}
    homes: dict[str, str] = {}
    for info in pkgutil.iter_modules(package.__path__):
        home = f"{package.__name__}.{info.name}"
        try:
            guest = getattr(importlib.import_module(home), attribute, None)
        except Exception as problem:
            raise RuntimeError(f"the format module {home} cannot be imported: {problem}") from problem
        if guest is None:
            continue
        if not isinstance(guest, kind):
            raise RuntimeError(f"{home}.{attribute} is no {kind.__name__} but a {type(guest).__name__}")
        if guest.name in found:
            raise RuntimeError(f"{home} and {homes[guest.name]} both call their format {guest.name!r}")
        found[guest.name], homes[guest.name] = guest, home
    return found


def recognise(body: Any, envelope: Envelope, formats: dict[str, Format] | None = None) -> Format:
    """The one format that claims the body. Raises ``Invalid``: ``unknown_shape`` when none does, ``ambiguous_shape`` when two do."""
    guests = discover() if formats is None else formats
    return _only([guest for guest in guests.values() if guest.claims(body, envelope)], list(guests.values()), "body")


def recognise_file(path: Path, formats: dict[str, FileFormat] | None = None) -> FileFormat:
    """The one file format that claims the file; raises as ``recognise`` does, and what ``claims`` raises for a damaged file."""
    guests = discover_files() if formats is None else formats
    return _only([guest for guest in guests.values() if guest.claims(path)], list(guests.values()), "file")


def _only(claims: list[_Guest], guests: list[_Guest], what: str) -> _Guest:
    if len(claims) == 1:
        return claims[0]
    if claims:
        names = " and ".join(guest.name for guest in claims)
        raise Invalid(f"The {what} could be {names}.", hint=f"Send one kind of {what} at a time.", code="ambiguous_shape")
    wanted = "; ".join(f"{guest.name}: {guest.looks_for}" for guest in guests)
    raise Invalid(f"No format knows the shape of this {what}.", hint=f"What is looked for: {wanted}", code="unknown_shape")
