"""``healthbox backup``: a verified copy of everything."""

from pathlib import Path

import click

from healthbox.cli import words
from healthbox.cli.place import now_ms, opened, settings
from healthbox.pipeline.schedule import key_file
from healthbox.store import backup
from healthbox.store.vault import Vault


@click.command("backup")
@click.argument("destination", metavar="DEST", type=click.Path(path_type=Path))
@click.option("--with-key", is_flag=True, help="Add the vault key, sealed under a passphrase.")
@click.option("--passphrase-stdin", is_flag=True, help="Read the passphrase from the first line of stdin.")
def command(destination: Path, with_key: bool, passphrase_stdin: bool) -> None:
    """Write a verified backup as the new folder DEST; into a folder that exists, as a dated one inside. Prints where it is."""
    given, now = settings(), now_ms()
    made = destination / backup.folder_name(now) if destination.is_dir() else destination
    with opened(given) as database:
        passphrase = words.secret("Passphrase", passphrase_stdin) if with_key or passphrase_stdin else None
        vault = Vault(given.data, key_file(given))
        manifest = backup.backup(database, made, passphrase=passphrase, vault=vault, now=now)
        backup.verify(made)
    click.echo(made)
    size = sum(file.size for file in manifest.files.values())
    rows, files = words.counted(sum(manifest.counts.values()), "row"), words.counted(len(manifest.files), "file")
    words.note(f"{rows}, {files}, {size:,} bytes; read back and sound.")
    if manifest.missing:
        words.note(f"{words.counted(len(manifest.missing), 'upload file')} had been gone before; the records read from them are in it.")
    if passphrase is None and manifest.key_id is not None:
        words.note("The vault key is not in it (--with-key): after a restore elsewhere, the addresses of channels must be entered again.")
