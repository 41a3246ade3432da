"""Superseding: a whole history lacks a stage or workout that was stated before it; the row is kept and not counted.

A row is superseded when a whole export in force covers its source and its time and is younger than the last statement of it:
what the export holds has the export's own ``as_of`` or a later one, so nothing has to be remembered of what it held. The rule
looks at what was stated, never at when it arrived, so the order of uploads does not matter and taking an export back is exact.
What left another healthbox tells of the whole exports that were in force there (``told``): one upload can hold several.

state of a whole export   reading (also: proved to be no whole) | in force | undone (by a person)
due                       rows may stand otherwise than the rule says; ``settle`` works that off in slices
"""

from typing import NamedTuple

from sqlalchemy import Connection

SLICE = 2_000
_DAY_MS = 86_400_000

_LACKED = (
    "EXISTS (SELECT 1 FROM whole_cover AS w CROSS JOIN whole_export AS x ON x.id=w.export_id WHERE w.source_id={source} "
    "AND w.first<={end} AND w.last>{start} AND x.state='in force' AND x.as_of>{as_of})"
)
_COVERS = "SELECT first, last, as_of FROM whole_cover JOIN whole_export ON whole_export.id=export_id WHERE source_id=? AND state='in force'"
_OF = "FROM whole_export AS e JOIN batch ON batch.id=e.batch_id JOIN whole_cover AS v ON v.export_id=e.id"
_STAGES = (
    f"{_OF} CROSS JOIN series ON series.person_id=batch.person_id AND series.metric='sleep_analysis' AND series.source_id=v.source_id "
    f"CROSS JOIN sleep_stage AS t ON t.series_id=series.id AND t.start>v.first-{_DAY_MS} AND t.start<v.last "
    'WHERE e.batch_id=? AND t."end">=v.first AND t.superseded<2'
)
_WORKOUTS = (
    f"{_OF} CROSS JOIN workout AS t ON t.person_id=batch.person_id AND t.source_id=v.source_id AND t.start>v.first-{_DAY_MS} "
    'AND t.start<v.last WHERE e.batch_id=? AND t."end">=v.first AND t.superseded<2'
)
_OTHERWISE = " AND (t.superseded=1 OR t.as_of<e.as_of) AND t.superseded<>" + _LACKED.format(
    source="v.source_id", start="t.start", end='t."end"', as_of="t.as_of"
)
_ASIDE = " AND t.superseded=1 AND t.as_of<e.as_of"


class Aside(NamedTuple):
    """What a whole export sets aside at present; samples only where it was reconciled."""

    stages: int
    workouts: int
    samples: int
    undone: bool


class Settled(NamedTuple):
    """``nights``: (start ms, end ms, zone) of the stages that changed; ``done`` when the rest stands as the rule says."""

    nights: list[tuple[int, int, str | None]]
    workouts: int
    done: bool


class InForce:
    """The whole exports in force, for the rows that one transaction stores: each source's are read once."""

    def __init__(self, c: Connection) -> None:
        self._c = c
        self._covers: dict[int, list[tuple[int, int, int]]] = {}

    def lack(self, source_id: int, start: int, end: int, as_of: int) -> bool:
        """Whether one of them lacks what was stated of this source at [start, end] ms as of ``as_of``."""
        covers = self._covers.get(source_id)
        if covers is None:
            rows = self._c.exec_driver_sql(_COVERS, (source_id,)).fetchall()
            covers = self._covers[source_id] = [(row[0], row[1], row[2]) for row in rows]
        return any(exported > as_of and first <= end and start < last for first, last, exported in covers)


def note(c: Connection, batch_id: int, covers: dict[int, tuple[int, int]], as_of: int | None) -> None:
    """What a step of a whole export spoke of: source → [first, last) in ms, and how recent it says it is."""
    export_id = c.exec_driver_sql("SELECT id FROM whole_export WHERE batch_id=? AND told=0", (batch_id,)).scalar()
    if export_id is None:
        c.exec_driver_sql("INSERT INTO whole_export (batch_id, as_of, state) VALUES (?,?,'reading')", (batch_id, as_of))
        export_id = _newest(c)
    elif as_of is not None:
        c.exec_driver_sql("UPDATE whole_export SET as_of=max(coalesce(as_of, ?1), ?1) WHERE id=?2", (as_of, export_id))
    _cover(c, export_id, covers)


def tell(c: Connection, person_id: int, batch_id: int, covers: dict[int, tuple[int, int]], as_of: int) -> None:
    """An upload tells of a whole export that was in force elsewhere. One of the same instant that is known here is the same:
    what a person has undone stays so."""
    known = c.exec_driver_sql(
        "SELECT e.id FROM whole_export AS e JOIN batch ON batch.id=batch_id WHERE person_id=? AND e.as_of=? AND state<>'reading' "
        "ORDER BY state='undone', e.id LIMIT 1",
        (person_id, as_of),
    ).scalar()
    if known is None:
        c.exec_driver_sql("INSERT INTO whole_export (batch_id, as_of, state, told) VALUES (?,?,'in force',1)", (batch_id, as_of))
        known = _newest(c)
    if _cover(c, known, covers):
        c.exec_driver_sql("UPDATE whole_export SET due=1 WHERE id=? AND state='in force'", (known,))


def _newest(c: Connection) -> int:
    return int(c.exec_driver_sql("SELECT max(id) FROM whole_export").scalar_one())


def _cover(c: Connection, export_id: int, covers: dict[int, tuple[int, int]]) -> bool:
    """True when the export covers more than it did."""
    wider = [
        c.exec_driver_sql(
            "INSERT INTO whole_cover (source_id, export_id, first, last) VALUES (?,?,?,?) ON CONFLICT DO UPDATE "
            "SET first=min(first, excluded.first), last=max(last, excluded.last) WHERE first>excluded.first OR last<excluded.last",
            (source_id, export_id, first, last),
        ).rowcount
        for source_id, (first, last) in covers.items()
    ]
    return any(wider)


def judge(c: Connection, batch_id: int, broken: frozenset[str]) -> None:
    """A batch is closed: its history is in force if all of it was read. What a person has undone stays so.

    ``broken``: the codes of rejections that say that a part of the file could not be read."""
    state = c.exec_driver_sql("SELECT state FROM whole_export WHERE batch_id=? AND told=0", (batch_id,)).scalar()
    if state is None or state == "undone":
        return
    now = "in force" if _is_whole(c, batch_id, broken) else "reading"
    if "in force" in (state, now):
        c.exec_driver_sql("UPDATE whole_export SET state=?, due=1 WHERE batch_id=? AND told=0", (now, batch_id))


def _is_whole(c: Connection, batch_id: int, broken: frozenset[str]) -> bool:
    marks = ",".join("?" * len(broken))
    return bool(
        c.exec_driver_sql(
            "SELECT as_of IS NOT NULL FROM whole_export WHERE batch_id=?1 AND told=0 "
            "AND EXISTS (SELECT 1 FROM chunk WHERE batch_id=?1) AND NOT EXISTS (SELECT 1 FROM chunk WHERE batch_id=?1 AND status<>'done') "
            f"AND NOT EXISTS (SELECT 1 FROM rejection WHERE batch_id=?1 AND code IN ({marks}))",
            (batch_id, *sorted(broken)),
        ).scalar()
    )


def settle(c: Connection, batch_id: int, limit: int = SLICE) -> Settled:
    """Bring up to ``limit`` rows of each kind to where the rule has them."""
    stages = c.exec_driver_sql(
        f'SELECT DISTINCT t.id, t.start, t."end", t.zone {_STAGES}{_OTHERWISE} LIMIT ?', (batch_id, limit)
    ).fetchall()
    workouts = c.exec_driver_sql(f"SELECT DISTINCT t.id {_WORKOUTS}{_OTHERWISE} LIMIT ?", (batch_id, limit)).fetchall()
    for table, rows in (("sleep_stage", stages), ("workout", workouts)):
        if rows:
            c.exec_driver_sql(f"UPDATE {table} SET superseded=1-superseded WHERE id=?", [(row[0],) for row in rows])
    done = len(stages) < limit and len(workouts) < limit
    if done:
        c.exec_driver_sql("UPDATE whole_export SET due=0 WHERE batch_id=?", (batch_id,))
    return Settled([(row[1], row[2], row[3]) for row in stages], len(workouts), done)


def due(c: Connection, person_id: int | None = None) -> list[tuple[int, int]]:
    """(batch, person) of the whole exports that have something to settle (of one person, or of all)."""
    rows = c.exec_driver_sql(
        "SELECT DISTINCT batch_id, person_id FROM whole_export JOIN batch ON batch.id=batch_id WHERE due=1 AND (? IS NULL OR person_id=?) "
        "ORDER BY batch_id",
        (person_id, person_id),
    )
    return [(row[0], row[1]) for row in rows]


def is_due(c: Connection, batch_id: int) -> bool:
    return c.exec_driver_sql("SELECT 1 FROM whole_export WHERE batch_id=? AND due=1", (batch_id,)).fetchone() is not None


def put_in_force(c: Connection, batch_id: int, *, undo: bool) -> bool:
    """Take a whole export's verdict back, or let it count again; False when it already stands so or never was whole."""
    states = ("undone", "in force") if undo else ("in force", "undone")
    return (
        c.exec_driver_sql("UPDATE whole_export SET state=?, due=1 WHERE batch_id=? AND state=?", (states[0], batch_id, states[1])).rowcount
        > 0
    )


def forget(c: Connection, batch_id: int) -> None:
    c.exec_driver_sql("DELETE FROM whole_export WHERE batch_id=?", (batch_id,))


def aside(c: Connection, batch_id: int) -> Aside | None:
    """None for an upload that states no whole history, or was not wholly read."""
    states = set(c.exec_driver_sql("SELECT state FROM whole_export WHERE batch_id=?", (batch_id,)).scalars())
    if states.isdisjoint(("in force", "undone")):
        return None
    samples = int(c.exec_driver_sql("SELECT count(*) FROM set_aside WHERE batch_id=?", (batch_id,)).scalar_one())
    if "in force" not in states:
        return Aside(0, 0, samples, undone=True)
    stages, workouts = (
        int(c.exec_driver_sql(f"SELECT count(DISTINCT t.id) {rows}{_ASIDE}", (batch_id,)).scalar_one()) for rows in (_STAGES, _WORKOUTS)
    )
    return Aside(stages, workouts, samples, undone=False)


def merge_sources(c: Connection, kept: int, other: int) -> None:
    """What exports said of ``other`` they said of ``kept``."""
    c.exec_driver_sql(
        "INSERT INTO whole_cover (source_id, export_id, first, last) SELECT ?, export_id, first, last FROM whole_cover WHERE source_id=? "
        "ON CONFLICT DO UPDATE SET first=min(first, excluded.first), last=max(last, excluded.last)",
        (kept, other),
    )
    c.exec_driver_sql("UPDATE whole_export SET due=1 WHERE id IN (SELECT export_id FROM whole_cover WHERE source_id=?)", (kept,))
    c.exec_driver_sql("DELETE FROM whole_cover WHERE source_id=?", (other,))
