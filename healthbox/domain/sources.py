"""What measured: telling a watch from a phone from an app, by what little the wires say about a source."""

import re
import unicodedata

from healthbox.domain.records import SourceClass, SourceRef

# Who is believed where two sources cover the same moment; the smaller wins. A person can reorder it per metric.
RANK: dict[SourceClass, int] = {
    "manual": 0,
    "watch": 1,
    "ring": 2,
    "strap": 3,
    "phone": 4,
    "scale": 5,
    "app": 6,
    "provider": 7,
    "unknown": 8,
}

_SPACES = re.compile(r"\s+")  # of str: knows U+00A0, U+202F and their kin
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u2060\u202a-\u202e\u2066-\u2069\ufeff]")
_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201a": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"'})

_PRODUCTS: tuple[tuple[str, SourceClass], ...] = (("watch", "watch"), ("iphone", "phone"), ("ipad", "phone"), ("ipod", "phone"))

# Makers whose bundle means one kind of device; any other bundle that is not the phone's own is an app.
_BUNDLES: tuple[tuple[str, SourceClass], ...] = (
    ("com.ouraring.", "ring"),
    ("com.ultrahuman.", "ring"),
    ("com.whoop.", "strap"),
)
_OWN_BUNDLES = ("com.apple.health", "com.apple.private.health")

# First match wins, so the narrow words stand before the wide ones.
_WORDS: tuple[tuple[str, SourceClass], ...] = (
    (r"\boura\b|\bringconn\b|\bultrahuman\b|\b(smart ?)?ring\b", "ring"),
    (r"\bwhoop\b|\bpolar h\d+|\btickr\b|\bhrm[- ]?(pro|dual|run|fit)|\bstrap\b|\b(mi|smart|fitness|arm) ?band\b", "strap"),
    (r"\bwithings body\b|\bbody (cardio|comp|scan)\b|\bscales?\b|\bwaage\b|\brenpho\b|\beufy\b", "scale"),
    (r"garmin connect|health mate|health sync|\b(strava|fitbit|myfitnesspal|autosleep|yazio|peloton|zwift)\b", "app"),
    (r"(\b|apple)watch\b|\bwatch ?\d|\bforerunner\b|\bf[eē]nix\b|\bvivo(active|smart)\b|\bamazfit\b|\bversa\b", "watch"),
    (r"iphone|ipad|ipod|\bphone\b|\bpixel \d+(?! ?watch)|\bgalaxy [asz]\d+", "phone"),
)
_NAMES = tuple((re.compile(words), kind) for words, kind in _WORDS)


def normalise_name(text: str) -> str:
    """One spelling of a source's name: composed characters, plain spaces and quotes, no invisible marks. Case is kept."""
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFC", text)).translate(_QUOTES)
    return _SPACES.sub(" ", plain).strip()


def classify(ref: SourceRef) -> SourceClass:
    """What kind of thing a source is. What the wire says outright comes first, then the hardware that recorded, then the
    app that wrote, then the words of the name. The phone's own health store writes under one bundle for every device it
    reads, so there the name decides, and a name that says nothing is a phone."""
    if ref.kind is not None:
        return ref.kind
    product = (ref.product or "").casefold()
    for prefix, kind in _PRODUCTS:
        if product.startswith(prefix):
            return kind
    bundle = (ref.bundle or "").casefold()
    own = bundle.startswith(_OWN_BUNDLES)
    if bundle and not own:
        return next((kind for prefix, kind in _BUNDLES if bundle.startswith(prefix)), "app")
    name = normalise_name(ref.name or "").casefold()
    named = next((kind for pattern, kind in _NAMES if pattern.search(name)), None)
    return named or ("phone" if own else "unknown")
