import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthbox.domain.errors import Malformed
from healthbox.formats.json_body import MAX_DEPTH, decode


def test_a_body_is_decoded_also_behind_a_byte_order_mark():
    assert decode(b'{"a": [1, 2.5, null, true, "\xc3\xa9"]}') == {"a": [1, 2.5, None, True, "é"]}
    assert decode(b"\xef\xbb\xbf[]") == []


@pytest.mark.parametrize("raw", [b"", b"  \n", b"\xef\xbb\xbf "])
def test_an_empty_body_is_named_so(raw):
    with pytest.raises(Malformed) as caught:
        decode(raw)
    assert (caught.value.status, caught.value.code) == (400, "empty_body")


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"1e999",
        b"[-1e999]",
        b'"\xff"',
        b'"\x00"',
        b"1" * 5000,
        b"{'a': 1}",
        b"[1,]",
        b"\x1f\x8b\x08",
        b'["\\ud800", NaN]',
        b'["\\ud800", 1e999]',
        b'["\\ud800", 1',
    ],
)
def test_what_is_no_strict_json_is_refused_with_a_hint(raw):
    with pytest.raises(Malformed) as caught:
        decode(raw)
    assert caught.value.status == 400
    assert caught.value.hint


def test_an_error_never_quotes_the_body():
    with pytest.raises(Malformed) as caught:
        decode(b'{"secret_value": 12345.5, "broken": }')
    assert "secret" not in caught.value.message
    assert "12345" not in caught.value.message


def test_nesting_is_bounded():
    assert decode(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    for depth in (MAX_DEPTH + 1, 900, 100_000):
        with pytest.raises(Malformed) as caught:
            decode(b"[" * depth + b"]" * depth)
        assert caught.value.code == "too_deep"
    with pytest.raises(Malformed):
        decode(b'["\\u0000",' + b"[" * 100_000)


def test_characters_that_no_database_should_see_are_replaced():
    assert decode(rb'{"n\u0000me": ["a\u0000b", "\ud800", "\udc00x", "\ud83d\ude00", 1]}') == {
        "n\ufffdme": ["a\ufffdb", "\ufffd", "\ufffdx", "😀", 1]
    }
    assert decode(rb'["\\u0000"]') == ["\\u0000"]


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:0123456789.eE+-ntrufalsd\\ \u00e9', max_size=60).map(str.encode))
def test_bytes_are_json_or_malformed_and_nothing_else(raw):
    try:
        body = decode(raw)
    except Malformed:
        return
    msgspec.json.encode(body)
