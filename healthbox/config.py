"""Every setting: one field says its name, type, default, limits and meaning.

None is required. Order of strength: the command line's ``--data``, ``HEALTHBOX_<NAME>`` in the environment, the file
``<data>/config.toml`` (or the one that ``HEALTHBOX_CONFIG`` names), the default. In the environment lists are separated
by commas. The one secret, the vault key, is only ever named by the file that holds it, so it shows in no environment.

``python -m healthbox.config`` prints config.example.toml.
"""

import difflib
import ipaddress
import json
import sys
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta

from healthbox.domain.errors import Invalid

PREFIX = "HEALTHBOX_"
CONFIG = "HEALTHBOX_CONFIG"

Port = Annotated[int, Meta(ge=0, le=65535)]
Hour = Annotated[int, Meta(ge=0, le=23)]
Count = Annotated[int, Meta(ge=0, le=10_000)]
Days = Annotated[int, Meta(ge=1, le=36_500)]
Megabytes = Annotated[int, Meta(ge=0, le=1_000_000)]
Address = Annotated[str, Meta(pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$")]


def says(meaning: str) -> Meta:
    return Meta(description=meaning)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    data: Annotated[
        Path, says("The folder that holds everything: database, spool, keys, backups. Not from the config.toml that lies in it.")
    ] = Path("data")
    host: Annotated[str, says("The address to listen on. 0.0.0.0 is every network of this machine, 127.0.0.1 only the machine itself.")] = (
        "0.0.0.0"  # noqa: S104  (a home server is there to be reached by the phones at home)
    )
    port: Annotated[Port, says("The port to listen on; 0 takes a free one.")] = 8765
    base_url: Annotated[
        Address,
        says(
            "How people reach this server, where it is behind a proxy or under a public name: https://health.example.org/health. "
            "Governs sub-path, links, cookies, the Origin and Host checks and QR codes. Empty: whatever address was asked for."
        ),
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...], says('Networks whose X-Forwarded-* headers are believed, such as ["172.16.0.0/12"]. Nobody by default.')
    ] = ()
    metrics_networks: Annotated[
        tuple[str, ...], says("Networks that may read /metrics without an admin token. It holds no health value.")
    ] = ("127.0.0.0/8", "::1/128")
    max_json_bytes: Annotated[
        Annotated[int, Meta(ge=1024, le=2**31)], says("The largest JSON body that is taken, unpacked. Larger ones: 413.")
    ] = 32 * 1024 * 1024
    retention_days: Annotated[
        Days, says("How long what was sent, bodies and files, is kept once processed. The samples made of it stay for ever.")
    ] = 90
    backup_hour: Annotated[Hour, says("The hour, in this machine's zone, of the nightly backup into <data>/backups.")] = 3
    backups_daily: Annotated[Count, says("How many daily backups are kept.")] = 7
    backups_weekly: Annotated[Count, says("How many weekly backups are kept beyond the daily ones.")] = 4
    allow_private_targets: Annotated[
        bool, says("Whether notifications may go to addresses of the home network (an own ntfy, Home Assistant).")
    ] = True
    allow_loopback_targets: Annotated[bool, says("Whether notifications may go to services on this very machine (127.0.0.1, ::1).")] = False
    log_level: Annotated[Literal["debug", "info", "warning", "error"], says("How much is logged. Never a health value.")] = "info"
    poll_seconds: Annotated[
        Annotated[float, Meta(ge=0.01, le=10)], says("How often, in seconds, the worker looks for work that nobody rang for.")
    ] = 0.1
    threads: Annotated[Annotated[int, Meta(ge=1, le=64)], says("Threads that answer HTTP requests.")] = 8
    ballast_mb: Annotated[
        Megabytes, says("Size of the file that is given up when the disk is full, so that the database can still be written.")
    ] = 64
    min_free_mb: Annotated[Megabytes, says("Below this much free disk, uploads are refused (507) before anything breaks.")] = 200
    session_idle_days: Annotated[Days, says("A login ends after so many days without a visit.")] = 14
    session_max_days: Annotated[Days, says("A login ends after so many days in any case.")] = 90
    vault_key_file: Annotated[
        str, says("The file with the key that seals notification addresses. Empty: <data>/vault.key, made on the first start.")
    ] = ""


class Row(msgspec.Struct, frozen=True):
    """One setting as documentation shows it. ``default`` is written as in TOML."""

    name: str
    env: str
    default: str
    meaning: str


def rows() -> Iterator[Row]:
    for name, hint in get_type_hints(Settings, include_extras=True).items():
        default = _default(name)
        written = json.dumps(str(default) if isinstance(default, Path) else default)
        meaning = next(str(meta.description) for meta in hint.__metadata__ if meta.description)
        yield Row(name, PREFIX + name.upper(), written, meaning)


def load(data: Path | None, env: Mapping[str, str]) -> Settings:
    """The settings in force; ``data`` is what the command line said. Raises Invalid, naming the key and where it stood."""
    folder = data or (Path(env[PREFIX + "DATA"]) if env.get(PREFIX + "DATA") else None)
    file = Path(env[CONFIG]) if env.get(CONFIG) else (folder or Settings().data) / "config.toml"
    values: dict[str, Any] = {}
    for key, given in _file(file, must_exist=bool(env.get(CONFIG))).items():
        values[key] = _checked(key, given, f"in {file}", strict=True)
    if "data" in values and not env.get(CONFIG):
        raise Invalid(f"data cannot be set in {file}, which lies in it", hint=f"Use --data or {PREFIX}DATA.")
    for key, text in _environment(env).items():
        values[key] = _checked(key, _from_text(key, text), f"in the environment ({PREFIX}{key.upper()})", strict=False)
    if folder is not None:
        values["data"] = folder
    return Settings(**values)


def _file(path: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if must_exist:
            raise Invalid(f"There is no file {path}", hint=f"{CONFIG} names it: correct or unset it.") from None
        return {}
    except OSError as problem:
        raise Invalid(f"{path} cannot be read: {problem.strerror}", hint="Let the user that runs healthbox read it.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise Invalid(f"{path} is not valid TOML: {problem}", hint='A line looks like: port = 8765, or: host = "127.0.0.1"') from None
    for key in values:
        if key not in Settings.__struct_fields__:
            raise Invalid(f"Unknown setting {key} in {path}", hint=_nearest(key) or "config.example.toml lists every setting.")
    return values


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    """Our variables that are not empty. A near miss is an error; others are not ours (Kubernetes sets HEALTHBOX_SERVICE_HOST)."""
    found = {}
    for variable, text in env.items():
        key = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or variable == CONFIG:
            continue
        if key in Settings.__struct_fields__:
            if text != "":
                found[key] = text
        elif hint := _nearest(key, PREFIX):
            raise Invalid(f"Unknown setting {variable} in the environment", hint=hint)
    return found


def _nearest(key: str, prefix: str = "") -> str:
    near = difflib.get_close_matches(key.lower().replace("-", "_"), Settings.__struct_fields__, n=1, cutoff=0.7)
    return f"Did you mean {(prefix + near[0]).upper() if prefix else near[0]}?" if near else ""


def _default(key: str) -> Any:
    return dict(zip(Settings.__struct_fields__, Settings.__struct_defaults__, strict=True))[key]


def _from_text(key: str, text: str) -> Any:
    if isinstance(_default(key), tuple):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _checked(key: str, given: Any, where: str, *, strict: bool) -> Any:
    hint = get_type_hints(Settings, include_extras=True)[key]
    try:
        value = msgspec.convert(given, hint, strict=strict, dec_hook=lambda kind, raw: kind(raw))
        if key.endswith(("_proxies", "_networks")):
            for network in value:
                ipaddress.ip_network(network)
    except (ValueError, TypeError) as problem:  # msgspec.ValidationError is a ValueError
        row = next(row for row in rows() if row.name == key)
        raise Invalid(f"{key} {where} cannot be used: {problem}", hint=f"{row.meaning} Default: {row.default}") from None
    return value.rstrip("/") if key == "base_url" else value


def example() -> str:
    """The text of config.example.toml: every setting with its meaning, its default commented out."""
    parts = ["# healthbox needs no settings. Copy this to config.toml in the data folder and uncomment what you want to change.\n"]
    for row in rows():
        meaning = textwrap.fill(row.meaning, 120, initial_indent="# ", subsequent_indent="# ", break_long_words=False)
        parts.append(f"{meaning}\n# Also: {row.env}\n# {row.name} = {row.default}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(example())
