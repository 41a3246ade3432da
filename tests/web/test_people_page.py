"""An admin manages people and accounts, and sees names and logins, nothing else."""

import re

import pytest
from place import PASSWORD, Browser, Place

from healthbox.store import accounts, people


def post(browser: Browser, path: str, **form: str) -> int:
    return browser.client.post(f"/settings/{path}", data={"csrf": browser.csrf, **form}).status_code


def account(place: Place, login: str) -> accounts.Account:
    with place.database.reading() as c:
        found = accounts.find_account(c, login)
    assert found is not None
    return found


def test_a_person_is_added_and_renamed(place: Place) -> None:
    browser = place.browser()
    assert post(browser, "people", name="Carol", zone="Europe/Paris") == 303
    with place.database.reading() as c:
        carol = people.get_person(c, "Carol")
    assert carol.zone == "Europe/Paris"
    assert post(browser, f"people/{carol.id}", name="Caroline") == 303
    page = browser.client.get("/settings/people").text
    assert "Caroline" in page
    assert "nobody logs in for this person yet" in page
    assert post(browser, f"people/{carol.id}", name="alice") == 409
    assert post(browser, "people/999", name="Nobody") == 404


@pytest.mark.parametrize("form", [{"name": ""}, {"zone": "Mars/Base"}, {"name": "a\x00b"}])
def test_a_person_that_cannot_be_is_refused(place: Place, form: dict[str, str]) -> None:
    browser = place.browser()
    answer = browser.client.post("/settings/people", data={"csrf": browser.csrf, "name": "Carol", "zone": "Europe/Paris", **form})
    assert answer.status_code == 422
    assert 'class="msg crit"' in answer.text


def test_an_account_is_added_gets_a_password_and_goes(place: Place) -> None:
    browser, whose = place.browser(), str(place.persons["Bob"])
    assert post(browser, "accounts", login="bobby", password="long enough", person=whose) == 303
    made = account(place, "bobby")
    assert (made.person_id, made.admin) == (place.persons["Bob"], False)
    assert place.client().post("/login", data={"login": "bobby", "password": "long enough"}).status_code == 303
    assert "the accounts bob, bobby" in place.browser("bob").client.get("/settings").text, "Bob sees who sees his data"
    signed_in = place.browser("bobby")
    assert post(browser, f"accounts/{made.id}/password", password="even longer") == 303
    assert signed_in.client.get("/settings").status_code == 303, "its sessions ended"
    assert place.client().post("/login", data={"login": "bobby", "password": "even longer"}).status_code == 303
    assert post(browser, f"accounts/{made.id}/remove") == 303
    assert place.client().post("/login", data={"login": "bobby", "password": "even longer"}).status_code == 401


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"login": ""}, 422), ({"login": "ALICE"}, 409), ({"password": "short"}, 422), ({"person": "99"}, 422), ({"person": "x"}, 422)],
)
def test_an_account_that_cannot_be_is_refused_and_no_password_comes_back(place: Place, wrong: dict[str, str], status: int) -> None:
    browser = place.browser()
    form = {"login": "carol", "password": "long enough", "person": str(place.persons["Bob"]), **wrong}
    answer = browser.client.post("/settings/accounts", data={"csrf": browser.csrf, **form})
    assert answer.status_code == status
    assert 'class="msg crit"' in answer.text
    assert "long enough" not in answer.text
    with place.database.reading() as c:
        assert accounts.count_accounts(c) == 2


def test_the_last_admin_stays(place: Place) -> None:
    browser = place.browser()
    answer = browser.client.post(f"/settings/accounts/{browser.account_id}/remove", data={"csrf": browser.csrf})
    assert answer.status_code == 409
    assert "last admin" in answer.text
    assert post(browser, "accounts", login="carol", password="long enough", person=str(place.persons["Alice"]), admin="1") == 303
    assert account(place, "carol").admin


def test_it_is_for_admins_and_for_our_own_forms(place: Place) -> None:
    bob, alice = place.browser("bob"), place.browser("alice")
    assert bob.client.get("/settings/people").status_code == 403
    assert post(bob, "people", name="Carol", zone="Europe/Paris") == 403
    assert post(bob, "accounts", login="carol", password=PASSWORD, person="1", admin="1") == 403
    assert post(bob, f"accounts/{alice.account_id}/password", password="taken over") == 403
    assert alice.client.post("/settings/people", data={"name": "Carol", "zone": "Europe/Paris"}).status_code == 403
    with place.database.reading() as c:
        assert len(people.list_persons(c)) == 2


def test_the_page_of_accounts_is_that_of_the_people(place: Place) -> None:
    browser = place.browser()
    pages = [browser.client.get(path).text for path in ("/settings/accounts", "/settings/people")]
    same = {re.sub(r'name="csrf" value="\w+"', "", page) for page in pages}  # the form token is written differently each time
    assert len(same) == 1
