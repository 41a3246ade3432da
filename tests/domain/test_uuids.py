"""Names of records, packed and written again."""

import pytest

from healthbox.domain.uuids import packed, written


@pytest.mark.parametrize("name", ["AAAAAAAA-0000-0000-0000-00000000000F", "hk:4711", "é" * 40, "Z" * 36])
def test_a_name_is_written_as_it_was_given(name: str) -> None:
    assert written(packed(name) or b"") == name


def test_a_uuid_takes_sixteen_bytes_and_its_digits_have_no_case() -> None:
    name = "aaaaaaaa-0000-0000-0000-00000000000f"
    assert packed(name) == packed(name.upper()) == bytes.fromhex("aaaaaaaa00000000000000000000000f")
    assert written(packed(name) or b"") == name.upper()


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_name_is_none(nothing: str | None) -> None:
    assert packed(nothing) is None
