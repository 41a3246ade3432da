"""People, accounts, tokens, sources: named on the command line, without a server."""

import json
from pathlib import Path

from bodies import auto_export, sample, sync


def test_a_person_is_added_renamed_and_found_by_name_or_id(home):
    home.run("person", "rename", "alice", "Alice Smith")
    home.run("person", "rename", "1", "Alicia")
    assert "Alicia  Europe/Berlin" in home.run("person", "list").stdout
    assert "no such person" in home.run("person", "rename", "Bob", "Rob", code=1).stderr


def test_a_wrong_zone_and_a_taken_name_are_refused_in_words(home):
    assert "no time zone" in home.run("person", "add", "Bob", "--zone", "Mars/Olympus", code=1).stderr
    assert "already is a person named Alice" in home.run("person", "add", "Alice", code=1).stderr


def test_a_folder_that_holds_nothing_is_named_instead_of_filled(empty):
    assert "no healthbox data" in empty.run("person", "list", code=1).stderr
    assert not empty.data.exists()


def test_a_folder_that_cannot_be_written_exits_78(empty):
    empty.data = Path("/proc/healthbox")
    assert "chown" in empty.run("person", "add", "Alice", code=78).stderr


def test_data_may_be_named_before_or_after_the_command_or_in_the_environment(home, monkeypatch):
    from click.testing import CliRunner

    from healthbox.cli.main import main

    listed = home.run("person", "list").stdout
    assert CliRunner().invoke(main, ["--data", str(home.data), "person", "list"]).stdout == listed
    monkeypatch.setenv("HEALTHBOX_DATA", str(home.data))
    assert CliRunner().invoke(main, ["person", "list"]).stdout == listed


def test_the_first_account_is_an_admin_and_closes_the_setup_link(home):
    home.run("account", "add", "alice", "--person", "Alice", "--password-stdin", said="correct horse\n")
    home.run("person", "add", "Bob")
    home.run("account", "add", "bob", "--person", "Bob", "--password-stdin", said="battery staple\n")
    assert home.rows("SELECT login, admin FROM account ORDER BY id") == [("alice", 1), ("bob", 0)]
    assert home.rows("SELECT 1 FROM setting WHERE name='setup_token'") == []
    assert "last admin" in home.run("account", "remove", "alice", code=1).stderr
    home.run("account", "remove", "bob")
    assert "bob" not in home.run("account", "list").stdout


def test_a_new_password_replaces_the_old_and_a_short_one_is_refused(home):
    home.run("account", "add", "alice", "--person", "Alice", "--password-stdin", said="correct horse\n")
    before = home.rows("SELECT password FROM account")
    assert "at least" in home.run("account", "passwd", "alice", "--password-stdin", said="short\n", code=1).stderr
    assert home.rows("SELECT password FROM account") == before
    home.run("account", "passwd", "ALICE", "--password-stdin", said="another horse\n")
    assert home.rows("SELECT password FROM account") != before
    home.run("account", "add", "al", "--person", "Alice", said="typed horse\ntyped horse\n")


def test_a_token_is_alone_on_stdout_and_kept_nowhere(home):
    result = home.run("token", "add", "Phone", "--person", "Alice")
    token = result.stdout.strip()
    assert token.startswith("hbx_")
    assert result.stdout == f"{token}\n"
    assert "copy it now" in result.stderr
    listed = home.run("token", "list", "--person", "Alice").stdout
    assert token[:12] in listed
    assert token not in listed
    assert "Unknown scope" in home.run("token", "add", "Pad", "--person", "Alice", "--scopes", "all", code=1).stderr


def test_two_devices_of_one_name_are_revoked_by_id(home):
    home.run("token", "add", "Phone", "--person", "Alice")
    home.run("token", "add", "Phone", "--person", "Alice")
    assert "2 devices" in home.run("token", "revoke", "Phone", code=1).stderr
    home.run("token", "revoke", "2")
    home.run("token", "revoke", "phone")  # only one is left
    assert home.run("token", "list").stdout.count("revoked") == 2


def test_removing_a_person_removes_everything_of_theirs_and_nothing_of_others(home):
    home.run("person", "add", "Bob", "--zone", "Europe/Berlin")
    body = auto_export({"2026-11-17 10:00": 1000, "2026-11-18 10:00": 2000}, sleep="2026-11-18", workout="2026-11-18")
    for name in ("Alice", "Bob"):
        home.run("import", home.file(body), "--person", name)
        asleep = ("HKCategoryValueSleepAnalysisAsleepCore", "HKCategoryTypeIdentifierSleepAnalysis")
        stages = sample(7, "2026-11-18T22:00:00Z", "2026-11-19T01:00:00Z", *asleep)
        home.run("import", home.file(sync(stages, sample(1, "2026-11-18T08:00:00Z", "2026-11-18T08:10:00Z", 100))), "--person", name)
        home.run("token", "add", "Phone", "--person", name)
    home.run("person", "remove", "Alice", "--yes")
    left = [
        table
        for (table,) in home.rows("SELECT name FROM sqlite_master WHERE type='table'")
        if "person_id" in {column[1] for column in home.rows(f"PRAGMA table_info({table})")}
        and home.rows(f"SELECT 1 FROM {table} WHERE person_id=1")
    ]
    assert left == []
    assert home.rows("SELECT 1 FROM sample WHERE series_id NOT IN (SELECT id FROM series)") == []
    assert home.rows("SELECT count(*) FROM sample, sleep_stage, workout, day, night")[0][0] > 0  # Bob's
    assert home.rows("PRAGMA foreign_key_check") == []


def test_two_sources_become_one_and_their_days_are_computed_anew(home):
    day = ("2026-11-18T08:00:00Z", "2026-11-18T08:10:00Z")
    old = sample(None, *day, 100) | {"source": {"name": "Old Watch", "product": "Watch6,1"}}
    later = sample(None, "2026-11-18T09:00:00Z", "2026-11-18T09:10:00Z", 50)
    home.run("import", home.file(sync(old, sample(None, *day, 100), later)), "--person", "Alice")
    assert home.run("source", "list").stdout.count("watch") == 2
    before = home.rows("SELECT value FROM day WHERE metric='steps'")
    home.run("source", "merge", "Alice's Watch", "Old Watch", "--person", "Alice")
    assert home.rows("SELECT name FROM source") == [("Alice's Watch",)]
    assert home.rows("SELECT value FROM day WHERE metric='steps'") == before == [(150.0,)]
    assert len(json.loads(home.rows("SELECT detail FROM day WHERE metric='steps'")[0][0])["sources"]) == 1
    assert "no source Ring" in home.run("source", "merge", "Alice's Watch", "Ring", code=1).stderr
