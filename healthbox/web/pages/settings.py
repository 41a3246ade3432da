"""Settings: the person's zone, units and looks, who can see this data, and for admins the server itself."""

import datetime as dt
import os
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from flask import Blueprint, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

import healthbox
from healthbox import config, render
from healthbox.domain.errors import Conflict, Invalid, NotFound, Problem
from healthbox.pipeline.schedule import LAST_BACKUP
from healthbox.store import accounts, backup, jobs, logins, people, preferences
from healthbox.store import settings as kept
from healthbox.store.people import Person
from healthbox.web import frame, passwords, throttle
from healthbox.web.auth import opens, person_id, visitor
from healthbox.web.database import reading, writing
from healthbox.web.house import house, now
from healthbox.web.pages.precedence import standing_orders
from healthbox.web.times import date, zone_names

routes = Blueprint("settings", __name__)

LOCALES = {"en_GB": "English", "en_US": "English", "de": "German", "fr": "French"}
THEMES = {"": "as the device says", "light": "light", "dark": "dark"}
JUST_MS = 60_000  # a backup has a name to the minute
DAY = dt.timedelta(days=1)


class Backup(NamedTuple):
    """A finished backup as its manifest tells it; ``made`` None when the manifest cannot be read. ``size`` in MB."""

    name: str
    made: int | None
    size: float
    key: bool


class Value(NamedTuple):
    """A setting in force and where it comes from."""

    row: config.Row
    value: str
    origin: str


@routes.get("/settings")
@opens("account")
def show() -> str:
    return _page()


@routes.post("/settings/zone")
@opens("account")
def set_zone() -> AnyResponse:
    """Count days in another zone from a date on; the days this touches are folded again."""
    zone, text = request.form.get("zone", "").strip(), request.form.get("since", "").strip()
    try:
        people.check_zone(zone)
        first = date(text, "Since") if text else None
        since = int(dt.datetime.combine(first, dt.time(), ZoneInfo(zone)).timestamp() * 1000) if first else 0
        if since > now():
            raise Invalid("That day has not begun yet.", hint="Change the zone once you are there.")
    except Invalid as wrong:
        return _wrong("zone", wrong)
    with writing() as c:
        who = person_id()
        people.set_zone(c, who, zone, since)
        later = [at for at, _ in people.zone_history(c, who) if at > since]
        until = dt.datetime.fromtimestamp(later[0] / 1000, ZoneInfo(zone)).date() if later else None
        preferences.mark_following(c, who, now(), since=first and first - DAY, until=until and until + DAY)
    house().door.ring()
    return _done("zone")


@routes.post("/settings/look")
@opens("account")
def set_look() -> AnyResponse:
    form = request.form
    units, locale, theme = form.get("units", ""), form.get("locale", ""), form.get("theme", "")
    try:
        if locale not in LOCALES or theme not in THEMES:
            raise Invalid("Choose one of what is offered.")
        with writing() as c:
            people.update(c, person_id(), units=units, locale=locale)
            accounts.set_theme(c, visitor().account.id, theme or None)
    except Invalid as wrong:
        return _wrong("look", wrong)
    return _done("look")


@routes.post("/settings/password")
@opens("account")
def set_password() -> AnyResponse:
    """Every other session of the account ends: whoever else was logged in needs the new password."""
    here, form = visitor(), request.form
    someone = throttle.who(here.account.login, request.remote_addr or "")
    try:
        with writing() as c:
            throttle.take_turn(c, someone, now())
        if not passwords.matches(accounts.password_hash(reading(), here.account.id), form.get("old", "")):
            raise Invalid("The present password is not right.")
        fresh = passwords.hashed(form.get("new", ""))
    except (Invalid, throttle.Throttled) as wrong:
        return _wrong("password", wrong)
    with writing() as c:
        logins.forgive(c, someone)
        accounts.set_password(c, here.account.id, fresh)
        logins.revoke_all(c, here.account.id, keep=here.session.id)
    return _done("password")


@routes.post("/settings/sessions/<name>/end")
@opens("account")
def end_session(name: str) -> AnyResponse:
    """``name`` is the session's short name on the page, or ``others``."""
    here = visitor()
    with writing() as c:
        if name == "others":
            logins.revoke_all(c, here.account.id, keep=here.session.id)
        else:
            mine = logins.list_sessions(c, here.account.id, now(), house().settings)
            found = [s for s in mine if _short(s) == name and s.id != here.session.id]
            if not found:
                raise NotFound("There is no such session any more.")
            logins.revoke_session(c, here.account.id, found[0].id)
    return _done("sessions")


@routes.get("/settings/server")
@opens("keeper")
def server() -> str:
    settings = house().settings
    job = next((job for job in jobs.all_jobs(reading()) if job.name == "backup"), None)
    checked = kept.get(reading(), LAST_BACKUP)
    values: dict[str, Any] = {
        "backups": [_backup(path) for path in backup.listed(settings.data / "backups")], "folder": str(settings.data / "backups"),
        "job": job, "asked": job is not None and job.due_at <= now(), "checked": int(checked) if checked else None,
        "next": _when(job.due_at) if job else "", "values": _values(), "version": healthbox.__version__, "admin": True,
        "restored": kept.restored_from(reading()), "zone": ZoneInfo(frame.person().zone),
    }  # fmt: skip
    return frame.page("settings_server.html", None, **values)


@routes.post("/settings/server/backup")
@opens("keeper")
def back_up() -> AnyResponse:
    """Have the worker make a backup at its next look; the page says when it is there."""
    checked = kept.get(reading(), LAST_BACKUP)
    if checked and now() - int(checked) < JUST_MS:
        raise Conflict("A backup was made just now.", hint="Wait a minute for the next one.")
    with writing() as c:
        jobs.hasten(c, "backup", now())
    return redirect(url_for("settings.server", _anchor="backups"), 303)


def _done(part: str) -> AnyResponse:
    return redirect(url_for("settings.show", saved=part, _anchor=part), 303)


def _wrong(part: str, problem: Problem) -> AnyResponse:
    return make_response(_page(part, f"{problem.message} {problem.hint}".strip()), problem.status)


def _short(session: logins.Session) -> str:
    return session.id.hex()[:16]


def _page(wrong: str = "", error: str = "") -> str:
    who, here = frame.person(), visitor()
    zone = ZoneInfo(who.zone)
    sessions = [
        {"name": _short(s), "browser": _browser(s.agent), "seen": s.seen_at, "since": s.created_at, "here": s.id == here.session.id}
        for s in logins.list_sessions(reading(), here.account.id, now(), house().settings)
    ]
    return frame.page(
        "settings.html",
        None,
        account=here.account,
        admin=here.account.admin,
        logins=[account.login for account in accounts.list_accounts(reading()) if account.person_id == who.id],
        zones=zone_names(),
        history=[(_since(at, name, who), name.replace("_", " ")) for at, name in people.zone_history(reading(), who.id)],
        today=dt.datetime.fromtimestamp(now() / 1000, zone).date(),
        locales=[(key, f"{words}: {_sample(key)}") for key, words in LOCALES.items()],
        themes=list(THEMES.items()),
        orders=standing_orders(),
        sessions=sessions,
        zone=zone,
        version=healthbox.__version__,
        saved=request.args.get("saved", ""),
        wrong=wrong,
        error=error,
        given=request.form if wrong else {},
    )


def _since(at: int, name: str, who: Person) -> str:
    if not at:
        return "from the beginning"
    return f"since {render.short_date(day := dt.datetime.fromtimestamp(at / 1000, ZoneInfo(name)).date(), who.locale)} {day.year}"


def _when(at: int) -> str:
    """'tomorrow at 03:00', in the person's zone and words."""
    who = frame.person()
    moment, here = (dt.datetime.fromtimestamp(ms / 1000, ZoneInfo(who.zone)) for ms in (at, now()))
    return f"{render.day_words(moment.date(), here.date(), who.locale)} at {render.clock_time(moment, who.locale)}"


def _sample(locale: str) -> str:
    moment = dt.datetime(2026, 11, 20, 18, 5, tzinfo=dt.UTC)
    return f"{render.number(8412.5, 1, locale)} · {render.clock_time(moment, locale)} · {render.short_date(moment.date(), locale)}"


def _browser(agent: str) -> str:
    """A browser and a system in words, from what it says of itself; for telling one's own devices apart, nothing more."""
    seen = [("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari")]
    systems = [("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac", "Mac"), ("Linux", "Linux")]
    browser = next((words for mark, words in seen if mark in agent), "A browser")
    system = next((words for mark, words in systems if mark in agent), "")
    return f"{browser} on {system}" if system else browser


def _backup(path: Any) -> Backup:
    try:
        manifest = msgspec.json.decode((path / backup.MANIFEST).read_bytes(), type=backup.Manifest)
    except (OSError, msgspec.MsgspecError):
        return Backup(path.name, None, 0.0, False)
    size = sum(file.size for file in manifest.files.values()) / 1_000_000
    return Backup(path.name, manifest.created_at, size, backup.SEALED_KEY in manifest.files)


def _values() -> list[Value]:
    """Every setting in force. A file that holds the default says the same as no file."""
    settings = house().settings
    default = config.Settings(data=settings.data)
    try:
        filed = config.load(settings.data, {config.CONFIG: named} if (named := os.environ.get(config.CONFIG)) else {})
    except Problem:  # edited since the start, and wrong now: what is in force came from elsewhere
        filed = default
    found = []
    for row in config.rows():
        value = getattr(settings, row.name)
        if os.environ.get(row.env):
            origin = row.env
        elif row.name == "data":
            origin = "command line" if value != config.Settings().data else "default"
        elif value == getattr(default, row.name):
            origin = "default"
        else:
            origin = "config.toml" if value == getattr(filed, row.name) else "as it was started"
        written = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else str(value)
        found.append(Value(row, written, origin))
    return found
