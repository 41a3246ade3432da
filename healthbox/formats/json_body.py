"""Bytes to JSON, strictly: what comes out holds only finite numbers, clean text and at most ``MAX_DEPTH`` levels."""

import codecs
import json
import math
import re
from typing import Any, NoReturn

import msgspec

from healthbox.domain.errors import Malformed

MAX_DEPTH = 64
REPLACEMENT = "\ufffd"
_HINT = "Send one JSON document, UTF-8, without NaN or Infinity."
_FILE = "Send files elsewhere: on the page Data → Import a file, into the folder inbox of the data volume, or with `healthbox import`."
_FORM = "Send the JSON itself as the body, without a form around it. In Health Auto Export set the export format to JSON."
_TABLE = "In Health Auto Export set the export format to JSON. A table of your own goes to the page Data → Import a file."
_FIRST_CELL = re.compile(rb'"?[A-Za-z\x80-\xff][^\x00-\x1f{}\[\]:=,;]{0,200}[,;\t]')
_HEAD = 4096  # bytes in which a body shows what it is
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")  # an escaped NUL or half of a surrogate pair
_UNCLEAN = re.compile("[\x00\ud800-\udfff]")


def decode(raw: bytes) -> Any:
    """The JSON value of a request's body. Raises ``errors.Malformed`` (and nothing else) when it is none.

    NUL characters and lone surrogates inside text become U+FFFD: a name stays readable, while a time, a number or an id
    that holds one is refused later, record by record.
    """
    raw = raw.removeprefix(codecs.BOM_UTF8)
    if not raw.strip():
        raise Malformed("The body is empty.", hint=_HINT, code="empty_body")
    try:
        body = _read(raw)
    except RecursionError:
        _too_deep()
    except UnicodeDecodeError:
        raise Malformed("The body is not UTF-8 text.", hint=_hint(raw[:_HEAD])) from None
    except (msgspec.MsgspecError, ValueError) as problem:
        body = _lines(raw)
        if body is None:
            raise Malformed(f"The body is not valid JSON: {_where(problem)}.", hint=_hint(raw[:_HEAD])) from None
    if not _shallow(body):
        _too_deep()
    return body


def _read(raw: bytes) -> Any:
    return _clean(_lenient(raw)) if is_suspect(raw) else _STRICT.decode(raw)


def _lines(raw: bytes) -> list[Any] | None:
    """JSON lines, an object each, as one list; None when the body is none."""
    lines = [line for line in raw.split(b"\n") if line.strip()]
    if len(lines) < 2 or not all(line.lstrip().startswith(b"{") for line in lines):
        return None
    try:
        return [_read(line) for line in lines]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def is_suspect(raw: bytes) -> bool:
    """Whether text in it may need replacing: most bodies escape nothing at all, and are not searched."""
    return b"\\" in raw and _SUSPECT.search(raw) is not None


def _lenient(raw: bytes) -> Any:
    """The standard reader, which unlike msgspec lets lone surrogates through to be replaced."""
    return json.loads(raw.decode("utf-8"), parse_constant=_no_constant, parse_float=finite)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def finite(text: str) -> float:
    """A number as JSON writes it. Raises ``ValueError`` for one that a float cannot hold."""
    number = float(text)
    if math.isinf(number):
        raise ValueError("number out of range")
    return number


# msgspec by itself needs a hundred times as long for 1e308 as for other numbers, two seconds for a megabyte of them.
_STRICT = msgspec.json.Decoder(float_hook=finite)


def _where(problem: Exception) -> str:
    """What the reader says, without quoting the body: these messages name bytes and columns only."""
    if isinstance(problem, json.JSONDecodeError):
        return f"{problem.msg} (line {problem.lineno}, column {problem.colno})"
    if isinstance(problem, msgspec.MsgspecError):
        return str(problem).removeprefix("JSON is malformed: ").split(" - at ")[0]
    return "a number is out of range"


def _hint(head: bytes) -> str:
    """What helps for a body that begins like this and is no JSON: a file, a form, a table, or JSON gone wrong."""
    head = head.lstrip()
    is_form = head.startswith(b"--")
    if is_form:
        head = head.partition(b"\r\n\r\n")[2].lstrip()
    if head.startswith((b"PK\x03\x04", b"<")):
        return _FILE
    if is_form:
        return _FORM
    return _TABLE if _FIRST_CELL.match(head) else _HINT


def _too_deep() -> NoReturn:
    raise Malformed(f"The body is nested more than {MAX_DEPTH} levels deep.", hint="Send a flatter document.", code="too_deep")


def _shallow(body: Any) -> bool:
    level = [body]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            if type(node) is dict or type(node) is list
            for child in (node.values() if type(node) is dict else node)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return True
    return False


def _clean(node: Any) -> Any:
    if type(node) is str:
        return _UNCLEAN.sub(REPLACEMENT, node)
    if type(node) is dict:
        return {_UNCLEAN.sub(REPLACEMENT, key): _clean(value) for key, value in node.items()}
    if type(node) is list:
        return [_clean(child) for child in node]
    return node
