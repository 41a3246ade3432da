"""Every command beside a running server, on the same data folder, through real processes."""

import re
import threading

from bodies import auto_export, beats, sample, sync
from terminal import Home, until

STEPS = {f"2026-11-1{day} {hour:02d}:00": 100 * day + hour for day in (6, 7, 8) for hour in (8, 9, 10)}
FIRST, SECOND = auto_export(STEPS, sleep="2026-11-17"), auto_export({"2026-11-17 09:00": 5000}, workout="2026-11-17")


def settled(home, batches):
    """All of so many uploads are worked off and folded."""
    closed, dirty = "SELECT count(*) FROM batch WHERE closed_at IS NOT NULL", "SELECT 1 FROM dirty_day"
    until(lambda: home.rows(closed) == [(batches,)] and home.rows(dirty) == [])


def timeless(content):
    """Without the instants at which the two were told."""
    return re.sub(r'"as_of": ?\d+', "", repr(content))


def test_a_device_is_added_sends_is_seen_in_batches_and_is_revoked(home, serve):
    server = serve(home)
    token = home.run("token", "add", "Phone", "--person", "Alice").stdout.strip()
    status, answer = server.ask("/api/v1/ingest", token, FIRST)
    assert status == 202
    settled(home, 1)
    assert answer["batch"] in home.run("batches").stdout
    assert "19 new" in home.run("batches", answer["batch"]).stdout
    assert server.ask("/api/v1/days?metric=steps&from=2026-11-17&to=2026-11-17", token)[1]["days"][0]["value"] == 2127
    home.run("token", "revoke", "Phone")
    assert server.ask("/api/v1/ingest", token, FIRST)[0] == 401


def test_an_import_says_the_same_beside_a_server_and_without_one(home, serve, tmp_path):
    alone = Home(tmp_path / "alone")
    alone.run("person", "add", "Alice", "--zone", "Europe/Berlin")
    serve(home)
    said = []
    for place in (home, alone):
        for body in (FIRST, SECOND, FIRST):
            result = place.run("import", place.file(body), "--person", "Alice")
        said.append([line for line in result.stdout.splitlines() if not line.startswith(("upload", "accepted"))])
    assert said[0] == said[1]
    assert home.receipts() == alone.receipts()
    assert timeless(home.content()) == timeless(alone.content())


def test_an_upload_is_removed_and_the_days_are_rebuilt_while_the_server_runs(home, serve):
    server = serve(home)
    token = home.run("token", "add", "Phone", "--person", "Alice").stdout.strip()
    assert server.ask("/api/v1/ingest", token, FIRST)[0] == 202
    settled(home, 1)
    before = home.content()
    _, answer = server.ask("/api/v1/ingest", token, SECOND)
    settled(home, 2)
    assert home.content() != before
    home.run("upload", "remove", answer["batch"])
    settled(home, 2)
    assert home.content() == before
    home.run("rebuild")
    assert home.content() == before


def test_people_and_sources_change_under_a_running_server(home, serve):
    server = serve(home)
    home.run("person", "add", "Bob")
    token = home.run("token", "add", "Phone", "--person", "Bob").stdout.strip()
    assert server.ask("/api/v1/ingest", token, FIRST)[0] == 202
    settled(home, 1)
    home.run("person", "remove", "Bob")
    assert server.ask("/api/v1/ingest", token, FIRST)[0] == 401
    assert home.rows("SELECT count(*) FROM sample") + home.rows("SELECT count(*) FROM day") == [(0,), (0,)]


def test_a_second_server_and_a_restore_are_refused_and_a_backup_is_not(home, serve, tmp_path):
    serve(home)
    home.run("import", home.file(FIRST), "--person", "Alice")
    assert "already runs" in home.run("serve", "--port", "0", code=1).stderr
    made = home.run("backup", str(tmp_path / "copy")).stdout.strip()
    refused = home.run("restore", made, code=1)
    assert "already runs" in refused.stderr
    checked = home.run("check").stdout
    assert "running" in checked
    assert "bad" not in checked


def test_a_backup_beside_a_server_restores_to_the_same_days_and_the_old_token_works(home, serve, tmp_path):
    server = serve(home)
    token = home.run("token", "add", "Phone", "--person", "Alice").stdout.strip()
    home.run("import", home.file(FIRST), "--person", "Alice")
    before = home.content()["day"]
    copy = home.run("backup", str(tmp_path / "copy"), "--with-key", "--passphrase-stdin", said="a long passphrase\n").stdout.strip()
    other = Home(tmp_path / "other")
    assert "vault key is restored" in other.run("restore", copy, "--passphrase-stdin", said="a long passphrase\n").stdout
    assert other.content()["day"] == before
    assert serve(other).ask("/api/v1/sync/state", token)[1]["epoch"] != server.ask("/api/v1/sync/state", token)[1]["epoch"]
    assert "not sound" in _spoiled(copy, tmp_path, other.__class__(tmp_path / "third"))


def _spoiled(copy, tmp_path, third):
    database = tmp_path / "copy" / "healthbox.db"
    content = bytearray(database.read_bytes())
    content[5000] ^= 1
    database.chmod(0o600)
    database.write_bytes(content)
    return third.run("restore", copy, code=1).stderr


def test_sigterm_ends_the_server_within_eight_seconds_under_load_and_nothing_is_lost(home, serve):
    server = serve(home)
    token = home.run("token", "add", "Phone", "--person", "Alice").stdout.strip()
    accepted, stop = [], threading.Event()

    def send(number):
        index = 0
        while not stop.is_set():
            try:
                status, _ = server.ask("/api/v1/sync", token, beats(200, batch=f"phone-{number}", index=index, final=False))
            except OSError:
                return
            if status == 202:
                accepted.append((f"phone-{number}", index))
                index += 1

    phones = [threading.Thread(target=send, args=(number,)) for number in range(3)]
    for phone in phones:
        phone.start()
    until(lambda: len(accepted) > 12)
    code, seconds = server.stop()
    stop.set()
    for phone in phones:
        phone.join()
    assert code == 0
    assert seconds < 8
    kept = set(home.rows("SELECT client, idx FROM chunk JOIN batch ON batch.id=batch_id"))
    assert set(accepted) <= kept
    serve(home)
    until(lambda: home.rows("SELECT 1 FROM chunk WHERE status<>'done'") == [], 25)
    last = max(index for _, index in kept)
    assert home.rows("SELECT count(*) FROM sample") == [((last + 1) * 200,)]  # all phones told the same beats


def test_a_dead_letter_is_replayed_by_the_server(home, serve):
    home.run("import", home.file(sync(sample(1, "2026-11-18T08:00:00Z", "2026-11-18T08:10:00Z", 100))), "--person", "Alice")
    connection = __import__("sqlite3").connect(home.data / "healthbox.db")
    connection.execute("UPDATE chunk SET status='dead', error='gone wrong', position=0")
    connection.commit()
    connection.close()
    serve(home)
    assert "0 dead once more" in home.run("dead", "replay", "--all").stdout
    assert home.rows("SELECT status FROM chunk") == [("done",)]


def test_lists_are_read_beside_a_server_and_without_one(home, serve):
    lists = [("person", "list"), ("token", "list"), ("account", "list"), ("source", "list"), ("dead", "list"), ("batches",)]
    alone = [home.run(*words).stdout for words in lists]
    serve(home)
    assert [home.run(*words).stdout for words in lists] == alone
    assert all(text.splitlines()[0].isupper() for text in alone)
