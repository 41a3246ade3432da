"""``healthbox token``: devices that may send or read."""

import click
from sqlalchemy import Connection

from healthbox.cli import words
from healthbox.cli.place import now_ms, opened, person_of
from healthbox.domain.errors import Conflict, NotFound
from healthbox.store import devices, people


@click.group("token")
def command() -> None:
    """Devices that may send or read."""


@command.command()
@click.argument("device")
@click.option("--person", "name", required=True, help="Whose data it is: a name or an id.")
@click.option("--scopes", default="ingest,read", show_default=True, help=f"Of: {', '.join(devices.SCOPES)}.")
def add(device: str, name: str, scopes: str) -> None:
    """Add a device and print its token, which is shown only now."""
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    with opened() as database, database.writing() as c:
        person = person_of(c, name)
        made, token = devices.add_device(c, person.id, device, wanted, now_ms())
    click.echo(token)
    words.note(f"{made.name} of {person.name} (device {made.id}) may: {', '.join(sorted(made.scopes))}.")
    words.note("Send it as the header Authorization: Bearer TOKEN. It is not kept anywhere: copy it now.")


@command.command("list")
@click.option("--person", "name", help="Only of this person.")
def show(name: str | None) -> None:
    """List the devices; of their tokens only the beginning is known."""
    with opened() as database, database.reading() as c:
        names = {person.id: person.name for person in people.list_persons(c)}
        found = devices.list_devices(c, None if name is None else person_of(c, name).id)
    rows = (
        (d.id, names.get(d.person_id), d.name, f"hbx_{d.token_id}_...", ",".join(sorted(d.scopes)), words.when(d.last_used_at),
         words.when(d.last_contact_at), "" if d.revoked_at is None else f"revoked {words.when(d.revoked_at)}")
        for d in found
    )  # fmt: skip
    words.table(("ID", "PERSON", "DEVICE", "TOKEN", "SCOPES", "USED", "LAST SYNC", "STATE"), rows)


@command.command()
@click.argument("device")
@click.option("--person", "name", help="Whose device, where the name alone is not enough.")
def revoke(device: str, name: str | None) -> None:
    """Stop the token of DEVICE (an id, a name, or the token's beginning) from working."""
    with opened() as database, database.writing() as c:
        found = _device(c, device, None if name is None else person_of(c, name).id)
        devices.revoke(c, found.id, now_ms())
    click.echo(f"The token of {found.name} (device {found.id}) no longer works. What it sent stays.")


def _device(c: Connection, said: str, person_id: int | None) -> devices.Device:
    valid = [device for device in devices.list_devices(c, person_id) if device.revoked_at is None]
    token_id = said.removeprefix("hbx_").partition("_")[0]
    for matching in (
        [d for d in valid if d.name.casefold() == said.strip().casefold()],
        [d for d in valid if str(d.id) == said],
        [d for d in valid if d.token_id == token_id],
    ):
        if len(matching) == 1:
            return matching[0]
        if matching:
            ids = ", ".join(str(d.id) for d in matching)
            raise Conflict(f"{len(matching)} devices are called {said}.", hint=f"Say which by its id: {ids}.")
    raise NotFound("There is no such device with a valid token.", hint="See: healthbox token list")
