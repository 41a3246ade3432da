"""Messages arrive at real receivers, go nowhere else, and give no secret away."""

import base64
import email
import json
import smtplib
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import apprise
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from healthbox.config import Settings
from healthbox.domain.errors import Forbidden, Invalid, Unavailable
from healthbox.notify import channels
from healthbox.notify.allowed import SERVICES, service_of

PASSWORD = "korrekt-pferd-17"
TITLE, BODY = "Resting pulse 61 bpm", "Resting pulse 61 bpm on 20 Nov, usually 52–57.\nhttps://health.home.arpa/day/2026-11-20"


class Answering(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.seen.append((self.path, self.headers, body))
        if self.path.startswith("/slow"):
            time.sleep(5)
        if self.path.startswith("/moved"):
            self.send_response(307)
            self.send_header("Location", "/elsewhere")
        else:
            self.send_response(500 if self.path.startswith("/bad") else 200)
        self.end_headers()
        self.wfile.write(b"echo: " + body + str(self.headers).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def web():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.seen = []
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Mailbox:
    def __init__(self):
        self.letters = []

    async def handle_DATA(self, _server, _session, envelope):
        self.letters.append(envelope)
        return "250 Message accepted"


def logs_in(_server, _session, _envelope, _mechanism, data):
    return AuthResult(success=data.login == b"alice" and data.password == PASSWORD.encode())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def mail():
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), authenticator=logs_in, auth_required=True, auth_require_tls=False)
    controller.start()
    with smtplib.SMTP("127.0.0.1", controller.port) as probe:
        probe.noop()
    yield controller, box
    controller.stop()


@pytest.fixture
def home(tmp_path):
    return Settings(data=tmp_path, allow_loopback_targets=True)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_mail_arrives(mail, home):
    controller, box = mail
    url = f"mailto://alice:{PASSWORD}@127.0.0.1:{controller.port}?smtp=127.0.0.1&mode=insecure&from=healthbox@example.org&to=alice@example.org"
    assert channels.check(url, home).label == "E-mail"
    outcome = channels.send(url, TITLE, BODY, home)
    assert outcome.ok, outcome
    assert PASSWORD not in outcome.answer
    (letter,) = box.letters
    parsed = email.message_from_bytes(letter.content)
    assert letter.rcpt_tos == ["alice@example.org"]
    assert parsed["Subject"] == TITLE
    text = "".join(part.get_payload(decode=True).decode() for part in parsed.walk() if not part.is_multipart())
    assert "usually 52–57" in text
    assert "apprise" not in letter.content.decode().lower().replace("x-application", "")


def test_an_ntfy_message_arrives_without_an_outside_icon(web, home):
    outcome = channels.send(f"ntfy://alice:{PASSWORD}@127.0.0.1:{web.server_port}/heartbeat-topic", TITLE, BODY, home)
    assert outcome.ok, outcome
    _, headers, body = web.seen[0]
    said = json.loads(body)
    assert (said["topic"], said["title"], said["message"]) == ("heartbeat-topic", TITLE, BODY)
    assert base64.b64decode(headers["Authorization"].split()[1]).decode() == f"alice:{PASSWORD}"
    assert "X-Icon" not in headers
    assert "github" not in str(headers) + body.decode()
    for secret in (PASSWORD, "heartbeat-topic"):
        assert secret not in outcome.answer


def test_a_json_message_arrives(web, home):
    outcome = channels.send(f"json://127.0.0.1:{web.server_port}/hook", TITLE, BODY, home)
    assert outcome.ok
    said = json.loads(web.seen[0][2])
    assert (said["title"], said["message"]) == (TITLE, BODY)


def test_a_failure_tells_the_services_answer_but_no_secret_and_no_message(web, home):
    url = f"json://alice:{PASSWORD}@127.0.0.1:{web.server_port}/bad/hook-token-8842"
    outcome = channels.send(url, TITLE, BODY, home)
    assert not outcome.ok
    assert not outcome.permanent
    assert "500" in outcome.reason
    assert "repeats the message" in outcome.answer
    said = outcome.answer + outcome.reason
    basic = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
    for hidden in (PASSWORD, "hook-token-8842", basic, "Resting pulse", "usually"):
        assert hidden not in said


def test_a_redirect_is_not_followed(web, home):
    assert not channels.send(f"json://127.0.0.1:{web.server_port}/moved", TITLE, BODY, home).ok
    assert [path for path, *_ in web.seen] == ["/moved"]


def test_a_refused_connection_and_a_hanging_service_are_failures(web, home):
    assert not channels.send(f"json://127.0.0.1:{free_port()}/x", TITLE, BODY, home).ok
    outcome = channels.send(f"json://127.0.0.1:{web.server_port}/slow?rto=60", TITLE, BODY, home, seconds=2)
    assert not outcome.ok
    assert "in time" in outcome.reason


def test_the_guard_holds_for_whatever_a_plugin_connects_to(web, tmp_path):
    away = Settings(data=tmp_path)
    for url in (
        f"json://127.0.0.1:{web.server_port}/hook",
        f"json://2130706433:{web.server_port}/hook",
        f"ntfy://localhost:{web.server_port}/topic",
        f"workflows://127.0.0.1:{web.server_port}/workflow/signature",
        f"mailto://alice:{PASSWORD}@example.org:{web.server_port}?smtp=127.0.0.1&mode=insecure",
    ):
        outcome = channels.send(url, TITLE, BODY, away)
        assert not outcome.ok
        assert "this very machine" in outcome.reason
    assert web.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1:8080/x",
        "jsons://[::1]/x",
        "gotify://2130706433/token",
        "mailto://alice:secret12@example.org?smtp=127.0.0.1",
        "hassio://169.254.169.254/token",
        "ntfy://169.254.169.254/topic",
    ],
)
def test_an_address_inside_is_refused_when_it_is_added(url, tmp_path):
    with pytest.raises(Forbidden) as refused:
        channels.check(url, Settings(data=tmp_path))
    assert "secret12" not in str(refused.value)


def test_a_home_address_is_taken_unless_switched_off(tmp_path):
    assert channels.check("ntfy://192.168.1.20/topic", Settings(data=tmp_path)).label == "ntfy"
    with pytest.raises(Forbidden):
        channels.check("ntfy://192.168.1.20/topic", Settings(data=tmp_path, allow_private_targets=False))


def test_a_host_nobody_knows_is_told_at_once(tmp_path):
    with pytest.raises(Unavailable):
        channels.check("json://no-such-host.invalid/x", Settings(data=tmp_path))


@pytest.mark.parametrize(
    "url",
    [
        "syslog://",
        "file:///etc/passwd",
        "dbus://",
        "exec://ls",
        "http://host/",
        "rsyslog://host",
        "json:host",
        "",
        "geheim",
        "mqtt://host/topic",
    ],
)
def test_services_outside_the_list_are_refused(url, home):
    with pytest.raises(Invalid) as refused:
        channels.check(url, home)
    assert "begins with one of" in refused.value.hint
    assert "geheim" not in refused.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "json://192.168.1.20/x?attach=/etc/passwd",
        "form://192.168.1.20/x?attach-as=a",
        "discord://1234567890/abcdefghij?template=/etc/passwd",
        "discord://1234567890/abcdefghij?TEMPLATE=/etc/passwd",
        "discord://1234567890/abcdefghij?a=1;%74emplate=/etc/passwd",
        "matrix://alice:secret12@192.168.1.20/#room?template=/etc/passwd",
        "mailto://alice:secret12@192.168.1.20?pgppub=/etc/passwd",
        "ntfy://192.168.1.20/topic?avatar_url=http://10.0.0.1/",
        "json://192.168.1.20/x?redirect=yes",
        "json://192.168.1.20/x json://127.0.0.1/y",
        "json://" + "a" * 3000,
        "tgram://nothing",
    ],
)
def test_arguments_that_name_files_or_other_places_are_refused(url, home):
    with pytest.raises(Invalid) as refused:
        channels.check(url, home)
    assert "secret12" not in refused.value.message + refused.value.hint


def test_a_send_to_an_address_no_longer_allowed_fails_for_good(home):
    outcome = channels.send("syslog://", TITLE, BODY, home)
    assert not outcome.ok
    assert outcome.permanent


def test_no_plugin_can_look_into_the_data_folder(web, tmp_path, home, monkeypatch):
    (tmp_path / "plugin.py").write_text(
        "import apprise, pathlib\n"
        "from apprise.plugins.custom_json import NotifyJSON\n"
        "NotifyJSON.send = lambda self, body, **_: bool(pathlib.Path(body).read_text())\n"
    )
    (tmp_path / "vault.key").write_text("key")
    (tmp_path.parent / "outside.txt").write_text("text")
    monkeypatch.setattr(channels, "MODULE", "plugged")
    (tmp_path / "plugged.py").write_text("import plugin\nfrom healthbox.notify.sender import main\nmain()\n")
    environment = channels._environment
    monkeypatch.setattr(
        channels, "_environment", lambda ours: environment(ours) | {"PYTHONPATH": f"{environment(ours)['PYTHONPATH']}:{tmp_path}"}
    )
    url = f"json://127.0.0.1:{web.server_port}/x"
    assert channels.send(url, TITLE, str(tmp_path.parent / "outside.txt"), home).ok
    assert not channels.send(url, TITLE, str(tmp_path / "vault.key"), home).ok


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_service_of_the_list_exists_and_its_example_is_one():
    known = apprise.NotificationManager().schemas()
    assert {schema for service in SERVICES for schema in service.schemas} <= set(known)
    assert [service.label for service in SERVICES if service_of(service.example) is not service] == []
    assert len(SERVICES) == 25


def test_the_server_itself_never_loads_apprise():
    """45 MB that an idle process does not carry."""
    code = "import sys, healthbox.pipeline.deliver; sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
