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


ZIP = b"PK\x03\x04\x14\x00secret"
FORM = b'--Boundary-1\r\nContent-Disposition: form-data; name="secret"; filename="secret"\r\n\r\n'
FILES, JSON, BODY = "Import a file", "export format to JSON", "itself as the body"


@pytest.mark.parametrize(
    ("raw", "helps"),
    [
        (ZIP, FILES),
        (ZIP + b"\\u0000\xff", FILES),  # read as text, for what looks like an escape
        (b'\xef\xbb\xbf<?xml version="1.0"?><secret/>', FILES),
        (b'\n <HealthData locale="secret">', FILES),
        (b"<!DOCTYPE HealthData [", FILES),
        (b"<gpx>", FILES),
        (FORM + ZIP, FILES),
        (FORM + b"<?xml", FILES),
        (FORM + b"Date/Time,secret\n2026-03-01,5\n", JSON),
        (FORM + b'{"secret": 1}', BODY),
        (b"--", BODY),
        (b"--\r\n\r\n" * 50_000, BODY),
        (b"-" * 100_000, BODY),
        (b"Date/Time,Step Count (secret)\r\n2026-03-01 00:00:00,8412\r\n", JSON),
        (b'"Datum","secret"\n"01.03.2026","5"\n', JSON),
        (b'"Gr\xf6\xdfe";secret\n', JSON),
        ("日付\tsecret\n".encode(), JSON),
    ],
)
def test_what_people_send_instead_of_json_gets_the_hint_that_helps(raw, helps):
    with pytest.raises(Malformed) as caught:
        decode(raw)
    assert helps in caught.value.hint
    assert (caught.value.status, caught.value.code) == (400, "malformed")
    assert "secret" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1, "b"}',
        b'"a": 1, "b": 2',
        b"{'a', 1}",
        b"[1, 2",
        b"[NaN, 1]",
        b"a=1&b=2,3",
        b"\xff\xd8\xff\xe0\x00,",
        b"hello",
        b"-1, 2",
        b"1,2,3\n",
    ],
)
def test_what_only_fails_to_be_json_is_told_what_json_is(raw):
    with pytest.raises(Malformed) as caught:
        decode(raw)
    assert caught.value.hint.startswith("Send one JSON document")


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
