import logging
from collections.abc import Callable
from threading import Thread

import pytest
from place import Place

from healthbox.store import accounts, people
from healthbox.store import settings as facts

FORM = {"name": "Alice", "zone": "Europe/Berlin", "login": "alice", "password": "correct horse"}


@pytest.fixture
def fresh(build: Callable[..., Place]) -> Place:
    return build()


@pytest.fixture
def link(fresh: Place) -> str:
    with fresh.database.writing() as c:
        return f"/setup/{facts.open_setup(c)}"


def test_setup_makes_a_person_and_an_admin_and_logs_in(fresh: Place, link: str) -> None:
    client = fresh.client()
    assert 'name="zone"' in client.get(link).text
    answer = client.post(link, data=FORM)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/pair")
    with fresh.database.reading() as c:
        account = accounts.list_accounts(c)[0]
        assert (account.login, account.admin) == ("alice", True)
        assert people.get_person(c, account.person_id or 0).zone == "Europe/Berlin"
    assert client.get("/login").status_code == 303, "logged in"


def test_the_link_works_once(fresh: Place, link: str) -> None:
    assert fresh.client().post(link, data=FORM).status_code == 303
    assert fresh.client().get(link).status_code == 404
    again = fresh.client().post(link, data={**FORM, "login": "mallory", "name": "Mallory"})
    assert again.status_code == 404
    assert "log in" in again.text


@pytest.mark.parametrize("path", ["/setup/", "/setup", "/setup/wrong"])
def test_without_the_token_there_is_no_setup(fresh: Place, link: str, path: str) -> None:
    assert fresh.client().get(path).status_code == 404
    assert fresh.client().post(path, data=FORM).status_code == 404


def test_a_double_submit_makes_one_admin(fresh: Place, link: str) -> None:
    seen: list[int] = []

    def submit(number: int) -> None:
        seen.append(fresh.client().post(link, data={**FORM, "login": f"alice{number}", "name": f"Alice {number}"}).status_code)

    threads = [Thread(target=submit, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [303] + [404] * 5
    with fresh.database.reading() as c:
        assert accounts.count_accounts(c) == 1
        assert len(people.list_persons(c)) == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"zone": "Mars/Base"}, "time zone"),
        ({"name": " "}, "A name has"),
        ({"login": ""}, "A login has"),
        ({"password": "short"}, "at least 8"),
    ],
)
def test_a_mistake_is_shown_and_costs_nothing(fresh: Place, link: str, wrong: dict[str, str], words: str) -> None:
    page = fresh.client().post(link, data={**FORM, **wrong})
    assert page.status_code == 422
    assert words in page.text
    assert "correct horse" not in page.text
    with fresh.database.reading() as c:
        assert people.list_persons(c) == []
    assert fresh.client().post(link, data=FORM).status_code == 303


def test_the_link_stays_out_of_the_log(fresh: Place, link: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="healthbox")
    fresh.client().get(link)
    fresh.client().post(link, data=FORM)
    assert "/setup/<token>" in caplog.text
    assert link not in caplog.text


def test_the_login_page_says_when_nothing_is_set_up(fresh: Place) -> None:
    assert "not set up yet" in fresh.client().get("/login").text
