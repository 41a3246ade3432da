"""The surface of the command line, the check, backups without a server."""

import subprocess
import sys

import click
import pytest
from bodies import auto_export
from click.testing import CliRunner

from healthbox.cli import main as package_main
from healthbox.cli import restore as restore_module
from healthbox.cli.main import found_commands, main
from healthbox.store import channels
from healthbox.store.engine import Database
from healthbox.store.vault import Vault, write_key

SURFACE = {
    "account": ["add", "list", "passwd", "remove"],
    "backup": [], "batches": [], "check": [],
    "dead": ["discard", "list", "replay", "show"],
    "demo": [], "export": [], "import": [],
    "person": ["add", "list", "remove", "rename"],
    "rebuild": [], "restore": [], "serve": [],
    "source": ["list", "merge"],
    "token": ["add", "list", "revoke"],
    "upload": ["aside", "remove", "replay"],
}  # fmt: skip


def loaded() -> dict[str, click.Command]:
    main.list_commands(click.Context(main))
    return main.commands


def test_a_command_is_found_without_loading_the_others() -> None:
    code = (
        "import sys\nfrom healthbox.cli.main import main\nmain(['token', '--help'], standalone_mode=False)\nprint('flask' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "Usage:" in told
    assert told.rstrip().endswith("False")


def test_the_commands_are_these():
    assert {name: sorted(getattr(command, "commands", {})) for name, command in loaded().items()} == SURFACE


def test_every_command_takes_data_and_explains_itself():
    for name, inner in SURFACE.items():
        for words in [[name], *([name, one] for one in inner)]:
            text = CliRunner().invoke(package_main, [*words, "--help"]).output
            assert "--data" in text
            assert text.count("\n") > 3


def test_a_module_whose_command_is_none_is_refused_loudly(monkeypatch):
    monkeypatch.setattr(restore_module, "command", "restore")
    with pytest.raises(RuntimeError, match=r"restore\.command is no click command"):
        list(found_commands())


def test_the_check_of_a_sound_folder_exits_0_and_lists_formats_and_rules(home):
    out = home.run("check").stdout
    assert "health-auto-export" in out
    assert "deviation" in out
    assert "database     sound" in out


def test_the_check_before_the_first_start_is_no_failure_and_makes_nothing(empty):
    assert "not there yet" in empty.run("check").stdout
    assert not empty.data.exists()


def test_the_check_names_what_is_wrong_and_exits_1(home, monkeypatch):
    monkeypatch.setenv("HEALTHBOX_MIN_FREE_MB", "999999")
    out = home.run("check", code=1).stdout
    assert "bad   disk" in out
    assert "Free some space" in out
    monkeypatch.setenv("HEALTHBOX_PORT", "much")
    assert "bad   settings" in home.run("check", code=1).stdout


def test_the_check_lists_channels_that_another_key_sealed(home):
    database = Database(home.data)
    with database.writing() as c:
        vault = Vault(home.data)
        vault.start(c)
        alice = c.exec_driver_sql("SELECT id FROM person").scalar_one()
        chosen = {"name": "Mail", "service": "Mail", "url": "mailto://alice", "detail": "nothing", "least": "warn", "now": 0}
        made = channels.add(c, vault, alice, **chosen)
    database.close()
    assert "another key" not in home.run("check").stdout
    vault.path.unlink()
    write_key(vault.path, b"n" * 32)
    out = home.run("check", code=1).stdout
    assert f"bad   channel      {made} (Mail): sealed with another key" in out
    assert "Enter its address again" in out and "mailto" not in out


def test_the_check_finds_a_broken_database(home):
    home.run("import", home.file(auto_export({"2026-11-17 10:00": 100})), "--person", "Alice")
    path = home.data / "healthbox.db"
    content = bytearray(path.read_bytes())
    for page in range(8, len(content) // 4096):
        content[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(content)
    assert "bad   database" in home.run("check", code=1).stdout


def test_a_newer_database_is_left_alone(home):
    connection = __import__("sqlite3").connect(home.data / "healthbox.db")
    connection.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('healthbox', 'm9999_future', '2026')")
    connection.commit()
    connection.close()
    assert "newer healthbox" in home.run("person", "list", code=1).stderr
    assert "bad   schema" in home.run("check", code=1).stdout


def test_a_backup_goes_into_a_folder_that_exists_or_makes_a_new_one(home, tmp_path):
    (tmp_path / "disk").mkdir()
    inside = home.run("backup", str(tmp_path / "disk")).stdout.strip()
    assert inside.startswith(f"{tmp_path}/disk/healthbox-20")
    new = home.run("backup", str(tmp_path / "new")).stdout.strip()
    assert new == f"{tmp_path}/new"
    assert (tmp_path / "new" / "manifest.json").stat().st_mode & 0o777 == 0o600


def test_a_restore_says_what_becomes_of_tokens_that_were_revoked_since(home, tmp_path):
    home.run("token", "add", "Phone", "--person", "Alice")
    home.run("backup", str(tmp_path / "copy"))
    home.run("token", "revoke", "Phone")
    assert "Revoked since then, and still revoked: 1 token." in home.run("restore", str(tmp_path / "copy")).stdout
    assert "revoked" in home.run("token", "list").stdout
    home.data = tmp_path / "elsewhere"
    assert "revoke them again" in home.run("restore", str(tmp_path / "copy")).stdout


def test_a_restore_puts_what_was_there_aside(home, tmp_path):
    home.run("backup", str(tmp_path / "copy"))
    home.run("person", "add", "Bob")
    out = home.run("restore", str(tmp_path / "copy")).stdout
    assert "before-restore" in out
    assert "Logins, passwords and tokens are those of then. No token was revoked since." in out
    assert "Bob" not in home.run("person", "list").stdout
    assert "Alice" in home.run("person", "list").stdout
