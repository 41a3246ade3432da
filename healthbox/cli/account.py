"""``healthbox account``: who logs in."""

import click

from healthbox.cli import words
from healthbox.cli.place import now_ms, opened, person_of, settings
from healthbox.domain.errors import NotFound
from healthbox.store import accounts, logins, people
from healthbox.store import settings as kept
from healthbox.store.engine import Database
from healthbox.web import passwords

from_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from the first line of stdin.")


@click.group("account")
def command() -> None:
    """Who logs in."""


@command.command()
@click.argument("login")
@click.option("--person", "name", required=True, help="Whose data the account sees: a name or an id.")
@click.option("--admin", is_flag=True, help="May manage people, devices and settings.")
@from_stdin
def add(login: str, name: str, admin: bool, password_stdin: bool) -> None:
    """Add an account. The first one is an admin."""
    given = settings()
    with opened(given) as database:
        with database.reading() as c:
            person = person_of(c, name)
        hashed = passwords.hashed(words.secret("Password", password_stdin))
        with database.writing() as c:
            first = accounts.count_accounts(c) == 0
            account = accounts.add_account(c, login, hashed, person.id, admin or first, now_ms())
            kept.drop(c, kept.SETUP)  # the link to the first account has had its day
    (given.data / "setup_token").unlink(missing_ok=True)
    click.echo(f"{account.login} logs in for {person.name}{' and is an admin' if account.admin else ''}.")


@command.command()
@click.argument("login")
@from_stdin
def passwd(login: str, password_stdin: bool) -> None:
    """Set a new password. Every session of the account ends."""
    with opened() as database:
        account = _account(database, login)
        hashed = passwords.hashed(words.secret("New password", password_stdin))
        with database.writing() as c:
            accounts.set_password(c, account.id, hashed)
            logins.revoke_all(c, account.id)
    click.echo(f"{account.login} has a new password; all of its sessions are ended.")


@command.command("list")
def show() -> None:
    """List the accounts."""
    with opened() as database, database.reading() as c:
        names = {person.id: person.name for person in people.list_persons(c)}
        found = accounts.list_accounts(c)
    rows = ((a.login, names.get(a.person_id or 0), "admin" if a.admin else "", words.when(a.created_at)) for a in found)
    words.table(("LOGIN", "PERSON", "ROLE", "SINCE"), rows)


@command.command()
@click.argument("login")
def remove(login: str) -> None:
    """Remove an account; the person's data stays."""
    with opened() as database:
        account = _account(database, login)
        with database.writing() as c:
            accounts.remove_account(c, account.id)
    click.echo(f"The account {account.login} is removed.")


def _account(database: Database, login: str) -> accounts.Account:
    with database.reading() as c:
        found = accounts.find_account(c, login)
    if found is None:
        raise NotFound(f"There is no account {login}.", hint="See: healthbox account list")
    return found
