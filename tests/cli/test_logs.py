"""A log line holds what its event names, from a list, and nothing else."""

import ast
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import healthbox
from healthbox.cli.logs import FIELDS, Lines


def line(**extra: object) -> dict[str, object]:
    record = logging.makeLogRecord({"name": "healthbox.inbox", "levelno": 30, "levelname": "WARNING", "msg": "a file waits", **extra})
    read: dict[str, object] = json.loads(Lines().format(record))
    return read


def logged() -> Iterator[tuple[str, str]]:
    """Every name in a literal dictionary that goes into ``extra=``, and where."""
    for path in sorted(Path(healthbox.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_text())
        named = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.keyword) or node.arg != "extra":
                continue
            given = named.get(node.value.id) if isinstance(node.value, ast.Name) else node.value
            assert isinstance(given, ast.Dict), f"{path.name}:{node.value.lineno}: names that nobody can list"
            for key in given.keys:
                if isinstance(key, ast.Constant):
                    yield str(key.value), f"{path.name}:{key.lineno}"


def test_what_is_on_the_list_is_told_and_nothing_else() -> None:
    told = line(reason="Permission denied", rows=3, body="54 bpm")
    assert (told["reason"], told["rows"]) == ("Permission denied", 3)
    assert "body" not in told


def test_every_field_that_is_logged_is_on_the_list() -> None:
    found = list(logged())
    assert {"job", "reason", "rows", "stages"} <= {name for name, _ in found}
    assert [f"{where}: {name}" for name, where in found if name not in FIELDS] == []
