from collections.abc import Callable
from threading import Thread

import pytest
from argon2 import extract_parameters
from flask import Flask
from place import PASSWORD, Place

from healthbox.store import accounts, logins
from healthbox.web import passwords, throttle
from healthbox.web.auth import insist_on_scopes, opens

FORM = {"login": "alice", "password": PASSWORD}


def test_login_opens_a_session_and_logout_ends_it(place: Place) -> None:
    client = place.client()
    answer = client.post("/login", data=FORM)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert client.get("/login").status_code == 303
    with place.database.reading() as c:
        session = logins.list_sessions(c, 1, place.clock(), place.settings)[0]
    assert client.post("/logout", data={"csrf": session.csrf}).status_code == 303
    assert client.get("/login").status_code == 200


def test_login_gives_a_new_session_every_time(place: Place) -> None:
    client = place.client()
    first = client.post("/login", data=FORM).headers["Set-Cookie"]
    second = client.post("/login", data=FORM).headers["Set-Cookie"]
    assert first != second
    with place.database.reading() as c:
        assert len(logins.list_sessions(c, 1, place.clock(), place.settings)) == 1


def test_a_planted_session_is_not_taken_over(place: Place) -> None:
    client = place.client()
    client.set_cookie("healthbox", "planted")
    assert "planted" not in client.post("/login", data=FORM).headers["Set-Cookie"]


@pytest.mark.parametrize("form", [{**FORM, "password": "wrong"}, {**FORM, "login": "mallory"}, {}, {**FORM, "password": "x" * 5000}])
def test_a_wrong_login_is_told_nothing_more(place: Place, form: dict[str, str]) -> None:
    answer = place.client().post("/login", data=form)
    assert answer.status_code == 401
    assert "Login and password do not match." in answer.text
    assert "Set-Cookie" not in answer.headers


def test_an_unknown_login_costs_a_hash_of_the_same_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    known, nobody = extract_parameters(passwords.hashed(PASSWORD)), extract_parameters(passwords.NOBODY)
    assert known == nobody
    assert (known.memory_cost, known.time_cost, known.parallelism) == (19_456, 2, 1)
    assert not passwords.is_outdated(passwords.NOBODY)
    assert passwords.matches(None, PASSWORD) is False


def test_only_two_hashes_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "PATIENCE_S", 0.01)
    with passwords._turn(), passwords._turn(), pytest.raises(passwords.TooMany):
        passwords.hashed(PASSWORD)


def test_a_login_lasts_as_long_as_the_settings_say(furnished: Callable[..., Place]) -> None:
    place = furnished(session_idle_days=60, session_max_days=365)
    browser = place.browser()
    place.clock.at += 59 * 86_400_000
    assert browser.client.get("/settings").status_code == 200
    place.clock.at += 60 * 86_400_000
    assert browser.client.get("/settings").status_code == 303


@pytest.mark.parametrize("password", ["short", "é" * 600])
def test_a_password_has_bounds(password: str) -> None:
    with pytest.raises(passwords.Invalid):
        passwords.hashed(password)


def test_an_outdated_hash_is_made_anew_at_login(place: Place) -> None:
    old = passwords.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with place.database.writing() as c:
        accounts.set_password(c, 1, old)
    assert place.client().post("/login", data=FORM).status_code == 303
    with place.database.reading() as c:
        assert not passwords.is_outdated(accounts.password_hash(c, 1))


def test_guessing_gets_slower_and_is_forgiven(place: Place) -> None:
    client = place.client()
    for _ in range(throttle.FREE):
        assert client.post("/login", data={**FORM, "password": "wrong"}).status_code == 401
    refused = client.post("/login", data=FORM)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "30"
    assert client.post("/login", data={"login": "bob", "password": PASSWORD}).status_code == 303, "another account is not touched"
    other = client.post("/login", data=FORM, environ_overrides={"REMOTE_ADDR": "192.168.1.9"})
    assert other.status_code == 303, "nor is the owner at another address"
    place.clock.at += 31_000
    assert place.client().post("/login", data=FORM).status_code == 303
    assert place.client().post("/login", data={**FORM, "password": "wrong"}).status_code == 401, "success wiped the slate"


def test_the_wait_grows_but_never_beyond_the_window() -> None:
    waits = [throttle.wait_ms([0] * count, 0) // 1000 for count in range(12)]
    assert waits == [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900]
    assert throttle.wait_ms([0] * 50, throttle.WINDOW_MS) == 0


def test_one_ipv6_customer_is_one_guesser() -> None:
    assert throttle.who("alice", "2001:db8::1") == throttle.who(" alice", "2001:db8::ffff")
    assert throttle.who("alice", "2001:db8::1") != throttle.who("alice", "2001:db8:0:1::1")


def test_parallel_guesses_are_counted_before_they_are_looked_at(place: Place) -> None:
    seen: list[int] = []

    def guess() -> None:
        seen.append(place.client().post("/login", data={**FORM, "password": "wrong"}).status_code)

    threads = [Thread(target=guess) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [401] * 5 + [429] * 5


@pytest.mark.parametrize("target", ["//evil.example", "https://evil", "/\\evil.example", "/\t/evil.example", "x", "/a\r\nSet-Cookie: x=1"])
def test_login_never_leads_to_another_site(place: Place, target: str) -> None:
    assert place.client().post("/login", data={**FORM, "next": target}).headers["Location"] == "/"


def test_login_leads_back_to_where_one_was(place: Place) -> None:
    assert place.client().post("/login", data={**FORM, "next": "/day/2026-11-20?x=1"}).headers["Location"] == "/day/2026-11-20?x=1"


def test_a_session_ends_when_idle_and_when_old(furnished: Callable[..., Place]) -> None:
    place = furnished(session_idle_days=2, session_max_days=3)
    browser = place.browser()
    assert browser.client.get("/login").status_code == 303
    place.clock.at += 86_400_000 + 1
    assert browser.client.get("/login").status_code == 303, "and it was seen"
    place.clock.at += 86_400_000 + 1
    assert browser.client.get("/login").status_code == 303
    place.clock.at += 86_400_000 + 1
    assert browser.client.get("/login").status_code == 200, "three days are over"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Origin": "http://localhost:80"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "https://localhost"}, 403),
        ({"Origin": "http://localhost:8080"}, 403),
    ],
)
def test_forms_are_taken_from_our_own_pages_only(place: Place, headers: dict[str, str], status: int) -> None:
    assert place.client().post("/login", data=FORM, headers=headers).status_code == status
    browser = place.browser()
    assert browser.client.post("/logout", data={"csrf": browser.csrf}, headers=headers).status_code == status


def test_a_proxy_that_hides_the_name_still_gets_its_forms_taken(furnished: Callable[..., Place]) -> None:
    place = furnished(base_url="https://health.example.org")
    answer = place.client().post("/login", data=FORM, headers={"Host": "127.0.0.1:8765", "Origin": "https://health.example.org"})
    assert answer.status_code == 303


@pytest.mark.parametrize("csrf", [None, "", "wrong", "\ud800"])
def test_a_form_without_the_sessions_token_is_refused(place: Place, csrf: str | None) -> None:
    browser = place.browser()
    data = {} if csrf is None else {"csrf": csrf.encode("utf-8", "surrogatepass")}
    assert browser.client.post("/logout", data=data).status_code == 403
    assert browser.client.get("/login").status_code == 303, "still logged in"


def test_the_token_may_come_as_a_header_but_not_from_another_session(place: Place) -> None:
    alice, bob = place.browser("alice"), place.browser("bob")
    assert alice.client.post("/logout", headers={"X-CSRF-Token": bob.csrf}).status_code == 403
    assert alice.client.post("/logout", headers={"X-CSRF-Token": alice.csrf}).status_code == 303


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key", "api-key"])
def test_a_token_comes_in_any_of_three_headers(place: Place, header: str) -> None:
    token = place.token()
    value = f"bearer  {token}" if header == "Authorization" else token
    assert place.client().get("/api/v1/metrics", headers={header: value}).status_code == 200


def test_a_token_in_the_address_is_not_looked_at(place: Place) -> None:
    answer = place.client().get(f"/api/v1/metrics?token={place.token()}&api_key={place.token()}")
    assert answer.status_code == 401
    assert "header" in answer.json["error"]["hint"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_token_use_is_noted_once_a_minute(place: Place) -> None:
    headers = place.bearer()
    seen = []
    for _ in range(3):
        place.client().get("/api/v1/metrics", headers=headers)
        with place.database.reading() as c:
            seen.append(c.exec_driver_sql("SELECT last_used_at FROM device").scalar_one())
        place.clock.at += 40_000
    assert seen == [seen[0], seen[0], seen[0] + 80_000]


def test_a_route_without_a_scope_stops_the_start() -> None:
    app = Flask("test", static_folder=None)
    app.add_url_rule("/", "bare", lambda: "")
    with pytest.raises(RuntimeError, match="bare"):
        insist_on_scopes(app)


@pytest.mark.parametrize("scopes", [(), ("public", "read"), ("read", "account"), ("root",)])
def test_scopes_of_different_kinds_do_not_mix(scopes: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="scopes"):
        opens(*scopes)
