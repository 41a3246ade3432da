"""The docs say what is: every route, command and setting has its place in them, and nothing that is not there."""

import re
from pathlib import Path

import click
from flask import Flask

from healthbox.cli.main import main
from healthbox.web.application import found_routes

TOP = Path(__file__).parent.parent
API, OPERATIONS = ((TOP / "docs" / name).read_text("utf-8") for name in ("api.md", "operations.md"))


def api_routes() -> set[str]:
    app = Flask("routes")
    for blueprint in found_routes():
        app.register_blueprint(blueprint)
    return {
        f"{method} {rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if str(rule).startswith("/api/") or str(rule) in ("/healthz", "/readyz", "/metrics")
    }


def test_the_api_page_lists_every_route_and_no_other() -> None:
    told = {match.split("?")[0] for match in re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`\s]*)`", API.split("## Sending data")[0])}
    assert told == api_routes()


def test_the_operations_page_lists_every_command_and_no_other() -> None:
    rows = re.findall(r"^\| `(.+?)` \|", OPERATIONS, re.MULTILINE) + re.findall(r"^\| `(\w+) .+?\|", OPERATIONS, re.MULTILINE)
    table = OPERATIONS.split("| command | does |")[1].split("\n\n")[0]
    told = {row.split()[0] for row in re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)}
    assert rows
    assert told == set(main.list_commands(click.Context(main)))


def test_every_subcommand_is_named() -> None:
    table = OPERATIONS.split("| command | does |")[1].split("\n\n")[0]
    for name in main.list_commands(click.Context(main)):
        command = main.commands[name]
        if isinstance(command, click.Group):
            line = next(line for line in table.splitlines() if line.startswith(f"| `{name} "))
            for word in command.commands:
                assert re.search(rf"`(?:{name} )?{word}\b", line), f"{name} {word}"


def test_links_between_the_docs_lead_somewhere() -> None:
    for page in [TOP / "README.md", *(TOP / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
