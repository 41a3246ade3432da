"""Every route with every credential, made from the URL map itself: a new route is in here the moment it exists."""

import re
from collections.abc import Callable

import pytest
from place import Place
from werkzeug.routing import Rule

from healthbox.store import devices
from healthbox.web.auth import COOKIE_SCOPES, TOKEN_SCOPES, opening_of

CREDENTIALS = (
    "none", "wrong token", "revoked token", "ingest token", "read token", "admin token",
    "wrong cookie", "cookie without csrf", "account", "keeper", "cookie from another site",
)  # fmt: skip
SAFE = ("GET", "HEAD", "OPTIONS")
REFUSED = (401, 403)


@pytest.fixture
def place(furnished: Callable[..., Place]) -> Place:
    return furnished(metrics_networks=())


def doors(place: Place) -> list[tuple[Rule, str]]:
    rules = place.app.url_map.iter_rules()
    return [(rule, method) for rule in rules for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]


def knock(place: Place, rule: Rule, method: str, credential: str) -> int:
    path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", lambda part: "2026-11-20" if "date" in part[1] else "1", rule.rule)
    client, headers, form = place.client(), {}, {}
    match credential:
        case "wrong token":
            headers = {"X-API-Key": "hbx_00000000_" + "0" * 49}
        case "revoked token":
            headers = place.bearer("Alice", *devices.SCOPES)
            with place.database.writing() as c:
                devices.revoke(c, devices.list_devices(c)[-1].id, place.clock())
        case "ingest token" | "read token" | "admin token":
            headers = place.bearer("Alice", credential.split()[0])
        case "wrong cookie":
            client.set_cookie("healthbox", "guessed")
        case "cookie without csrf":
            client = place.browser("alice").client
        case "account" | "keeper" | "cookie from another site":
            browser = place.browser("bob" if credential == "account" else "alice")
            client, form = browser.client, {"csrf": browser.csrf}
            headers = {"Sec-Fetch-Site": "cross-site"} if credential == "cookie from another site" else {}
    return client.open(path, method=method, headers=headers, data=form if method not in SAFE else None).status_code


def is_open(place: Place, rule: Rule, method: str, credential: str) -> bool:
    """What auth.py's words say."""
    scopes = opening_of(place.app, rule.endpoint).scopes
    if scopes == {"public"}:
        return method in SAFE or credential != "cookie from another site"
    if scopes <= TOKEN_SCOPES:
        return credential.removesuffix(" token") in scopes
    if credential in ("cookie without csrf", "cookie from another site"):
        return method in SAFE
    return credential == "keeper" or (credential == "account" and "account" in scopes)


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_only_the_right_credential_opens(place: Place, credential: str) -> None:
    wrong = []
    for rule, method in doors(place):
        status = knock(place, rule, method, credential)
        scopes = opening_of(place.app, rule.endpoint).scopes
        refused = status in REFUSED or (status == 303 and scopes <= COOKIE_SCOPES and credential not in ("account", "keeper"))
        if rule.endpoint == "login.enter" and credential != "cookie from another site":
            refused = False  # its 401 is about the password in the form
        if refused == is_open(place, rule, method, credential) or status >= 500:
            wrong.append((method, rule.rule, status))
    assert wrong == []


def test_every_route_has_a_scope_and_every_scope_is_known(place: Place) -> None:
    for rule, _ in doors(place):
        assert opening_of(place.app, rule.endpoint).scopes <= TOKEN_SCOPES | COOKIE_SCOPES | {"public"}


def test_public_doors_are_these_and_no_others(place: Place) -> None:
    found = {f"{method} {rule.rule}" for rule, method in doors(place) if opening_of(place.app, rule.endpoint).scopes == {"public"}}
    assert found == {
        "GET /healthz", "GET /readyz", "GET /api/health", "GET /api/v1/openapi.json", "GET /static/<path:filename>",
        "GET /login", "POST /login", "GET /setup/<token>", "POST /setup/<token>", "GET /reached",
    }  # fmt: skip


def test_a_token_sees_its_own_person_only(place: Place) -> None:
    body = b'{"batch": "a", "index": 0, "final": true, "anchor": null, "metric": null, "zone": null, "samples": []}'
    sent = place.client().post("/api/v1/sync", data=body, headers=place.bearer("Alice"))
    assert sent.status_code == 202
    path = sent.json["receipt"]
    assert place.client().get(path, headers=place.bearer("Alice")).status_code == 200
    assert place.client().get(path, headers=place.bearer("Bob")).status_code == 404
    assert place.client().post(f"{path}/replay", headers=place.bearer("Bob")).status_code == 404
    assert place.client().get("/api/v1/batches", headers=place.bearer("Bob")).json["batches"] == []


def test_metrics_are_for_an_admin_token_or_an_allowed_network(furnished: Callable[..., Place]) -> None:
    place = furnished()
    assert place.client().get("/metrics").status_code == 200
    assert "healthbox_chunks_waiting 0.0" in place.client().get("/metrics").text
    far = {"REMOTE_ADDR": "192.168.1.9"}
    assert place.client().get("/metrics", environ_overrides=far).status_code == 401
    assert place.client().get("/metrics", environ_overrides=far, headers=place.bearer("Alice", "admin")).status_code == 200
    through_proxy = place.client().get("/metrics", headers={"X-Forwarded-For": "6.6.6.6"})
    assert through_proxy.status_code == 401, "a proxy on this machine is no free pass"
