"""Accounts: who logs in, for whom, and with which rights. They are shown on the page of the people."""

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from healthbox.domain.errors import Conflict, Invalid
from healthbox.store import accounts, logins, people
from healthbox.web import passwords
from healthbox.web.auth import opens, visitor
from healthbox.web.database import reading, writing
from healthbox.web.house import now
from healthbox.web.pages.people import household, refused

routes = Blueprint("accounts", __name__)


@routes.get("/settings/accounts")
@opens("keeper")
def show() -> str:
    return household()


@routes.post("/settings/accounts")
@opens("keeper")
def add() -> AnyResponse:
    form = request.form
    try:
        whose = {str(person.id): person.id for person in people.list_persons(reading())}.get(form.get("person", ""))
        if whose is None:
            raise Invalid("Choose whose data this account sees.")
        hashed = passwords.hashed(form.get("password", ""))
        with writing() as c:
            made = accounts.add_account(c, form.get("login", ""), hashed, whose, "admin" in form, now())
    except (Invalid, Conflict) as problem:
        return refused("add-account", problem)
    return redirect(url_for("people.show", saved=f"account-{made.id}"), 303)


@routes.post("/settings/accounts/<int:account_id>/password")
@opens("keeper")
def set_password(account_id: int) -> AnyResponse:
    """A new password for somebody who forgot theirs; every session of that account ends, but the one that asks."""
    accounts.get_account(reading(), account_id)
    try:
        hashed = passwords.hashed(request.form.get("password", ""))
    except Invalid as problem:
        return refused(f"account-{account_id}", problem)
    with writing() as c:
        accounts.set_password(c, account_id, hashed)
        logins.revoke_all(c, account_id, keep=visitor().session.id)
    return redirect(url_for("people.show", saved=f"account-{account_id}"), 303)


@routes.post("/settings/accounts/<int:account_id>/remove")
@opens("keeper")
def remove(account_id: int) -> AnyResponse:
    try:
        with writing() as c:
            accounts.remove_account(c, account_id)
    except Conflict as problem:
        return refused(f"account-{account_id}", problem)
    return redirect(url_for("people.show", _anchor="accounts"), 303)
