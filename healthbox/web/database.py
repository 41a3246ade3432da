"""The request's way to the database: one reading connection per request, through Flask-SQLAlchemy's session."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import Connection

from healthbox.store.engine import Database
from healthbox.web.house import house


def bind(app: Flask, database: Database) -> None:
    """Give the app a session over the engine that the store owns; the extension itself opens no database."""

    class Reading(Session):
        def get_bind(self, *args: Any, **options: Any) -> Any:
            return database.reader

    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"  # asked for by the extension, never connected to
    SQLAlchemy(app, session_options={"class_": Reading}, add_models_to_shell=False)


def _session() -> Session:
    return cast(Session, current_app.extensions["sqlalchemy"].session())


def reading() -> Connection:
    """This request's snapshot of the database; writing through it is refused."""
    return _session().connection()


@contextmanager
def writing() -> Iterator[Connection]:
    """One write transaction. The request's snapshot ends first, so that what is read afterwards includes what was written."""
    _session().close()
    with house().database.writing() as connection:
        yield connection
