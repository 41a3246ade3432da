"""Sources: what measured, as one row per real device or app, found again under every name it goes by.

A reference is resolved by its bundle, else by (name, class). A record that shows name and bundle together links the two.
A name that belongs to several sources gets a row of its own when it comes alone. A row known only by name takes on the
class that a later record shows. Never resolved by a device pointer or a creation date.
"""

from typing import NamedTuple

from sqlalchemy import Connection

from healthbox.domain.records import SourceClass, SourceRef
from healthbox.domain.sources import RANK, classify, normalise_name


class Source(NamedTuple):
    id: int
    person_id: int
    name: str
    kind: SourceClass
    product: str | None


class Sources:
    """Resolves references for one person inside one write transaction; remembers what it has seen in it."""

    def __init__(self, c: Connection, person_id: int, now: int) -> None:
        self._c = c
        self._person = person_id
        self._now = now
        self._seen: dict[SourceRef, int] = {}
        self.reclassed: set[int] = set()

    def resolve(self, ref: SourceRef) -> int:
        found = self._seen.get(ref)
        if found is None:
            found = self._seen[ref] = self._resolve(ref)
        return found

    def known(self, ref: SourceRef) -> int | None:
        """What this reference was resolved to in this transaction; None where nothing of it was stored."""
        return self._seen.get(ref)

    def _resolve(self, ref: SourceRef) -> int:
        kind = classify(ref)
        name = normalise_name(ref.name or "")
        bundle = (ref.bundle or "").strip()
        if bundle:
            return self._by_bundle(bundle, name, kind, ref.product)
        if bare := self._owners("bare", name, kind):
            return bare[0]
        owners = self._owners("name", name, kind)
        if len(owners) == 1:
            return owners[0]
        if len(owners) > 1:  # the name alone does not say which: a row of its own
            return self._add(name, kind, ref.product, [("bare", name)])
        if kind == "unknown":
            others = self._owners_of_any_kind(name)
            if len(others) == 1:
                return others[0]
        elif promoted := self._promote(name, kind):
            return promoted
        return self._add(name, kind, ref.product, [("name", name)])

    def _by_bundle(self, bundle: str, name: str, kind: SourceClass, product: str | None) -> int:
        owners = self._owners("bundle", bundle, kind)
        if owners:
            if name:
                self._alias("name", name, kind, owners[0])
            return owners[0]
        named = self._owners("name", name, kind) if name else []
        if len(named) == 1 and not self._has_bundle(named[0]):
            self._alias("bundle", bundle, kind, named[0])
            return named[0]
        if name and kind != "unknown" and not named and (promoted := self._promote(name, kind)):
            self._alias("bundle", bundle, kind, promoted)
            return promoted
        aliases = [("bundle", bundle)] + ([("name", name)] if name else [])
        return self._add(name or bundle, kind, product, aliases)

    def _promote(self, name: str, kind: SourceClass) -> int | None:
        """A row so far known only by this name, of no known class, turns out to be of ``kind``."""
        owners = self._owners("name", name, "unknown") if name else []
        if len(owners) != 1 or self._has_bundle(owners[0]):
            return None
        self._c.exec_driver_sql("UPDATE source SET kind=? WHERE id=?", (kind, owners[0]))
        self._alias("name", name, kind, owners[0])
        self.reclassed.add(owners[0])
        return owners[0]

    def _owners(self, form: str, value: str, kind: str) -> list[int]:
        rows = self._c.exec_driver_sql(
            "SELECT source_id FROM source_alias WHERE person_id=? AND form=? AND value=? AND kind=? ORDER BY source_id",
            (self._person, form, value, kind),
        ).fetchall()
        return [row[0] for row in rows]

    def _owners_of_any_kind(self, name: str) -> list[int]:
        rows = self._c.exec_driver_sql(
            "SELECT DISTINCT source_id FROM source_alias WHERE person_id=? AND form='name' AND value=? AND kind<>'manual'",
            (self._person, name),
        ).fetchall()
        return [row[0] for row in rows]

    def _has_bundle(self, source_id: int) -> bool:
        return (
            self._c.exec_driver_sql(
                "SELECT 1 FROM source_alias WHERE person_id=? AND form='bundle' AND source_id=? LIMIT 1", (self._person, source_id)
            ).fetchone()
            is not None
        )

    def _alias(self, form: str, value: str, kind: str, source_id: int) -> None:
        self._c.exec_driver_sql(
            "INSERT OR IGNORE INTO source_alias (person_id, form, value, kind, source_id) VALUES (?,?,?,?,?)",
            (self._person, form, value, kind, source_id),
        )

    def _add(self, name: str, kind: SourceClass, product: str | None, aliases: list[tuple[str, str]]) -> int:
        row = self._c.exec_driver_sql(
            "INSERT INTO source (person_id, name, kind, product, created_at) VALUES (?,?,?,?,?) RETURNING id",
            (self._person, name, kind, product, self._now),
        ).one()
        for form, value in aliases:
            self._alias(form, value, kind, row[0])
        return int(row[0])


def list_sources(c: Connection, person_id: int) -> list[Source]:
    rows = c.exec_driver_sql("SELECT id, person_id, name, kind, product FROM source WHERE person_id=? ORDER BY id", (person_id,)).fetchall()
    return [Source(*row) for row in rows]


def newest(c: Connection) -> list[tuple[int, str, int]]:
    """(source id, class, newest instant measured in ms) of every source of the box, for the house's own meters."""
    rows = c.exec_driver_sql(
        "SELECT ref, kind, newest FROM arrival JOIN source ON source.id=ref WHERE form='source' ORDER BY ref"
    ).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]


def ranks(c: Connection, person_id: int, metric: str) -> dict[int, tuple[int, str]]:
    """source id → (rank, canonical name) for one metric: the person's own order first, else by class."""
    own: dict[int, int] = {}
    for scope in ("*", metric):  # the metric's own order over the one for all
        rows = c.exec_driver_sql("SELECT source_id, rank FROM precedence WHERE person_id=? AND metric=?", (person_id, scope)).fetchall()
        own |= {row[0]: row[1] for row in rows}
    return {s.id: (own[s.id] if s.id in own else 1000 + RANK[s.kind], f"{s.name}\x00{s.kind}") for s in list_sources(c, person_id)}


def set_precedence(c: Connection, person_id: int, metric: str, order: list[int]) -> None:
    """The person's own order of sources for a metric ("*" for all): best first; an empty list returns to the rule by class."""
    c.exec_driver_sql("DELETE FROM precedence WHERE person_id=? AND metric=?", (person_id, metric))
    if order:
        c.exec_driver_sql(
            "INSERT INTO precedence (person_id, metric, source_id, rank) VALUES (?,?,?,?)",
            [(person_id, metric, source_id, rank) for rank, source_id in enumerate(order)],
        )
