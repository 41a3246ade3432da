"""The way to a notification service: check its address, send one message, hear its answer.

Both happen in a child process (see ``sender``): it is ended when it takes too long, and the address goes in by a pipe, so it
stands in no process list. The child's environment holds no proxy and no .netrc, which would carry a connection round the guard.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

import healthbox
from healthbox.config import Settings
from healthbox.domain.errors import Invalid, Problem
from healthbox.notify.allowed import Service, service_of
from healthbox.outbound import guard

SECONDS = 40.0
MODULE = "healthbox.notify.sender"


class Outcome(msgspec.Struct, frozen=True):
    """``answer`` is what the service said, line by line and redacted; ``reason`` in short why it failed, ``permanent`` for good."""

    ok: bool
    answer: str
    reason: str = ""
    permanent: bool = False


class _Reply(msgspec.Struct):
    ok: bool
    fault: str = ""
    host: str | None = None
    port: int = 0
    log: list[tuple[str, str]] = []


def check(url: str, settings: Settings) -> Service:
    """The service of an address that may be used. Raises Invalid, Forbidden (address guard) or Unavailable (unknown host)."""
    service = service_of(url)
    try:
        reply = _ask("inspect", url, settings)
    except (subprocess.SubprocessError, OSError, msgspec.MsgspecError):
        raise Invalid("This address could not be read.", hint=f"It looks like {service.example}") from None
    if not reply.ok:
        raise Invalid(f"This address cannot be used: {reply.fault}.", hint=f"It looks like {service.example}")
    if reply.host is not None:
        guard(reply.host, reply.port, private=settings.allow_private_targets, loopback=settings.allow_loopback_targets)
    return service


def send(url: str, title: str, body: str, settings: Settings, *, seconds: float = SECONDS) -> Outcome:
    """Send one plain-text message. Never raises for what the service or the address does wrong."""
    try:
        service_of(url)
        reply = _ask("send", url, settings, seconds=seconds, title=title, body=body)
    except Problem as problem:
        return Outcome(False, problem.message, problem.message, problem.permanent)
    except subprocess.TimeoutExpired:
        return Outcome(False, "The service did not answer in time.", "The service did not answer in time.")
    except (subprocess.SubprocessError, OSError, msgspec.MsgspecError) as problem:
        text = f"The message could not be sent ({type(problem).__name__})."
        return Outcome(False, text, text)
    answer = "\n".join(f"{level}: {text}" for level, text in reply.log)
    if reply.ok:
        return Outcome(True, answer)
    said = [text for level, text in reply.log if level in ("WARNING", "ERROR", "CRITICAL")]
    return Outcome(False, answer or reply.fault, reply.fault or (said or ["The service did not take the message."])[-1])


def _ask(act: str, url: str, settings: Settings, *, seconds: float = SECONDS, **message: str) -> _Reply:
    question: dict[str, Any] = {
        "act": act,
        "url": url,
        "data": str(settings.data),
        "private": settings.allow_private_targets,
        "loopback": settings.allow_loopback_targets,
        **message,
    }
    done = subprocess.run(  # noqa: S603  (our own module; the address goes in by stdin)
        [sys.executable, "-P", "-m", MODULE],
        input=msgspec.json.encode(question),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=seconds,
        check=True,
        env=_environment(os.environ),
    )
    return msgspec.json.decode(done.stdout.rstrip().rpartition(b"\n")[2], type=_Reply)


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value for name, value in ours.items() if not name.upper().startswith("HEALTHBOX_") and not name.lower().endswith("_proxy")
    }
    package = Path(healthbox.__file__).parent.parent
    return {**kept, "PYTHONPATH": str(package), "NETRC": os.devnull, "PYTHONDONTWRITEBYTECODE": "1"}
