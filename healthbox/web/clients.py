"""The apps a phone may send with: what to know before, and what each is told. Pure words and links; no request, no database."""

import json
from typing import NamedTuple
from urllib.parse import quote

import segno


class Client(NamedTuple):
    """``key`` is its address under /pair; ``device`` completes "Alice’s …"; ``facts`` are said before anything is made."""

    key: str
    name: str
    line: str
    device: str
    facts: tuple[str, ...]
    does: str = "Make its token"


CLIENTS = {
    client.key: client
    for client in (
        Client(
            "health-auto-export",
            "Health Auto Export",
            "iPhone. Everything from the Health app, set up by scanning codes",
            "iPhone",
            (
                "Sending to a server of your own (“REST API”) is a paid feature of that app.",
                "A locked phone sends nothing: iOS opens the Health data only while it is unlocked. What was measured meanwhile comes "
                "with the next sync.",
                "iOS decides when an app may work in the background, so “hourly” is a wish. Background App Refresh must be on, Low Power "
                "Mode stops it; the app’s widget on the home screen helps.",
                "A watch hands over some samples late. A sync of what is new since the last one misses those, so a second automation sends "
                "the last seven days once a day. Nothing is counted twice.",
            ),
            "Make the codes",
        ),
        Client(
            "shortcut",
            "iOS Shortcut",
            "iPhone. Free and built in, made by hand, one kind of data after the other",
            "iPhone",
            (
                "Nothing to buy or install. Apple takes only shortcuts that it has signed itself, so this one is put together by hand: "
                "about five minutes.",
                "A locked phone gives out no Health data: let it run at a moment when you use the phone.",
                "You choose the kinds of data one by one. Watch and phone both count your steps; healthbox counts every moment once.",
            ),
            "Make the recipe",
        ),
        Client(
            "hc-webhook",
            "HC Webhook",
            "Android. Everything in Health Connect",
            "Android phone",
            (
                "An open-source app that posts what Health Connect holds.",
                "Choose raw data as the resolution. Its default for steps, distance and calories is one total a day that grows with "
                "every upload: healthbox then knows neither when you walked nor what phone and watch counted twice.",
                "It looks back 48 hours: a phone that cannot reach this server for longer leaves a gap.",
                "It writes all times in UTC, so days are cut in your own time zone as set here.",
            ),
        ),
        Client(
            "healthsave",
            "HealthSave",
            "iPhone and Android. An app with a server address to fill in",
            "phone",
            (
                "healthbox speaks the language of that app’s server: no other server is needed.",
                "A locked iPhone sends nothing; what was measured meanwhile comes with the next sync.",
            ),
        ),
        Client(
            "other",
            "Something else",
            "Health Bridge, Health Export Pro, the Open Wearables SDK, your own script",
            "phone",
            (
                "Anything that posts JSON of a known shape to an address, with a header of your choice, works.",
                "The token may only send. For a program that reads, make one on the page Devices.",
            ),
        ),
    )
}


class Code(NamedTuple):
    """A link that sets up one automation of Health Auto Export, and its QR code. Both hold the token: shown once, like the token."""

    name: str
    why: str
    link: str
    image: str


_EVERY_HOUR = "&period=lastsync&syncinterval=hours&syncquantity=1"
_EVERY_DAY = "&period=previous7Days&syncinterval=days&syncquantity=1"
_METRICS = "&datatype=healthMetrics&aggregatedata=false"
_ALWAYS = "&format=json&exportversion=v2&batchrequests=true&requesttimeout=300&enabled=true"
AUTOMATIONS = (
    ("Health metrics, hourly", "healthbox hourly", "What is new since the last sync.", _METRICS + _EVERY_HOUR),
    ("Health metrics, daily", "healthbox 7 days", "The last seven days again, for what a watch hands over late.", _METRICS + _EVERY_DAY),
    (
        "Workouts",
        "healthbox workouts",
        "With route and pulse, hourly.",
        "&datatype=workouts&includeroutes=true&includeworkoutmetadata=true&workoutsmetadatainterval=minutes" + _EVERY_HOUR,
    ),
    ("Symptoms", "healthbox symptoms", "If you log any. Once a day.", "&datatype=symptoms" + _EVERY_DAY),
)


def codes(address: str, token: str) -> list[Code]:
    """One code per automation of Health Auto Export, as its makers describe the link."""
    to = f"&url={quote(address, safe='')}&headers={quote(f'Authorization,Bearer {token}', safe='')}"
    made = []
    for name, called, why, options in AUTOMATIONS:
        link = f"com.HealthExport://automation?name={quote(called)}{to}{options}{_ALWAYS}"
        made.append(Code(name, why, link, qr(link)))
    return made


def qr(text: str) -> str:
    return segno.make(text, error="l", micro=False).svg_data_uri(border=0, omitsize=True)


# A body of the right shape that holds nothing: it proves the way and leaves no reading behind.
NOTHING = {"type": "Steps", "unit": "count", "dates": [], "values": []}
SHORTCUT_TYPES = (
    ("Steps", "count"),
    ("Heart Rate", "count/min"),
    ("Resting Heart Rate", "count/min"),
    ("Heart Rate Variability", "ms"),
    ("Active Energy", "kcal"),
    ("Walking + Running Distance", "km"),
    ("Respiratory Rate", "count/min"),
    ("Oxygen Saturation", "%"),
    ("Weight", "kg"),
    ("Sleep", ""),
)


def curl(address: str, token: str) -> str:
    """A command that sends nothing, for a terminal."""
    parts = (
        f"curl -X POST {address}",
        f"-H 'Authorization: Bearer {token}'",
        "-H 'Content-Type: application/json'",
        f"-d '{json.dumps(NOTHING)}'",
    )
    return " \\\n  ".join(parts)


class Field(NamedTuple):
    """A line to fill in: ``copied`` lines have a button."""

    label: str
    value: str
    copied: bool = True


def fields(key: str, root: str, token: str) -> list[tuple[str, list[Field], str]]:
    """For apps that are filled in by hand: (heading, fields, remark) each."""
    ingest = f"{root}/api/v1/ingest"
    header = [Field("Header name", "Authorization"), Field("Header value", f"Bearer {token}")]
    match key:
        case "hc-webhook":
            told = [Field("Webhook URL", ingest), *header, Field("Resolution of every type", "raw data, no daily total", False)]
            return [
                ("Fill in", told, "The header is a “custom header” there. The app’s own test sends made-up data, which healthbox drops.")
            ]
        case "healthsave":
            return [("Fill in", [Field("Server URL", root), Field("API key", token)], "The address of the server alone, without a path.")]
        case _:
            sdk = [Field("Host", root), Field("User", "any", False), *header]
            return [
                ("Apps with an address and a header", [Field("URL", ingest), Field("Method", "POST", False), *header],
                 "Health Bridge, Health Export Pro, Health Data Export and others. Content type JSON."),
                ("Open Wearables SDK", sdk, "It adds its own path; whose data it is says the token, not the user in the path."),
            ]  # fmt: skip
