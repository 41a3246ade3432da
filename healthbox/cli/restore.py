"""``healthbox restore``: back to a backup."""

import sys
from pathlib import Path

import click

from healthbox.cli import words
from healthbox.cli.place import now_ms, settings
from healthbox.pipeline.schedule import key_file
from healthbox.store import restore, vault
from healthbox.store.backup import SEALED_KEY

KEY = {
    "none": "There was no vault key.",
    "kept": "The vault key at hand is the right one.",
    "restored": "The vault key is restored too.",
    "lost": "Without the vault key the addresses of channels are lost: enter them again. All health data is here.",
}


@click.command("restore")
@click.argument("source", metavar="SRC", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--passphrase-stdin", is_flag=True, help="Read the passphrase of the vault key from the first line of stdin.")
def command(source: Path, passphrase_stdin: bool) -> None:
    """Put the backup SRC in place of what is there, which goes aside. Stop the server first."""
    given = settings()
    key = key_file(given)
    passphrase = words.secret("Passphrase", True) if passphrase_stdin else None
    if passphrase is None and (source / SEALED_KEY).exists() and not (key or given.data / vault.FILE).exists() and sys.stdin.isatty():
        question = "Passphrase of the vault key (empty: go on without it)"
        passphrase = click.prompt(question, default="", show_default=False, hide_input=True, err=True)
    done = restore.restore(source, given.data, passphrase=passphrase or None, now=now_ms(), key_file=key)
    click.echo(f"Restored: the state of {words.when(done.since)}, written by healthbox {done.manifest.app}.")
    click.echo(KEY[done.key])
    click.echo(f"Logins, passwords and tokens are those of then. {_revoked(done.revoked)}")
    if done.aside is not None:
        click.echo(f"What was there before is in {done.aside}.")
    click.echo(f"Phones that ask are told to send again from {words.when(done.since)} on.")


def _revoked(count: int | None) -> str:
    if count is None:
        return "Tokens revoked since work again, for what was here before does not tell them: see token list, and revoke them again."
    return f"Revoked since then, and still revoked: {words.counted(count, 'token')}." if count else "No token was revoked since."
