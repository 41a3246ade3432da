"""The catalogue: every metric, category value, sleep stage and workout activity that has a name, read from ``data/``.

The tables are data: a new metric is one line of ``metrics.tsv``, a new unit one entry of ``units.tsv``. They are read once
and checked while they are read; a broken table is a ``RuntimeError`` that names the line, never a wrong number later.
Metrics that only one database knows are added with :meth:`Catalogue.with_extra`.

Vocabularies overlap: 5 is REM for HealthKit and deep sleep for Health Connect, 8 is boxing for one and cycling for the
other. So every vocabulary (``Naming``) has its own table, and what a vocabulary does not say falls back to our own keys.
"""

import functools
import importlib.resources
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, get_args

import msgspec

from healthbox.domain.records import Naming, Stage

Aggregation = Literal["sum", "mean", "min_max_mean", "last", "duration", "count"]
NAMINGS: tuple[Naming, ...] = get_args(Naming)

_IDENTIFIER = re.compile(r"^HK(?:Quantity|Category)TypeIdentifier")
_CONSTANT = re.compile(r"^HK(?:CategoryValue)?")
_PLACE = re.compile(r"^(?:indoor|outdoor|pool|open_water)_(?=.)")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Metric(msgspec.Struct, frozen=True):
    """One thing that can be measured. ``unit`` is the canonical unit, ``accepted`` unit → (factor, offset):
    canonical = factor * x + offset. ``low`` and ``high`` bound what a sensor can plausibly say, in the canonical unit.
    ``enum`` names the table of a category's values. ``known`` is False for a metric that a person or an upload named."""

    key: str
    label: str
    category: str = "other"
    kind: str = "quantity"
    unit: str = ""
    display_unit: str = ""
    accepted: dict[str, tuple[float, float]] = {}
    aggregation: Aggregation = "mean"
    low: float | None = None
    high: float | None = None
    loinc: str = ""
    higher_is_better: int = 0
    enum: str = ""
    known: bool = True

    @property
    def continuous(self) -> bool:
        """Whether devices count it all the time, each on its own: steps and distances, not what somebody eats."""
        return self.aggregation == "sum" and self.category in ("activity", "environment")


# The vocabulary, the name in it, the unit it came in or "", the key of the metric, the unit that a person says it is in where it
# came in none, or "".
Alias = tuple[Naming, str, str, str, str]
_Names = dict[Naming, dict[str, Metric]]


class _Tables(msgspec.Struct, frozen=True):
    metrics: dict[str, Metric]
    names: _Names
    codes: dict[str, dict[str, int]]  # enum → spelling → code
    code_names: dict[str, dict[int, str]]
    stages: dict[Naming, dict[str, Stage]]
    activities: dict[Naming, dict[str, str]]
    named: dict[tuple[Naming, str, str], Metric] = {}  # what people named: vocabulary, folded name, unit


class Catalogue:
    """Finds metrics by the name a vocabulary gives them. Immutable: extending makes another one."""

    def __init__(self, tables: _Tables) -> None:
        self._tables = tables

    @classmethod
    def load(cls, extra: Iterable[Metric] = (), aliases: Iterable[Alias] = ()) -> "Catalogue":
        """The shipped catalogue plus ``extra``. RuntimeError when the shipped tables are broken."""
        return cls(_shipped()).with_extra(extra, aliases)

    def with_extra(self, extra: Iterable[Metric], aliases: Iterable[Alias] = ()) -> "Catalogue":
        """Adds metrics and names. What is already there stays: an upgrade that brings a metric of the same key, or gives a
        meaning to a name, wins over the row made before it. An alias of a key that is nowhere is a KeyError."""
        metrics = dict(self._tables.metrics)
        names: _Names = {naming: dict(table) for naming, table in self._tables.names.items()}
        for metric in extra:
            metrics.setdefault(metric.key, metric)
            for table in names.values():
                table.setdefault(metric.key, metrics[metric.key])
        named = {(naming, _folded(name), unit): _in_unit(metrics[key], said) for naming, name, unit, key, said in aliases}
        return Catalogue(msgspec.structs.replace(self._tables, metrics=metrics, names=names, named=self._tables.named | named))

    def find(self, naming: Naming, name: str, unit: str | None = None) -> Metric | None:
        """The metric that ``naming`` calls ``name``; exact spelling first, then without regard to case and punctuation.
        ``unit`` tells apart what people named: one unknown name may come in two units and be two things."""
        table, folded = self._tables.names[naming], _folded(name)
        return table.get(name) or table.get(folded) or self._tables.named.get((naming, folded, unit or ""))

    def get(self, key: str) -> Metric | None:
        return self._tables.metrics.get(key)

    def all(self) -> list[Metric]:
        return list(self._tables.metrics.values())

    def category_value(self, metric: Metric, value: str | float) -> int | None:
        """The code of a category value given as number, digits, constant (whole, or without its prefix) or bare name.
        A number outside the table is kept, for the table of a newer system may hold it; text outside it is None."""
        if isinstance(value, str):
            spellings = self._tables.codes.get(metric.enum, {})
            code = spellings.get(value)
            if code is None:
                code = spellings.get(_squeezed(value))
            return _whole(value) if code is None else code
        return _whole(value)

    def category_name(self, metric: Metric, code: int) -> str | None:
        return self._tables.code_names.get(metric.enum, {}).get(code)

    def stage(self, naming: Naming, value: str | float) -> Stage | None:
        """The sleep stage that ``naming`` writes as ``value``; None for its "unknown" and for anything it does not know."""
        return self._tables.stages[naming].get(_spelling(value))

    def activity(self, naming: Naming, value: str | float) -> str:
        """The canonical name of a workout activity. One that has no name here keeps its own, in snake_case; a number that
        has none keeps its vocabulary ("healthkit_99"); nothing at all is "other"."""
        code = _whole(value)
        if code is not None:
            vocabulary: Naming = "health_connect" if naming == "health_connect" else "healthkit"
            return self._tables.activities[vocabulary].get(str(code)) or f"{vocabulary}_{code}"
        text = str(value).strip().removeprefix("HKWorkoutActivityType").removeprefix("EXERCISE_TYPE_")
        folded = _folded(_HUMP.sub("_", text))
        table = self._tables.activities[naming]
        return table.get(folded) or table.get(_PLACE.sub("", folded)) or folded or "other"


def _in_unit(metric: Metric, said: str) -> Metric:
    """The metric whose numbers without a unit are in the one that was said."""
    return msgspec.structs.replace(metric, accepted=metric.accepted | {"": metric.accepted[said]}) if said else metric


def _folded(name: str) -> str:
    """Case and punctuation apart: "Walking + Running Distance" and WALKING_RUNNING_DISTANCE are one name."""
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


def _squeezed(name: str) -> str:
    return _folded(name).replace("_", "")


def _whole(value: str | float) -> int | None:
    """A whole number, also written as text or as 2.0; None for everything else (True is not a code)."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return int(number) if math.isfinite(number) and number == int(number) else None


def _spelling(value: str | float) -> str:
    code = _whole(value)
    return _squeezed(str(value)) if code is None else str(code)


def _rows(table: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(where, columns by name) of every line of a shipped table."""
    text = importlib.resources.files("healthbox.domain").joinpath("data", table).read_text(encoding="utf-8")
    head, *lines = (line.split("\t") for line in text.splitlines())
    for number, cells in enumerate(lines, start=2):
        where = f"{table}:{number}"
        if len(cells) != len(head):
            raise RuntimeError(f"{where}: {len(cells)} cells, expected {len(head)}")
        yield where, dict(zip(head, cells, strict=True))


def _number(text: str) -> float:
    """A factor like "5/9" or "0.45": fractions keep the digits that a decimal would drop."""
    over, _, under = text.partition("/")
    return float(over) / float(under or 1)


def read_units(text: str, where: str = "units") -> dict[str, tuple[float, float]]:
    """Reads "km=1000;degF=5/9:-160/9": unit → (factor, offset). RuntimeError for what is no number or twice there."""
    accepted: dict[str, tuple[float, float]] = {}
    for entry in filter(None, text.split(";")):
        unit, _, conversion = entry.rpartition("=")
        factor, _, offset = conversion.partition(":")
        try:
            pair = (_number(factor), _number(offset or "0"))
        except (ValueError, ZeroDivisionError):
            raise RuntimeError(f"{where}: {entry!r} is no unit") from None
        if not unit or unit in accepted or not pair[0] > 0 or not all(map(math.isfinite, pair)):
            raise RuntimeError(f"{where}: {entry!r} is no unit, or there twice")
        accepted[unit] = pair
    return accepted


def _families() -> dict[str, tuple[str, dict[str, tuple[float, float]]]]:
    families: dict[str, tuple[str, dict[str, tuple[float, float]]]] = {"": ("", {})}
    for where, row in _rows("units.tsv"):
        accepted = read_units(row["accepted"], where)
        if row["family"] in families or accepted.get(row["unit"]) != (1.0, 0.0):
            raise RuntimeError(f"{where}: {row['family']!r} is there twice, or its own unit is not 1")
        families[row["family"]] = (row["unit"], accepted)
    return families


def _name_them(names: _Names, naming: Naming, spellings: Iterable[str], metric: Metric, where: str) -> None:
    for spelling in spellings:
        if names[naming].setdefault(spelling, metric).key != metric.key:
            raise RuntimeError(f"{where}: {spelling!r} already means {names[naming][spelling].key!r} for {naming}")


def _read_metrics() -> tuple[dict[str, Metric], _Names]:
    families = _families()
    metrics: dict[str, Metric] = {}
    names: _Names = {naming: {} for naming in NAMINGS}
    for where, row in _rows("metrics.tsv"):
        unit, accepted = families.get(row["units"], ("", None))
        low, high = (_number(row[side]) if row[side] else None for side in ("low", "high"))
        fields: dict[str, object] = {name: row[name] for name in ("key", "label", "category", "kind", "aggregation", "loinc", "enum")}
        fields |= {"unit": unit, "accepted": accepted, "display_unit": row["display"] or unit, "low": low, "high": high}
        try:
            metric = msgspec.convert(fields | {"higher_is_better": int(row["better"])}, Metric)
        except (msgspec.ValidationError, ValueError) as error:
            raise RuntimeError(f"{where}: {error}") from error
        if metric.key in metrics or (low is not None and high is not None and low >= high):
            raise RuntimeError(f"{where}: {metric.key!r} is there twice, or its bounds are upside down")
        metrics[metric.key] = metric
        identifiers = row["healthkit"].split("|")
        spoken: dict[Naming, list[str]] = {naming: row.get(naming, "").split("|") for naming in NAMINGS}
        spoken["healthkit"] += [_IDENTIFIER.sub("", identifier) for identifier in identifiers]
        spoken["shortcut"].append(metric.label)
        for naming, spellings in spoken.items():
            every = [metric.key, *spellings, *identifiers]
            _name_them(names, naming, filter(None, [*every, *map(_folded, every)]), metric, where)
    return metrics, names


def _read_codes() -> tuple[dict[str, dict[str, int]], dict[str, dict[int, str]]]:
    codes: dict[str, dict[str, int]] = {}
    names: dict[str, dict[int, str]] = {}
    for where, row in _rows("enums.tsv"):
        spellings, code = codes.setdefault(row["enum"], {}), int(row["code"])
        constant = row["constant"]
        for spelling in (constant, *map(_squeezed, (constant, constant[2:], _CONSTANT.sub("", constant), row["name"]))):
            if spellings.setdefault(spelling, code) != code:
                raise RuntimeError(f"{where}: {spelling!r} has two codes")
        names.setdefault(row["enum"], {}).setdefault(code, row["name"])
    return codes, names


def _read_stages() -> dict[Naming, dict[str, Stage]]:
    stages: dict[Naming, dict[str, Stage]] = {naming: {} for naming in NAMINGS}
    for where, row in _rows("stages.tsv"):
        naming, stage = msgspec.convert(row["naming"], Naming), msgspec.convert(row["stage"], Stage)
        if stages[naming].setdefault(_spelling(row["value"]), stage) != stage:
            raise RuntimeError(f"{where}: {row['value']!r} is two stages")
    return stages


def _read_activities() -> dict[Naming, dict[str, str]]:
    """Own names of a vocabulary first, then ours, then Health Connect's (Flutter and Open Wearables borrow them)."""
    own: dict[str, dict[str, str]] = {naming: {} for naming in NAMINGS}
    for where, row in _rows("activities.tsv"):
        for spelling in filter(None, (row["code"], _folded(row["value"].removeprefix("HKWorkoutActivityType")))):
            if own[row["naming"]].setdefault(spelling, row["activity"]) != row["activity"]:
                raise RuntimeError(f"{where}: {spelling!r} is two activities")
    ours = {activity: activity for activity in own["healthkit"].values()} | own["healthkit"]
    spoken: Mapping[str, str] = {name: activity for name, activity in own["health_connect"].items() if not name.isdigit()}
    own["shortcut"] = own["health_auto_export"]  # both write what the phone shows
    return {naming: {**spoken, **ours, **own[naming]} for naming in NAMINGS}


@functools.cache
def _shipped() -> _Tables:
    metrics, names = _read_metrics()
    codes, code_names = _read_codes()
    lost = {metric.enum for metric in metrics.values()} - {"", *codes}
    if lost:
        raise RuntimeError(f"metrics.tsv: no such enum: {', '.join(sorted(lost))}")
    return _Tables(metrics, names, codes, code_names, _read_stages(), _read_activities())
