"""``healthbox serve``: web and worker in one process, on one data folder."""

import logging
import os
import signal
import sys
import threading
from types import FrameType

import click
from msgspec.structs import replace

from healthbox.cli import place
from healthbox.cli.logs import configure
from healthbox.cli.place import open_database
from healthbox.config import Settings
from healthbox.pipeline.accept import Door
from healthbox.pipeline.schedule import key_file
from healthbox.pipeline.worker import Worker
from healthbox.store import disk
from healthbox.store import settings as kept
from healthbox.store.engine import Database
from healthbox.store.locks import ServerLock
from healthbox.store.vault import Vault
from healthbox.web.application import create_app
from healthbox.web.reach import lan_addresses
from healthbox.web.serving import Serving

log = logging.getLogger("healthbox.serve")


@click.command("serve")
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on; 0 takes a free one.")
def command(host: str | None, port: int | None) -> None:
    """Run the server."""
    changes = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    serve(replace(place.settings(), **changes))


def open_vault(settings: Settings, database: Database) -> Vault:
    vault = Vault(settings.data, key_file(settings))
    with database.writing() as c:
        vault.start(c)
    return vault


def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises ``Problem`` when the folder cannot be used or another server holds it."""
    os.umask(0o077)
    disk.prepare(settings.data)
    with ServerLock(settings.data):
        configure(settings.log_level)
        if words := disk.doubtful_file_system(settings.data):
            log.warning(words)
        database = open_database(settings)
        vault = open_vault(settings, database)
        disk.restore_ballast(settings.data, settings.ballast_mb)
        worker = Worker(database, settings, vault)
        door = Door(database, settings, worker.ring)
        app = create_app(settings, database, door, vault=vault, pump=worker)
        server = Serving(app, settings, host=settings.host, port=settings.port)
        sys.setswitchinterval(0.001)  # s: a request waits no longer for a thread that computes
        worker.start()
        _announce(settings, database, server.port)
        _run_until_signal(server)
        if worker.stop():  # else a backup still reads: waiting for it would outlast the patience of who stops us
            database.checkpoint()
            database.close()
        log.info("stopped")


def _run_until_signal(server: Serving) -> None:
    stop = threading.Event()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        log.info("stopping", extra={"signal": signal.Signals(number).name})
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    server.start()
    while not stop.wait(0.5):
        if not server.is_alive():
            log.error("the web server ended")
            break
    server.stop()


def _announce(settings: Settings, database: Database, port: int) -> None:
    """Every address this server can be reached at and, as long as nobody has set it up, the one-use link."""
    with database.writing() as c:
        token = kept.open_setup(c)
    bases = [settings.base_url.rstrip("/")] if settings.base_url else [f"http://{address}:{port}" for address in _addresses(settings.host)]
    lines = ["healthbox is ready:", *(f"  {base}/" for base in bases)]
    if token is None:
        (settings.data / "setup_token").unlink(missing_ok=True)
    else:
        disk.write_private(settings.data / "setup_token", token.encode())
        lines += ["", "Set it up (this link works once):", f"  {bases[-1]}/setup/{token}"]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _addresses(host: str) -> list[str]:
    """localhost and the addresses of this machine's networks, where the server listens on all of them."""
    if host not in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        return [host]
    return ["localhost", *lan_addresses()]
