"""The public surface, in one text: what scripts, phones and people's settings rest on. Changing it is a decision, never an accident.

After a wanted change: ``UPDATE_SNAPSHOTS=1 bin/test tests/test_surface.py``, look at the diff of surface.txt, say it in CHANGELOG.md.
"""

import datetime as dt
import difflib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from flask import Flask
from house import House, at, steps
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from healthbox import config
from healthbox.analytics import rules
from healthbox.cli.main import main
from healthbox.formats import registry
from healthbox.notify.messages import Detail
from healthbox.pipeline import meters
from healthbox.store import devices, findings
from healthbox.store.findings import State
from healthbox.web.application import create_app
from healthbox.web.auth import opening_of

HERE = Path(__file__).with_name("surface.txt")
DAY = dt.date(2026, 3, 2)
HOW = "Wanted? UPDATE_SNAPSHOTS=1 bin/test tests/test_surface.py, and a line in CHANGELOG.md."


@pytest.fixture
def alive(tmp_path: Path) -> Iterator[tuple[Flask, dict[str, str]]]:
    """A house in which everything that an answer may hold has happened once; its application; a token for all of it."""
    house = House(tmp_path)
    stage = {"type": "sleep_analysis", "start": at(2, 0), "end": at(2, 6), "value": "core", "source": "Alice's Watch"}
    workout = {"uuid": "a" * 32, "type": "running", "start": at(2, 7), "end": at(2, 8), "source": "Alice's Watch"}
    unknown = steps(at(2, 10), at(2, 11), 1, unit="furlong")
    walk = steps(at(2, 9), at(2, 10), 900, uuid="b" * 32)
    accepted = house.sync(samples=[walk, stage, unknown], workouts=[workout], anchor="1", metric="steps")
    house.sync(samples=[walk])
    with house.database.writing() as c:
        c.exec_driver_sql("UPDATE device SET scopes=?", (",".join(devices.SCOPES),))
        c.exec_driver_sql("UPDATE chunk SET error='gone wrong'")
        c.exec_driver_sql("UPDATE chunk SET status='dead' WHERE batch_id=2")
        findings.upsert_episode(
            c, house.alice.id, "deviation", "steps", DAY, latest=DAY, ended=False, severity="warn",
            json='{"findings": [{"date": "2026-03-02"}]}', now=house.at,
        )  # fmt: skip
    app = create_app(house.settings, house.database, house.door, clock=lambda: house.at)
    yield app, {"Authorization": f"Bearer {house.token}", "receipt": f"/api/v1/batches/{accepted.batch}"}
    house.database.close()


def routes(app: Flask) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        opening = opening_of(app, rule.endpoint)
        scopes = ",".join(sorted(opening.scopes)) + (f" or {opening.networks}" if opening.networks else "")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield f"{rule.rule} {method}: {scopes}"


def parameters(app: Flask) -> Iterator[str]:
    for path, methods in app.test_client().get("/api/v1/openapi.json").json["paths"].items():
        for method, operation in methods.items():
            for parameter in operation["parameters"]:
                if parameter["in"] == "query":
                    yield f"{method.upper()} {path} ?{parameter['name']}{' (required)' if parameter['required'] else ''}"


def commands(command: click.Command, name: str) -> Iterator[str]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from commands(found, f"{name} {inner}".strip())
        return
    words = [f"<{p.name}>" for p in command.params if isinstance(p, click.Argument)]
    options = sorted(
        "/".join(p.opts) + ("" if p.is_flag else "=") + ("!" if p.required else "") for p in command.params if isinstance(p, click.Option)
    )
    yield " ".join([name, *words, *options])


def prometheus(app: Flask) -> Iterator[str]:
    for meter in vars(meters).values():  # their labels show in no answer before the first event
        if isinstance(meter, MetricWrapperBase):
            yield prometheus_line(meter.describe()[0], meter._labelnames)
    counted = {f"{name}{end}" for name in meter_names() for end in ("", "_created")}
    for family in text_string_to_metric_families(app.test_client().get("/metrics").text):
        if family.name.startswith("healthbox_") and family.name not in counted:
            yield prometheus_line(family, {label for sample in family.samples for label in sample.labels})


def meter_names() -> set[str]:
    return {meter.describe()[0].name for meter in vars(meters).values() if isinstance(meter, MetricWrapperBase)}


def prometheus_line(family: Metric, labels: Iterable[str]) -> str:
    return f"{family.name} ({family.type})" + (f" by {', '.join(sorted(labels))}" if labels else "")


def keys(value: Any, path: str = "") -> set[str]:
    """The paths of all keys in a JSON answer; ``[]`` is each element of a list."""
    if isinstance(value, dict):
        return {f"{path}.{name}".lstrip(".") for name in value} | {
            k for name, inner in value.items() for k in keys(inner, f"{path}.{name}")
        }
    if isinstance(value, list):
        return {key for inner in value for key in keys(inner, f"{path}[]")}
    return set()


def answers(app: Flask, headers: dict[str, str]) -> Iterator[str]:
    span = "from=2026-03-01&to=2026-03-03"
    paths = {
        "POST ingest and sync": "", "receipt": headers["receipt"], "batches": "/api/v1/batches", "state": "/api/v1/sync/state",
        "samples": f"/api/v1/samples?metric=steps&{span}", "days": f"/api/v1/days?metric=steps&{span}", "nights": f"/api/v1/nights?{span}",
        "workouts": f"/api/v1/workouts?{span}", "findings": "/api/v1/findings", "metrics": "/api/v1/metrics", "dead": "/api/v1/dead",
        "why": "/api/v1/days/steps/2026-03-02/why", "healthz": "/healthz", "readyz": "/readyz", "error": "/api/v1/nothing",
    }  # fmt: skip
    client, bearer = app.test_client(), {"Authorization": headers["Authorization"]}
    for name, path in paths.items():
        empty = {"batch": "empty", "index": 0, "final": True, "samples": []}
        answer = client.get(path, headers=bearer) if path else client.post("/api/v1/sync", json=empty, headers=bearer)
        for key in sorted(keys(answer.json)):
            yield f"{name}: {key}"


def surface(app: Flask, headers: dict[str, str]) -> str:
    sections: dict[str, Callable[[], Iterator[str]]] = {
        "Routes: path, method, who may (any of)": lambda: iter(sorted(routes(app))),
        "Query parameters": lambda: iter(sorted(parameters(app))),
        "Keys of JSON answers": lambda: answers(app, headers),
        "Commands: <argument>, --flag, --option=, ! is required": lambda: iter(sorted(commands(main, ""))),
        "Settings: name, environment, default": lambda: (f"{row.name} {row.env} {row.default}" for row in config.rows()),
        "Formats": lambda: iter(sorted([*registry.discover(), *(f"{name} (file)" for name in registry.discover_files())])),
        "Rules with their parameters": lambda: (
            f"{r.name} {p}={n:g}" for r in rules.discover().values() for p, n in sorted(r.params.items())
        ),
        "Scopes of a token": lambda: iter(devices.SCOPES),
        "What a message may tell": lambda: iter(get_args(Detail)),
        "States of a finding": lambda: iter(get_args(State)),
        "Prometheus": lambda: iter(sorted(prometheus(app))),
    }
    return "\n".join("\n".join([f"# {title}", *lines(), ""]) for title, lines in sections.items())


def test_the_public_surface_is_what_it_was(alive: tuple[Flask, dict[str, str]]) -> None:
    app, headers = alive
    found = surface(app, headers)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        HERE.write_text(found, "utf-8")
    diff = list(
        difflib.unified_diff(HERE.read_text("utf-8").splitlines(), found.splitlines(), "surface.txt", "as it is now", "", "", 0, "")
    )
    assert not diff, "the public surface changed:\n" + "\n".join(diff) + f"\n{HOW}"
