"""Which services messages may go to, and which parts of their addresses are taken.

Apprise knows some 250 schemas: among them ones that write to the system's log, drive local programs or read files. Only these
are let in. An argument (?name=value) that is not listed is refused, so that none can name a file, fetch an outside image or
follow a redirect. A new service is one row here, after a look at what its arguments can do.
"""

from collections.abc import Iterable

import msgspec

from healthbox.domain.errors import Invalid


class Service(msgspec.Struct, frozen=True):
    """``own``: the address names a server of one's own, checked by the address guard before it is ever used."""

    label: str
    schemas: tuple[str, ...]
    own: bool
    example: str


SERVICES = (
    Service("E-mail", ("mailto", "mailtos"), True, "mailtos://user:password@mail.example.org?to=alice@example.org"),
    Service("ntfy", ("ntfy", "ntfys"), True, "ntfys://ntfy.example.org/topic"),
    Service("Gotify", ("gotify", "gotifys"), True, "gotify://gotify.home.arpa/token"),
    Service("Home Assistant", ("hassio", "hassios"), True, "hassio://homeassistant.local/token"),
    Service("JSON", ("json", "jsons"), True, "jsons://host/path"),
    Service("Form", ("form", "forms"), True, "forms://host/path"),
    Service("XML", ("xml", "xmls"), True, "xmls://host/path"),
    Service("Matrix", ("matrix", "matrixs"), True, "matrixs://user:password@matrix.example.org/#room"),
    Service("Mattermost", ("mmost", "mmosts"), True, "mmosts://chat.example.org/token"),
    Service("Rocket.Chat", ("rocket", "rockets"), True, "rockets://user:password@chat.example.org/#room"),
    Service("Signal", ("signal", "signals"), True, "signal://signal-api.home.arpa:8080/+15555550100/+15555550101"),
    Service("Bark", ("bark", "barks"), True, "barks://bark.example.org/key"),
    Service("Nextcloud Talk", ("nctalk", "nctalks"), True, "nctalks://user:password@cloud.example.org/room"),
    Service("Synology Chat", ("synology", "synologys"), True, "synology://nas.local/token"),
    Service("Discord", ("discord",), False, "discord://webhook-id/webhook-token"),
    Service("Slack", ("slack",), False, "slack://token-a/token-b/token-c"),
    Service("Telegram", ("tgram",), False, "tgram://bot-token/chat-id"),
    Service("Pushover", ("pover",), False, "pover://user-key@token"),
    Service("Pushbullet", ("pbul",), False, "pbul://access-token"),
    Service("Microsoft Teams", ("workflow", "workflows"), True, "workflows://host/workflow/signature"),
    Service("Twilio", ("twilio",), False, "twilio://sid:token@+15555550100/+15555550101"),
    Service("Prowl", ("prowl",), False, "prowl://api-key"),
    Service("Zulip", ("zulip",), False, "zulip://bot@organization/token"),
    Service("Google Chat", ("gchat",), False, "gchat://workspace/key/token"),
    Service("Threema", ("threema",), False, "threema://gateway-id@secret/recipient"),
)
BY_SCHEMA = {schema: service for service in SERVICES for schema in service.schemas}
ARGUMENTS = frozenset(
    """api-version apikey auth batch bcc botname cc channel channels cto discovery email expire format from group gwid hsreq id
    interval key level method mode msgtype name overflow pa password path powerautomate prefix preview priority reply route routeid
    rto secret sid sig silent smtp sound status team thread to token topic url_prefix user pass ver verify version webhook
    workspace""".split()  # noqa: SIM905  (five lines rather than sixty)
)
PREFIXES = ("+", "-", ":")  # a header, a query parameter or a field of one's own, where a service takes them
LONGEST = 2_000


def service_of(url: str) -> Service:
    """The service that an address names. Raises Invalid; no error repeats the address, which holds secrets."""
    schema, separator, _ = url.partition("://")
    service = BY_SCHEMA.get(schema.lower())
    if not separator or service is None:
        known = ", ".join(sorted(row.schemas[0] for row in SERVICES))
        hint = f"The address begins with one of: {known}"
        raise Invalid("This service is not one that healthbox sends to.", hint=hint, code="service_refused")
    if len(url) > LONGEST or any(character.isspace() or ord(character) < 33 for character in url):
        raise Invalid("This address is too long or holds blanks.", hint=f"Write one address, such as {service.example}")
    return service


def refused_arguments(names: Iterable[str]) -> list[str]:
    """Those of an address' arguments, as Apprise itself parsed them, that are not taken."""
    return sorted(name for name in names if name.lower() not in ARGUMENTS and not name.startswith(PREFIXES))
