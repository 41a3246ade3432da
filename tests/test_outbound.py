"""Nothing is sent where nothing may be sent, however the address is written."""

import datetime as dt
import ipaddress
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from healthbox import outbound
from healthbox.domain.errors import Forbidden, Invalid, Unavailable

NAMES = {
    "hooks.example.org": ["203.0.114.7"],
    "nas.local": ["192.168.1.20"],
    "dual.local": ["fe80::1%eth0", "192.168.1.20"],
    "rebind.example.org": ["127.0.0.1"],
    "mixed.example.org": ["127.0.0.1", "8.8.8.8"],
    "metadata.google.internal": ["169.254.169.254"],
    "sixteen.example.org": ["::ffff:10.0.0.1"],
    "localhost": ["::1", "127.0.0.1"],
}


def names(host: str, _port: int) -> list[str]:
    if host not in NAMES:
        raise Unavailable("no such name")
    return NAMES[host]


OPEN = ["8.8.8.8", "2606:4700::1111", "134744072", "0x08.8.8.8", "[2606:4700::1111]", "hooks.example.org", "mixed.example.org", "8.8.8.8."]
HOME = [
    *("192.168.1.20", "10.0.0.1", "172.16.5.4", "100.64.3.2", "fd12:3456::1", "::ffff:10.0.0.1", "0x0a.0.0.1", "012.0.0.1", "3232235796"),
    *("192.168.276", "nas.local", "dual.local", "sixteen.example.org", "64:ff9b::a00:1", "2002:c0a8:114::"),
]
SELF = [
    *("127.0.0.1", "127.1", "127.8.9.10", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "::1", "[::1]"),
    *(
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "localhost",
        "rebind.example.org",
        "127.0.0.1.",
    ),
]
NEVER = [
    *("0.0.0.0", "0", "::", "169.254.169.254", "169.254.1.1", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "100.100.100.200"),
    *("168.63.129.16", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "[fe80::1%25eth0]", "::ffff:169.254.169.254", "224.0.0.1", "ff02::1"),
    *("255.255.255.255", "240.0.0.1", "192.0.2.1", "2001:db8::1", "metadata.google.internal", "2002:a9fe:a9fe::", "0.0.0.1"),
]


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("loopback", [True, False])
@pytest.mark.parametrize(("hosts", "kind"), [(OPEN, "open"), (HOME, "home"), (SELF, "self"), (NEVER, "never")])
def test_only_allowed_addresses_are_given_out(hosts, kind, private, loopback):
    wrong = []
    allowed = {"open": True, "home": private, "self": loopback, "never": False}[kind]
    for host in hosts:
        try:
            ip = outbound.guard(host, 443, private=private, loopback=loopback, resolver=names)
        except Forbidden:
            ip = None
        if (ip is not None) != allowed or (ip and outbound.refusal(ipaddress.ip_address(ip), private=private, loopback=loopback)):
            wrong.append((host, ip))
    assert not wrong


@pytest.mark.parametrize(
    ("host", "port"), [("", 80), ("a b", 80), ("host\n", 80), ("host\x00", 80), ("8.8.8.8", 0), ("8.8.8.8", 70000), ("999.1", 80)]
)
def test_what_is_no_host_is_refused(host, port):
    with pytest.raises(Forbidden):
        outbound.guard(host, port, private=True, loopback=True, resolver=names)


def test_a_name_with_one_good_address_is_reached_by_that_one():
    assert outbound.guard("mixed.example.org", 443, private=False, loopback=False, resolver=names) == "8.8.8.8"
    assert outbound.guard("dual.local", 443, private=True, loopback=False, resolver=names) == "192.168.1.20"


def test_a_refusal_names_the_setting_that_would_allow_it():
    with pytest.raises(Forbidden) as refused:
        outbound.guard("nas.local", 80, private=False, loopback=False, resolver=names)
    assert "allow_private_targets" in refused.value.hint
    assert "nas.local" not in refused.value.message


class Answering(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.seen.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"] or 0))))
        path = self.path.partition("?")[0]
        if path == "/slow":
            time.sleep(1)
        self.send_response({"/moved": 302, "/bad": 500}.get(path, 200))
        if path == "/moved":
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        for _ in range(20 if path == "/trickle" else 0):
            self.wfile.write(b".")
            time.sleep(0.05)
        self.wfile.write(b"x" * 100_000 if path == "/long" else b"fine")

    def log_message(self, *_):
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    running.seen = []
    running.handle_error = lambda *_: None  # a client that hangs up is what these tests are about
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def post(server, path, **options):
    options = {"private": False, "loopback": True, "body": b"{}", "resolver": lambda *_: ["127.0.0.1"], **options}
    return outbound.send("POST", f"http://hooks.example.org:{server.server_port}{path}", **options)


def test_it_works_and_the_name_is_resolved_once(server):
    asked = []

    def once(host, port):
        asked.append((host, port))
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    reply = post(server, "/hook?a=1", resolver=once, headers={"X-Signature": "abc"})
    assert (reply.status, reply.body, reply.ok) == (200, b"fine", True)
    path, headers, body = server.seen[0]
    assert path == "/hook?a=1"
    assert body == b"{}"
    assert headers["Host"] == f"hooks.example.org:{server.server_port}"
    assert headers["X-Signature"] == "abc"
    assert len(asked) == 1


def test_a_form_is_sent_as_a_form(server):
    post(server, "/", body={"grant_type": "refresh token"})
    assert server.seen[0][2] == b"grant_type=refresh+token"


def test_redirects_and_errors_are_replies_not_journeys(server):
    assert post(server, "/moved").status == 302
    assert post(server, "/bad").ok is False
    assert [path for path, *_ in server.seen] == ["/moved", "/bad"]


def test_a_long_or_slow_answer_is_cut_off_and_the_error_does_not_quote_the_address(server):
    for path, code, seconds in (("/long", "reply_too_long", 5.0), ("/slow", "timed_out", 0.3), ("/trickle", "timed_out", 0.3)):
        with pytest.raises(Unavailable) as failed:
            post(server, path + "?key=geheim", seconds=seconds)
        assert failed.value.code == code
        assert "example" not in str(failed.value)
        assert "geheim" not in str(failed.value)


def test_loopback_is_refused_before_anything_is_sent(server):
    with pytest.raises(Forbidden):
        post(server, "/hook", loopback=False)
    assert server.seen == []


def test_a_refused_connection_is_unavailable(server):
    server.shutdown()
    server.server_close()
    with pytest.raises(Unavailable) as failed:
        post(server, "/hook")
    assert failed.value.code == "unreachable"


@pytest.mark.parametrize(
    "url", ["ftp://host/", "http://", "https://user:secret@host/", "//host", "http://[::1", "http://host:99999/", "file:///etc/passwd"]
)
def test_only_plain_web_addresses_are_called(url):
    with pytest.raises(Invalid) as refused:
        outbound.send("GET", url, private=True, loopback=True)
    assert "secret" not in str(refused.value)


def certificate(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now, now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "tls.pem"
    plain = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(plain + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(("issued_for", "works"), [("hooks.example.org", True), ("other.example.org", False)])
def test_tls_checks_the_name_though_the_connection_goes_to_the_address(server, tmp_path, monkeypatch, issued_for, works):
    path = certificate(tmp_path, issued_for)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    secure = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    secure.seen = []
    secure.handle_error = lambda *_: None
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    threading.Thread(target=secure.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(path))
    url = f"https://hooks.example.org:{secure.server_port}/hook"
    try:
        if works:
            assert outbound.send("POST", url, private=False, loopback=True, body=b"", resolver=lambda *_: ["127.0.0.1"]).ok
        else:
            with pytest.raises(Unavailable) as failed:
                outbound.send("POST", url, private=False, loopback=True, body=b"", resolver=lambda *_: ["127.0.0.1"])
            assert failed.value.code == "certificate"
    finally:
        secure.shutdown()
        secure.server_close()
