"""The child process that speaks to one service: one question on stdin, one answer on stdout, both JSON.

Apprise costs 45 MB of memory and half a second, and its plugins open whatever connections they like: here both are bounded.
An audit hook, which no plugin can take off, refuses every connection to an address that the guard refuses, however the
plugin came by it, and every look into the data folder. A hanging service is ended with the process.
"""

import base64
import html
import ipaddress
import json
import logging
import re
import socket
import sys
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, quote_plus, unquote

import apprise
import msgspec
from apprise import plugins

from healthbox.notify.allowed import refused_arguments, service_of
from healthbox.outbound import refusal

HIDDEN = "****"
LINE_CAP = 500
LOG_CAP = 60


class Question(msgspec.Struct, frozen=True):
    act: Literal["inspect", "send"]
    url: str
    data: str  # the folder of healthbox's data: closed to the child
    private: bool
    loopback: bool
    title: str = ""
    body: str = ""


class Answer(msgspec.Struct):
    """``host``: the server of one's own that the address names. ``log``: what the service said, without secrets."""

    ok: bool
    fault: str = ""
    host: str | None = None
    port: int = 0
    log: list[tuple[str, str]] = []


def fence(question: Question) -> list[str]:
    """From here on this process reaches only allowed addresses and no file of healthbox. The list fills with what it refused."""
    refused: list[str] = []
    closed = Path(question.data).resolve()
    libraries = [Path(place).resolve() for place in (sys.prefix, sys.base_prefix)]  # may lie in it, on a developer's machine

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            reach(arguments[0], arguments[1])
        elif event == "open" and isinstance(arguments[0], str | bytes):
            path = Path(arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]).resolve()
            if path.is_relative_to(closed) and not any(path.is_relative_to(place) for place in libraries):
                raise PermissionError("this file is closed to notification services")
        elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
            raise PermissionError("notification services start no programs")

    def reach(connection: socket.socket, address: Any) -> None:
        if connection.family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
            raise PermissionError("notification services speak over the network only")
        try:
            ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
        except ValueError:
            raise PermissionError("only a resolved address may be connected to") from None
        if reason := refusal(ip, private=question.private, loopback=question.loopback):
            refused.append(f"nothing is sent to this host: it {reason}")
            raise PermissionError(refused[-1])

    sys.addaudithook(watch)
    return refused


def asset() -> Any:
    return apprise.AppriseAsset(
        app_id="healthbox",
        app_desc="healthbox",
        app_url="",
        image_url_mask="",  # else messages carry the address of an icon on an outside host
        image_url_logo="",
        http_redirects=False,
        async_mode=False,
        pgp_autogen=False,
        pem_autogen=False,
        language="en",
        storage_mode="memory",  # else plugins write their access tokens to disk, unsealed
    )


def own_server(url: str, plugin: Any) -> tuple[str | None, int]:
    """Host and port of the server that the address names; None where the service has its own fixed hosts."""
    if hasattr(plugin, "smtp_host"):
        return plugin.smtp_host, plugin.port or 587
    if not service_of(url).own or getattr(plugin, "mode", None) == "cloud":
        return None, 0
    return plugin.host, plugin.port or (443 if plugin.secure else 80)


def secrets(url: str, plugin: Any) -> list[str]:
    """Every part of an address but its host, in every spelling a log may hold, longest first: topics and paths are keys too."""
    rest = url.partition("://")[2]
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    host = own_server(url, plugin)[0] or ""
    parts = {unquote(part) for part in re.split(r"[/:@?&=,;#]+", rest)}
    parts = {part for part in parts if len(part) > 3 and part != str(plugin.port) and part.lower() not in host.lower()} | {
        plugin.password or ""
    } - {""}
    if "@" in authority:
        login = unquote(authority.rpartition("@")[0])
        parts |= {base64.b64encode(part.encode()).decode() for part in (login, plugin.user or login, plugin.password or login)}
    return sorted({form for part in parts for form in spellings(part)}, key=len, reverse=True)


def spellings(text: str) -> set[str]:
    return {text, quote(text), quote(text, safe=""), json.dumps(text)[1:-1], html.escape(text), repr(text)[1:-1]}


def fragments(title: str, body: str) -> set[str]:
    """Runs of a message that survive every way of escaping it: by them an echo of the message is known."""
    runs = [run.strip() for run in re.split(r"[^A-Za-z0-9 .,:/-]+", f"{title}\n{body}")]
    return {form for run in runs if len(run) >= 8 for form in (run, quote(run), quote_plus(run))}


def redacted(records: list[logging.LogRecord], hidden: list[str], told: set[str]) -> list[tuple[str, str]]:
    """What the log says, without the parts of the address, and without the message: services like to repeat it."""
    lines = []
    for record in records[-LOG_CAP:]:
        text = record.getMessage()
        if "payload" in text.lower():
            continue
        if any(run in text for run in told):
            text = f"{text.partition(':')[0][:40]}: (repeats the message)"
        for secret in hidden:
            text = text.replace(secret, HIDDEN)
        lines.append((record.levelname, " ".join(text.split())[:LINE_CAP]))
    return lines


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def answer(question: Question) -> Answer:
    kept, logger = Kept(), logging.getLogger("apprise")
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    parsed = plugins.url_to_dict(question.url, secure_logging=True) or {}  # type: ignore[no-untyped-call]
    if refused := refused_arguments(parsed.get("qsd", {})):
        return Answer(False, fault=f"an argument of this address is not taken: {', '.join(refused)[:100]}")
    plugin = apprise.Apprise.instantiate(question.url, asset=asset())
    if plugin is None:
        return Answer(False, fault="the service's own parts of this address are missing or wrong")
    host, port = own_server(question.url, plugin)
    if question.act == "inspect":
        return Answer(True, host=host, port=port)
    outbox = apprise.Apprise(asset=asset())
    outbox.add(plugin)
    ok = bool(outbox.notify(body=question.body, title=question.title, body_format="text"))
    return Answer(
        ok, host=host, port=port, log=redacted(kept.records, secrets(question.url, plugin), fragments(question.title, question.body))
    )


def main() -> None:
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    refused = fence(question)
    given = answer(question)
    if refused and not given.ok:
        given.fault = refused[-1]
    sys.stdout.buffer.write(b"\n" + msgspec.json.encode(given) + b"\n")


if __name__ == "__main__":
    main()
