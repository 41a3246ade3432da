"""Behind a real nginx, under a sub-path, with https: every page, every form of the first hour, an upload."""

from __future__ import annotations

import datetime as dt
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from served import House, receipt, wait_for
from test_walk import BERLIN, add_mail_channel, health_auto_export, pair, set_up

NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
pytestmark = [
    pytest.mark.skipif(NGINX is None or shutil.which("openssl") is None, reason="nginx or openssl is not installed"),
    pytest.mark.filterwarnings("ignore:Unverified HTTPS request"),
]

CONFIG = """
worker_processes 1; pid {home}/nginx.pid; error_log {home}/error.log; daemon off;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  server {{
    listen 127.0.0.1:{port} ssl; server_name health.home.arpa;
    ssl_certificate {home}/cert.pem; ssl_certificate_key {home}/key.pem;
    location /health/ {{
      proxy_pass http://127.0.0.1:{inner}/health/;
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
      client_max_body_size 64m;
    }}
  }}
}}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[tuple[House, str]]:
    outer, inner = free_port(), free_port()
    base = f"https://health.home.arpa:{outer}/health"
    subject = ["-subj", "/CN=health.home.arpa", "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject], check=True, capture_output=True)
    (tmp_path / "nginx.conf").write_text(CONFIG.format(home=tmp_path, port=outer, inner=inner))
    nginx = subprocess.Popen([str(NGINX), "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)], stderr=subprocess.DEVNULL)
    house = House(tmp_path / "data", port=inner, base_url=base, trusted_proxies="127.0.0.1/32", allow_loopback_targets="true")
    wait_for(lambda: listens(outer))
    yield house, base
    house.stop()
    nginx.terminate()
    nginx.wait(timeout=10)


def test_the_first_hour_behind_nginx(proxied: tuple[House, str], chromium: Any) -> None:
    house, base = proxied
    assert house.base == base
    context = chromium.new_context(ignore_https_errors=True, timezone_id="Europe/Berlin", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("response", lambda answer: wrong.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    page.on("console", lambda message: wrong.append(message.text))

    set_up(page, base, house)
    cookies = {cookie["name"]: cookie for cookie in context.cookies()}
    session = next(cookie for name, cookie in cookies.items() if "healthbox" in name)
    assert session["secure"] and session["httpOnly"]

    token = pair(page, base)
    assert f"{base}/api/v1/ingest" in page.content()
    add_mail_channel(page, base, 9)  # nobody listens there: adding it needs no mail server
    page.wait_for_load_state()

    host = {"Host": base.split("/")[2], "Authorization": f"Bearer {token}"}
    outer = f"https://127.0.0.1:{base.split(':')[2].split('/')[0]}"
    sent = requests.post(
        f"{outer}/health/api/v1/ingest", json=health_auto_export(dt.datetime.now(BERLIN)), headers=host, verify=False, timeout=10
    )
    assert sent.status_code == 202
    address = sent.json()["receipt"]
    assert address.startswith("/health/api/v1/batches/")
    told = receipt(f"http://127.0.0.1:{house_port(house)}", token, address, host=host["Host"])
    assert told["records"]["new"] == 6  # type: ignore[index]

    seen = crawl(page, base)
    assert {path.split("/")[0] for path in seen} >= {
        "",
        "sleep",
        "metrics",
        "workouts",
        "data",
        "findings",
        "settings",
        "devices",
        "uploads",
    }
    page.goto(base + "/settings")
    page.get_by_role("button", name="Log out").first.click()
    page.wait_for_url("**/health/login*")
    page.fill("[name=login]", "ann")
    page.fill("[name=password]", "a long enough password")
    page.click("button.first")
    page.wait_for_url(f"{base}/**")
    assert "login" not in page.url
    assert wrong == []
    context.close()


def house_port(house: House) -> int:
    command = house.process.args
    assert isinstance(command, list)
    return int(command[command.index("--port") + 1])


def crawl(page: Any, base: str) -> set[str]:
    """Follow every link of the house from the first page on, each path once; returns the paths below the base."""
    waiting, seen = [base + "/"], set()
    while waiting:
        address = waiting.pop()
        path = address.removeprefix(base).lstrip("/").split("?")[0].split("#")[0]
        kind = "/".join("N" if part.isdigit() or part.startswith("20") else part for part in path.split("/"))
        if kind in seen:
            continue
        seen.add(kind)
        answer = page.goto(address)
        assert answer is not None and answer.status == 200, address
        for link in page.eval_on_selector_all("a[href]", "links => links.map(a => a.href)"):
            if link.startswith("http"):
                assert link.startswith(base), link
                if "/static/" not in link:
                    waiting.append(link)
    return seen
