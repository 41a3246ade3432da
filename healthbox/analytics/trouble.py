"""Silent trouble: every upload is answered with success, and yet nothing new arrives. Pure functions of what came and when.

looping     the same body again and again: an app whose bookmark never moves on
duplicates  bodies that differ, and hold nothing that is not known already: an automation that covers the wrong span
silent      a phone, or one of the sources it carries, that stopped

Only the root is named: a phone that has stopped explains its sources, and one that loops explains why nothing is new. What is
judged is always the habit of that very device or source, so who has always sent the same body (a Shortcut with the latest weight)
or often pauses (a scale) is not in trouble by doing so. Nobody is judged in the first days, for a habit is not known then.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise, takewhile

import msgspec

from healthbox.analytics.rules.contract import Finding

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
MANUAL = "manual"
EMPTY = "empty"  # the phone sends, nothing of any of its sources is in it
STEADY = 2  # uploads in a row that store something: whatever looped goes on again
LAG_MS = 6 * HOUR_MS  # by which a watch's readings reach the phone late, and so the upload that brought the last of them
CATEGORY = "data"


class Upload(msgspec.Struct, frozen=True):
    """A closed upload that held records. ``at`` when it came, ``last`` when its body came last (ms), ``sent`` how often that was;
    ``stored`` counts new, updated and deleted records."""

    at: int
    public: str
    body: bytes
    stored: int
    known: int = 0
    refused: int = 0
    sent: int = 1
    last: int = 0

    @property
    def heard(self) -> int:
        return max(self.at, self.last)


class Habit(msgspec.Struct, frozen=True):
    """Whose it is, and how it usually comes: ``usual`` the median gap, ``longest`` its longest silences; ms, None while unknown."""

    id: int
    name: str
    since: int
    newest: int
    usual: int | None = None
    longest: int | None = None


class Device(Habit, frozen=True):
    """``newest`` is the last contact; ``uploads`` and ``contacts`` (ms, those with nothing in them too) the newest first."""

    uploads: Sequence[Upload] = ()
    contacts: Sequence[int] = ()

    @property
    def key(self) -> str:
        return f"device:{self.id}"


class Source(Habit, frozen=True):
    """``newest`` is the latest instant measured; ``device`` brought it."""

    kind: str = ""
    device: int | None = None

    @property
    def key(self) -> str:
        return f"source:{self.id}"


class Facts(msgspec.Struct, frozen=True):
    """``watching``: since when (ms) the server has been running without a gap; a phone cannot reach a server that is off."""

    now: int
    date: dt.date
    watching: int
    devices: Sequence[Device]
    sources: Sequence[Source]


class Trouble(msgspec.Struct, frozen=True):
    """A detector as people see it; the first of ``params`` at 0 switches it off."""

    name: str
    label: str
    about: str
    params: dict[str, float]
    flags: bool = False


# Six times in a day: a lost answer makes a client send twice or thrice, a nightly total that stands still is a third of the day's.
LOOPING = Trouble(
    "looping",
    "The same upload again and again",
    "A phone whose app sends one and the same body over and over, though each is accepted: nothing newer gets through.",
    {"looping_times": 6.0, "looping_hours": 24.0, "looping_share": 75.0, "looping_days": 3.0},
)
# Five uploads and a day: an hourly automation has a quiet night, and a daily one repeats itself when no watch was worn.
DUPLICATES = Trouble(
    "duplicates",
    "Uploads with nothing new in them",
    "A device whose uploads hold records, all of them known already or refused, for longer than it ever did.",
    {"duplicates_uploads": 5.0, "duplicates_hours": 24.0, "duplicates_longest": 2.0, "duplicates_days": 3.0},
)
# A day at least: a night, a flight, an empty battery are no trouble. Twice its longest silence: that is more than a bad day.
SILENT = Trouble(
    "silent",
    "Fallen silent",
    "A phone that stopped sending, or a watch or scale whose readings stopped while its phone still sends.",
    {"silent_hours": 24.0, "silent_usual": 3.0, "silent_longest": 2.0, "silent_days": 3.0},
)
TROUBLES: dict[str, Trouble] = {trouble.name: trouble for trouble in (LOOPING, DUPLICATES, SILENT)}


def judge(facts: Facts, given: Mapping[str, Mapping[str, float]]) -> list[Finding]:
    """At most one finding a device and a source; ``given`` are the person's own numbers by rule."""
    numbers = {name: trouble.params | dict(given.get(name, {})) for name, trouble in TROUBLES.items()}
    found: list[Finding] = []
    for device in facts.devices:
        stopped = _stopped(device, facts, numbers["silent"])
        root = stopped or looping(device, facts, numbers["looping"]) or duplicates(device, facts, numbers["duplicates"])
        if root:
            found.append(root)
        else:
            own = [source for source in facts.sources if source.device == device.id and source.kind != MANUAL]
            found += _sources(device, own, facts, numbers["silent"])
    return found


def cured(finding: Finding, facts: Facts) -> bool:
    """Whether a trouble that is not found any more is over because something came, and not because nobody waits or another explains it."""
    since = finding.words["since"]
    device = next((one for one in facts.devices if one.key == finding.metric), None)
    if device is None:
        return any(source.key == finding.metric and source.newest > float(since) for source in facts.sources)
    if finding.rule != SILENT.name:
        return bool(device.uploads) and device.uploads[0].stored > 0
    if finding.words.get("cause") == EMPTY:
        return any(source.device == device.id and source.newest > float(since) for source in facts.sources)
    return device.newest > float(since)


def looping(device: Device, facts: Facts, numbers: Mapping[str, float]) -> Finding | None:
    """One body makes up the last day's uploads, more than twice as often as any body before it."""
    if not numbers["looping_times"] or not device.uploads or not _lived(device, numbers["looping_days"]):
        return None
    if all(upload.stored and upload.sent == 1 for upload in device.uploads[:STEADY]):
        return None
    edge = max(upload.heard for upload in device.uploads) - numbers["looping_hours"] * HOUR_MS
    recent: Counter[bytes] = Counter()
    before: Counter[bytes] = Counter()
    for upload in device.uploads:
        (recent if upload.heard > edge else before)[upload.body] += upload.sent
    body, times = max(recent.items(), key=lambda item: (item[1], item[0]))
    repeated = 1 - len(recent) / recent.total()
    habit = max((count for other, count in before.items() if other not in recent), default=0)
    if times < numbers["looping_times"] or repeated * 100 < numbers["looping_share"] or times <= 2 * habit:
        return None
    same = [upload for upload in device.uploads if upload.body == body]
    return _finding(LOOPING, device, facts, sum(upload.sent for upload in same), same[-1].at, upload=same[0].public)


def duplicates(device: Device, facts: Facts, numbers: Mapping[str, float]) -> Finding | None:
    """No upload has stored anything for a day, and for twice as long as that ever took before."""
    if not numbers["duplicates_uploads"] or not _lived(device, numbers["duplicates_days"]):
        return None
    dry = list(takewhile(lambda upload: not upload.stored, device.uploads))
    if len(dry) < numbers["duplicates_uploads"]:
        return None
    stored = [upload.at for upload in device.uploads if upload.stored]
    habit = max((newer - older for newer, older in pairwise(stored)), default=0)
    if dry[0].at - dry[-1].at < max(numbers["duplicates_hours"] * HOUR_MS, numbers["duplicates_longest"] * habit):
        return None
    refused = sum(upload.refused for upload in dry) > sum(upload.known for upload in dry)
    return _finding(DUPLICATES, device, facts, len(dry), dry[-1].at, upload=dry[0].public, cause="refused" if refused else "")


def _stopped(device: Device, facts: Facts, numbers: Mapping[str, float]) -> Finding | None:
    limit = _patience(device, numbers)
    if limit is None or facts.now - max(device.newest, facts.watching) <= limit:
        return None
    return _finding(SILENT, device, facts, limit / HOUR_MS, device.newest, longest=float(device.longest or 0))


def _sources(device: Device, own: Sequence[Source], facts: Facts, numbers: Mapping[str, float]) -> list[Finding]:
    """A source is behind as of the phone's last contact, for a phone that stops is found by itself; one that is back after a
    silence brings what it has bit by bit, so the time counts from there."""
    pause = _patience(device, numbers) or numbers["silent_hours"] * HOUR_MS
    back = next((newer for newer, older in pairwise(device.contacts) if newer - older > pause), 0)
    gone = [
        source
        for source in own
        if (limit := _patience(source, numbers)) is not None and device.newest - max(source.newest, facts.watching, back) > limit
    ]
    freshest = max((source.newest for source in gone), default=0)
    later = [upload for upload in device.uploads if upload.at > freshest + LAG_MS]
    if later and not any(upload.stored for upload in later):
        return []  # records come, and none is new: that is another trouble, or becomes one
    if len(gone) > 1 and all(source.newest <= freshest for source in own):
        return [_finding(SILENT, device, facts, 0.0, freshest, cause=EMPTY)]
    return [
        _finding(SILENT, source, facts, (_patience(source, numbers) or 0.0) / HOUR_MS, source.newest, kind=source.kind, phone=device.name,
                 longest=float(source.longest or 0))
        for source in gone
    ]  # fmt: skip


def _patience(habit: Habit, numbers: Mapping[str, float]) -> float | None:
    """How long (ms) a silence is nobody's worry; None where no habit is known."""
    if not numbers["silent_hours"] or habit.usual is None or habit.longest is None or not _lived(habit, numbers["silent_days"]):
        return None
    return max(numbers["silent_hours"] * HOUR_MS, numbers["silent_usual"] * habit.usual, numbers["silent_longest"] * habit.longest)


def _lived(habit: Habit, days: float) -> bool:
    return habit.newest - habit.since >= days * DAY_MS


def _finding(trouble: Trouble, whose: Device | Source, facts: Facts, value: float, since: int, **words: str | float) -> Finding:
    said: dict[str, str | float] = {"name": whose.name, "since": float(since), **{name: word for name, word in words.items() if word}}
    return Finding(trouble.name, whose.key, facts.date, "info", float(value), None, None, "above", said)
