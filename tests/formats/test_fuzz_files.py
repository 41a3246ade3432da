"""A small slice of benchmarks/fuzz.py: the same few damaged bodies and files every time."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from fuzzing import Case, Fuzzer

from healthbox.formats.registry import discover, discover_files

FEW = 80


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Fuzzer:
    return Fuzzer(tmp_path_factory.mktemp("fuzz"), "tests")


@pytest.mark.parametrize("parser", [*discover(), *discover_files()])
def test_what_is_damaged_is_read_to_its_end_or_refused_in_words(fuzzer: Fuzzer, parser: str) -> None:
    claimed = sum(fuzzer.read(parser, fuzzer.case(parser, number)) for number in range(FEW))
    assert claimed > FEW / 4, "the corpus has drifted away from the format"


def test_a_zip_that_lies_about_where_its_files_begin_is_refused_in_words(fuzzer: Fuzzer) -> None:
    zips = list(fuzzer.seeds(".zip"))
    assert len({parser for parser, _ in zips}) >= 3
    for parser, good in zips:
        (begins,) = struct.unpack_from("<L", good, len(good) - 6)
        fuzzer.read(parser, Case(good[:-6] + struct.pack("<L", begins + 1_000_000) + good[-2:], ".zip"))


def test_every_parser_has_something_to_be_damaged(fuzzer: Fuzzer) -> None:
    assert fuzzer.unseeded() == []


def test_a_case_is_the_same_for_the_same_seed(fuzzer: Fuzzer, tmp_path: Path) -> None:
    again = Fuzzer(_made(tmp_path / "again"), "tests")
    for parser in fuzzer.parsers:
        assert [fuzzer.case(parser, number) for number in range(3)] == [again.case(parser, number) for number in range(3)]
    assert fuzzer.case("native-sync", 1) != Fuzzer(_made(tmp_path / "others"), "others").case("native-sync", 1)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
