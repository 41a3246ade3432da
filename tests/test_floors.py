"""The house rules, held: floors, one room that speaks SQL, no Flask below web, short files, honest names."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PACKAGE = TOP / "healthbox"
FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text("utf-8")) for path in FILES}

FLOORS = [
    {"domain"},
    {"store", "formats", "analytics", "render", "outbound"},
    {"notify", "providers"},
    {"pipeline"},
    {"web"},
    {"cli", "serve"},  # a door of its own that also opens the other: serve puts web and the pump into one process
    {"__main__"},
]
ANYWHERE = {"config", "folders", "__init__"}
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST, path: Path) -> Iterator[tuple[str, int]]:
    """Every imported module by its full dotted name, with the line; ``from package import room`` names the room."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ("healthbox", *path.relative_to(PACKAGE).parts[:-1])
            parent = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join([*parent, *([node.module] if node.module else [])])
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(TOP)}:{line}"


def docstrings(tree: ast.AST) -> set[ast.AST]:
    """Strings that stand as a statement of their own: words for readers, never sent anywhere."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def test_every_room_has_a_floor():
    assert {room_of(path) for path in FILES} <= FLOOR.keys() | ANYWHERE


def test_imports_go_only_downward_and_never_next_door():
    wrong = []
    for path, tree in TREES.items():
        room = room_of(path)
        for name, line in imports(tree, path):
            parts = name.split(".")
            if parts[0] != "healthbox" or len(parts) == 1 or parts[1] in ANYWHERE | {room, "__version__"}:
                continue
            if room in ANYWHERE and parts[1] == "domain":
                continue
            if room in ANYWHERE or (FLOOR[parts[1]] >= FLOOR[room] and {room, parts[1]} != {"cli", "serve"}):
                wrong.append(f"{where(path, line)} {room} imports {name}")
    assert not wrong


def test_only_store_speaks_sql():
    speaks = re.compile(
        r"\b(SELECT\s.+\sFROM|INSERT\s+(OR \w+ )?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX)|PRAGMA\s+\w+"
        r"|BEGIN IMMEDIATE|VACUUM INTO)\b",
        re.DOTALL,
    )
    libraries = {"sqlite3", "sqlalchemy", "sqlite_utils"}
    handles = ("sqlalchemy.Connection", "sqlalchemy.Engine", "sqlalchemy.exc.")  # what store gives out and others hand back or catch
    verbs = {"exec_driver_sql", "executemany", "executescript"}
    # A format whose files are databases of somebody else: they are only read, by this file alone, and never our own database.
    foreign = PACKAGE / "formats" / "hc_backup" / "database.py"
    wrong = []
    for path, tree in TREES.items():
        if room_of(path) == "store" or path == foreign:
            continue
        found = [(name, line) for name, line in imports(tree, path) if name.split(".")[0] in libraries and not name.startswith(handles)]
        wrong += [f"{where(path, line)} imports {name}" for name, line in found]
        for node in set(ast.walk(tree)) - docstrings(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and speaks.search(node.value):
                wrong.append(f"{where(path, node.lineno)} {node.value[:60]!r}")
            elif isinstance(node, ast.Attribute) and node.attr in verbs:
                wrong.append(f"{where(path, node.lineno)} calls {node.attr}")
    assert not wrong


def test_nothing_below_web_imports_flask():
    above = FLOORS[FLOOR["web"]] | FLOORS[FLOOR["cli"]]
    wrong = [
        f"{where(path, line)} imports {name}"
        for path, tree in TREES.items()
        if room_of(path) not in above
        for name, line in imports(tree, path)
        if name.split(".")[0] in {"flask", "flask_sqlalchemy", "werkzeug"}
    ]
    assert not wrong


def test_no_project_import_inside_a_function():
    wrong = [
        f"{where(path, line)} imports {name}"
        for path, tree in TREES.items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for name, line in imports(function, path)
        if name.split(".")[0] == "healthbox"
    ]
    assert not wrong


def test_no_file_is_longer_than_400_lines():
    own = [path for kind in ("healthbox/**/*.py", "tests/**/*.py", "benchmarks/**/*.py", "templates/**/*.html") for path in TOP.glob(kind)]
    own += [path for path in (TOP / "static").rglob("*") if path.suffix in {".js", ".css"} and "vendor" not in path.parts]
    lengths = {str(path.relative_to(TOP)): len(path.read_text("utf-8").splitlines()) for path in own}
    assert {path: lines for path, lines in lengths.items() if lines > 400} == {}


VAGUE = {"util", "utils", "helper", "helpers", "common", "base", "core", "misc", "service", "services", "manager", "managers"}


@pytest.mark.parametrize("folder", ["healthbox", "tests", "benchmarks", "templates", "static"])
def test_no_file_has_a_vague_name(folder):
    stems = {path for path in (TOP / folder).rglob("*") if not {"vendor", "__pycache__"} & set(path.parts)}
    assert [str(path.relative_to(TOP)) for path in stems if VAGUE & set(path.name.split(".")[0].split("_"))] == []


def test_no_class_has_a_vague_name():
    words = VAGUE - {"service", "services"}  # a notification service is a noun of the field
    vague = re.compile(rf".*({'|'.join(word.capitalize() for word in words)})")
    classes = [(node, path) for path, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert [f"{where(path, node.lineno)} {node.name}" for node, path in classes if vague.fullmatch(node.name)] == []
