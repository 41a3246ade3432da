"""What commands say: tables, times, receipts, questions."""

import datetime as dt
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from healthbox.domain.errors import Invalid


def note(text: str) -> None:
    """For the person at the terminal: on stderr, so that stdout holds only what was asked for."""
    click.echo(text, err=True)


def when(ms: int | None) -> str:
    """An instant in this machine's zone, "-" for none."""
    return "-" if ms is None else f"{dt.datetime.fromtimestamp(ms / 1000, dt.UTC).astimezone():%Y-%m-%d %H:%M}"


def counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Aligned columns on stdout."""
    lines = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    for line in lines:
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    text = "-" if value is None or value == "" else str(value)
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)  # names come from outside


def receipt(found: dict[str, Any]) -> None:
    """What became of an upload; why records were refused, but not what they held."""
    chunks, records, timings = found["chunks"], found["records"], found["timings"]
    click.echo(f"upload    {found['batch']}  {found['format']}  {found['status']}")
    click.echo(f"device    {_cell(found['device'])}")
    click.echo("records   " + ", ".join(f"{n} {name}" for name, n in records.items()))
    click.echo(f"chunks    {chunks['done']} of {chunks['total']} done, {chunks['pending'] + chunks['running']} open, {chunks['dead']} dead")
    if timings["closed"] is None and found["share"] is not None:
        click.echo(f"read      {int(100 * found['share'])} %")
    click.echo(f"accepted  {when(timings['accepted'])}   closed {when(timings['closed'])}")
    if (aside := found["superseded"]) is not None and any(aside.values()):
        said = ", ".join(counted(aside[name], name.removesuffix("s")) for name in ("stages", "workouts", "samples") if aside[name])
        click.echo("aside     " + (f"{said} that it lacks: kept, not counted" if said else "what it lacks is counted again"))
    if found["unfinished"]:
        click.echo(f"missing   chunks {found['unfinished']['missing'] or 'at the end'}")
    for error in found["errors"]:
        click.echo(f"failed    chunk {error['chunk']}: {_cell(error['error'])} (attempt {error['attempts']})")
    for rejected in found["rejections"]:
        click.echo(f"rejected  chunk {rejected['chunk']} {_cell(rejected['position'])}: {_cell(rejected['reason'])}")
    if found["cursor"] is not None:
        click.echo("rejected  ... and more; the page Data shows them all")


def confirm(question: str, yes: bool) -> None:
    """Ask a person at a terminal; a script that calls has decided."""
    if not yes and sys.stdin.isatty():
        click.confirm(question, abort=True, err=True)


def secret(what: str, from_stdin: bool) -> str:
    """A password or passphrase: one line of stdin where a script says so, else asked for twice at the terminal."""
    if not from_stdin:
        return str(click.prompt(what, hide_input=True, confirmation_prompt=True, err=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise Invalid(f"There is no {what.lower()} on stdin.", hint="It is the first line.")
    return line
