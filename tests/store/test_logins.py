import threading

from sqlalchemy import Connection

from healthbox.config import Settings
from healthbox.store import accounts, logins, settings
from healthbox.store.engine import Database

NOW = 1_763_000_000_000
DAY = 86_400_000
USUAL = Settings()


def account(connection: Connection, login: str = "alice") -> int:
    return accounts.add_account(connection, login, "hash", None, True, NOW).id


def test_a_session_is_found_by_its_cookie_only(database: Database) -> None:
    with database.writing() as c:
        session, cookie = logins.create_session(c, account(c), "Firefox", NOW)
        assert logins.find_session(c, cookie, NOW, USUAL) == session
        assert logins.find_session(c, cookie + "x", NOW, USUAL) is None
        assert logins.find_session(c, "\ud800", NOW, USUAL) is None
        assert cookie not in str(c.exec_driver_sql("SELECT * FROM session").all())


def test_a_session_ends_after_14_idle_days(database: Database) -> None:
    with database.writing() as c:
        _, cookie = logins.create_session(c, account(c), "", NOW)
        assert logins.find_session(c, cookie, NOW + 14 * DAY - 1, USUAL)
        assert logins.find_session(c, cookie, NOW + 14 * DAY, USUAL) is None


def test_a_used_session_ends_after_90_days(database: Database) -> None:
    with database.writing() as c:
        session, cookie = logins.create_session(c, account(c), "", NOW)
        for day in range(0, 90, 10):
            logins.touch_session(c, session.id, NOW + day * DAY)
        assert logins.find_session(c, cookie, NOW + 90 * DAY - 1, USUAL)
        assert logins.find_session(c, cookie, NOW + 90 * DAY, USUAL) is None


def test_the_settings_say_how_long_a_session_lasts(database: Database) -> None:
    longer = Settings(session_idle_days=60, session_max_days=365)
    with database.writing() as c:
        alice = account(c)
        session, cookie = logins.create_session(c, alice, "", NOW)
        later = NOW + 60 * DAY - 1
        assert logins.find_session(c, cookie, later, longer) == session
        assert logins.list_sessions(c, alice, later, longer) == [session]
        logins.clean_up(c, later, longer)
        assert logins.find_session(c, cookie, later, longer)
        assert logins.find_session(c, cookie, NOW + DAY, Settings(session_idle_days=1)) is None


def test_seen_is_noted_at_most_once_a_minute(database: Database) -> None:
    with database.writing() as c:
        session, cookie = logins.create_session(c, account(c), "", NOW)
        logins.touch_session(c, session.id, NOW + 59_999)
        assert logins.find_session(c, cookie, NOW, USUAL) == session
        assert not logins.seen_is_due(session, NOW + 59_999) and logins.seen_is_due(session, NOW + 60_000)


def test_one_session_or_all_others_can_be_ended(database: Database) -> None:
    with database.writing() as c:
        alice, bob = account(c), account(c, "bob")
        first, _ = logins.create_session(c, alice, "Firefox", NOW)
        second, _ = logins.create_session(c, alice, "Safari", NOW + 1)
        his, _ = logins.create_session(c, bob, "Chrome", NOW)
        assert logins.list_sessions(c, alice, NOW, USUAL) == [second, first]
        assert not logins.revoke_session(c, alice, his.id)
        assert logins.revoke_session(c, alice, first.id)
        logins.create_session(c, alice, "Edge", NOW)
        assert logins.revoke_all(c, alice, keep=second.id) == 1
        assert logins.list_sessions(c, alice, NOW, USUAL) == [second]
        assert logins.list_sessions(c, bob, NOW, USUAL) == [his]


def test_failures_are_counted_per_guesser_and_forgiven(database: Database) -> None:
    with database.writing() as c:
        for second in range(3):
            logins.note_failure(c, "alice|10.0.0.7", NOW + second * 1000)
        logins.note_failure(c, "bob|10.0.0.7", NOW)
        assert logins.failures(c, "Alice|10.0.0.7", NOW) == [NOW + 1000, NOW + 2000]
        assert "alice" not in str(c.exec_driver_sql("SELECT * FROM login_failure").all())
        logins.forgive(c, "alice|10.0.0.7")
        assert logins.failures(c, "alice|10.0.0.7", 0) == []
        assert logins.failures(c, "bob|10.0.0.7", 0) == [NOW]


def test_clean_up_drops_what_is_over(database: Database) -> None:
    with database.writing() as c:
        alice = account(c)
        logins.create_session(c, alice, "", NOW)
        kept, _ = logins.create_session(c, alice, "", NOW + 14 * DAY)
        logins.note_failure(c, "x", NOW)
        logins.clean_up(c, NOW + 14 * DAY, USUAL)
        assert c.exec_driver_sql("SELECT id FROM session").scalars().all() == [kept.id]
        assert logins.failures(c, "x", 0) == []


def test_the_setup_token_makes_one_admin_however_many_claim_it(database: Database) -> None:
    with database.writing() as c:
        token = settings.open_setup(c)
        assert token and len(token) == 32
    won: list[int] = []

    def claim(number: int) -> None:
        with database.writing() as c:
            if settings.claim_setup(c, token):
                won.append(accounts.add_account(c, f"admin{number}", "hash", None, True, NOW).id)

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    with database.writing() as c:
        assert accounts.count_accounts(c) == 1
        assert settings.get(c, settings.SETUP) is None
        assert settings.open_setup(c) is None


def test_a_wrong_setup_token_uses_nothing_up(database: Database) -> None:
    with database.writing() as c:
        token = settings.open_setup(c) or ""
        assert not settings.claim_setup(c, token + "x")
        assert token not in str(c.exec_driver_sql("SELECT * FROM setting").all())
        assert settings.is_setup_token(c, token) and settings.claim_setup(c, token)
        assert not settings.claim_setup(c, token)
