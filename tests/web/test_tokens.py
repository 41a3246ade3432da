"""Colour: every pair of tokens that carries meaning is computed, unrounded, in both themes."""

import gzip
import itertools
import math
import re

import pytest

from healthbox.folders import folder

CSS = (folder("static") / "app.css").read_text(encoding="utf-8")
TEXT = ("ink", "ink2", "ink3", "accent", "attn", "crit", "ok", "sleep", "heart", "move", "body", "focus")
MARKS = ("edge", "bandedge", "awake", "rem", "core", "deep", "prev", "last")
# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
DEFICIENCY = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def tokens(selector: str) -> dict[str, str]:
    start = CSS.index(selector + "{") + len(selector) + 1
    return dict(re.findall(r"--(\w+):(#[0-9a-f]{6})", CSS[start : CSS.index("}", start)]))


LIGHT, DARK = tokens(":root"), tokens(":root[data-theme=dark]")
THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])


def linear(colour: str) -> list[float]:
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((sum(k * c for k, c in zip((0.2126, 0.7152, 0.0722), linear(c), strict=True)) for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(colour: str, deficiency: str | None) -> tuple[float, float, float]:
    seen = linear(colour)
    if deficiency:
        seen = [min(1.0, max(0.0, sum(k * c for k, c in zip(row, seen, strict=True)))) for row in DEFICIENCY[deficiency]]
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.95047, 1.0, 1.08883)
    x, y, z = (
        share ** (1 / 3) if share > 0.008856 else 7.787 * share + 16 / 116
        for share in (sum(k * c for k, c in zip(row, seen, strict=True)) / w for row, w in zip(rows, white, strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_both_ways_into_the_dark_hold_the_same_colours() -> None:
    assert tokens(":root:not([data-theme=light])") == DARK
    assert LIGHT.keys() == DARK.keys()


@THEMES
@pytest.mark.parametrize("ground", ["bg", "surface", "sunken"])
def test_text_reads_on_every_ground(theme: dict[str, str], ground: str) -> None:
    poor = {name: contrast(theme[name], theme[ground]) for name in TEXT if contrast(theme[name], theme[ground]) < 4.5}
    assert poor == {}


@THEMES
def test_words_over_the_band_and_on_tinted_cards_read(theme: dict[str, str]) -> None:
    pairs = [(ink, ground) for ink in ("ink", "ink2", "ink3") for ground in ("band",)]
    pairs += [(ink, ground) for ink in ("ink", "ink2", "accent") for ground in ("attnbg", "critbg")]
    pairs += [("attn", "attnbg"), ("crit", "critbg"), ("surface", "accent"), ("surface", "attn")]
    assert {pair: contrast(theme[pair[0]], theme[pair[1]]) for pair in pairs if contrast(theme[pair[0]], theme[pair[1]]) < 4.5} == {}


@THEMES
def test_graphics_stand_out_from_a_card(theme: dict[str, str]) -> None:
    assert {name: contrast(theme[name], theme["surface"]) for name in MARKS if contrast(theme[name], theme["surface"]) < 3} == {}


@THEMES
@pytest.mark.parametrize("deficiency", [None, *DEFICIENCY])
def test_sleep_stages_are_told_apart_by_every_eye(theme: dict[str, str], deficiency: str | None) -> None:
    pairs = itertools.combinations(("awake", "rem", "core", "deep"), 2)
    assert min(math.dist(lab(theme[a], deficiency), lab(theme[b], deficiency)) for a, b in pairs) >= 12


def test_every_colour_a_rule_uses_is_a_token() -> None:
    rules = re.sub(r"--[\w-]+:[^;}]+", "", CSS)
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)", rules)) <= {"#fff"}  # white paper: print, and behind a QR code
    assert set(re.findall(r"var\(--([\w-]+)", CSS)) <= set(re.findall(r"--([\w-]+):", CSS))


@pytest.mark.parametrize(("name", "budget"), [("app.css", 10_000), ("page.js", 5_000)])
def test_what_every_page_loads_stays_small(name: str, budget: int) -> None:
    assert len(gzip.compress((folder("static") / name).read_bytes(), mtime=0)) <= budget
