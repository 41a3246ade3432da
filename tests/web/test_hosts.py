from collections.abc import Callable

import pytest
from flask import request
from place import Place

from healthbox.config import Settings
from healthbox.web.hosts import host_passes, within


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8765", "[::1]:8765", "[fd00::1]", "192.168.1.5:80", "localhost:8765", "healthbox", "nas:8765",
     "healthbox.local", "HealthBox.LAN:8765", "health.home.arpa", "nas.local.", "local"],
)  # fmt: skip
def test_names_of_a_home_pass(host: str) -> None:
    assert host_passes(host, Settings())


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "192.168.1.5.evil.example", "evil.example/.local", "a@b.local", "x.local:port", "."]
)
def test_other_names_do_not(host: str) -> None:
    assert not host_passes(host, Settings())


def test_the_own_name_passes_with_any_port() -> None:
    settings = Settings(base_url="https://health.example.org/health")
    assert host_passes("health.example.org", settings)
    assert host_passes("health.example.org:8443", settings)
    assert not host_passes("example.org", settings)


def test_a_strange_host_is_told_the_line_to_set(place: Place) -> None:
    page = place.client().get("/login", headers={"Host": "health.example.org"})
    assert page.status_code == 421
    assert "base_url = &#34;http://health.example.org&#34;" in page.text
    assert place.client().get("/static/app.css", headers={"Host": "health.example.org"}).status_code == 200, "in our style"
    answer = place.client().get("/api/v1/days", headers={"Host": "health.example.org", **place.bearer()})
    assert answer.status_code == 421
    assert answer.json["error"]["code"] == "wrong_host"
    assert 'base_url = "http://health.example.org"' in answer.json["error"]["hint"]


def test_a_strange_host_cannot_write_into_the_page(place: Place) -> None:
    page = place.client().get("/login", headers={"Host": "x<script>.example"})
    assert page.status_code == 421
    assert "<script>" not in page.text


@pytest.mark.parametrize("path", ["/health/login", "/login"])
def test_a_sub_path_works_whether_the_proxy_strips_it_or_not(furnished: Callable[..., Place], path: str) -> None:
    place = furnished(base_url="https://health.home.arpa/health")
    page = place.client().get(path, headers={"Host": "health.home.arpa"})
    assert page.status_code == 200
    assert 'action="/health/login"' in page.text
    assert 'href="/health/static/app.css?v=' in page.text
    assert place.client().get("/health/healthz").status_code == 200
    assert place.client().get("/health").status_code == place.client().get("/").status_code
    assert place.client().get("/healthy").status_code == 404


def test_the_cookie_follows_scheme_and_sub_path(furnished: Callable[..., Place]) -> None:
    form = {"login": "alice", "password": "correct horse"}
    plain = furnished()
    cookie = plain.client().post("/login", data=form).headers["Set-Cookie"]
    assert cookie.startswith("healthbox=")
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/;" in cookie + ";" and "Secure" not in cookie
    cookie = plain.client().post("/login", data=form, base_url="https://localhost").headers["Set-Cookie"]
    assert cookie.startswith("__Host-healthbox=")
    assert "Secure" in cookie and "Path=/;" in cookie + ";" and "Domain" not in cookie


def test_the_cookie_keeps_to_the_sub_path(furnished: Callable[..., Place]) -> None:
    place = furnished(base_url="https://health.home.arpa/health")
    answer = place.client().post("/login", data={"login": "alice", "password": "correct horse"}, headers={"Host": "health.home.arpa"})
    assert answer.headers["Location"] == "/health/"
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Secure-healthbox=")
    assert "Secure" in cookie and "Path=/health" in cookie


def test_nobody_is_believed_about_forwarding_by_default(furnished: Callable[..., Place]) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example", "X-Forwarded-For": "1.2.3.4"}
    answer = furnished().client().get("/login", headers=headers)
    assert answer.status_code == 200
    assert "Strict-Transport-Security" not in answer.headers


def test_a_trusted_proxy_is_believed(furnished: Callable[..., Place]) -> None:
    place = furnished(trusted_proxies=("127.0.0.0/8",))
    answer = place.client().get("/login", headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "health.lan"})
    assert "Strict-Transport-Security" in answer.headers
    assert place.client().get("/login", headers={"X-Forwarded-Host": "evil.example"}).status_code == 421


def test_the_client_is_the_first_hop_that_is_not_ours(furnished: Callable[..., Place]) -> None:
    place = furnished(trusted_proxies=("127.0.0.0/8", "10.0.0.0/8"), metrics_networks=("192.168.7.7/32",))
    seen = []
    place.app.before_request(lambda: seen.append(request.remote_addr))
    place.client().get("/healthz", headers={"X-Forwarded-For": "6.6.6.6, 192.168.7.7, 10.0.0.2"})
    place.client().get("/healthz", headers={"X-Forwarded-For": "nonsense"})
    assert seen == ["192.168.7.7", "127.0.0.1"]


def test_networks() -> None:
    assert within("::ffff:127.0.0.1", ("127.0.0.0/8",))
    assert within("fd00::2", ("fd00::/8",))
    assert not within("fd00::2", ("127.0.0.0/8",))
    assert not within("", ("0.0.0.0/0",))
