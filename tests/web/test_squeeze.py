"""What travels is packed where the browser takes it, and a packed page gives no form token away."""

import gzip
import re

from place import Place

from healthbox.web.masks import mask, unmask


def test_pages_and_files_are_packed_for_who_takes_it(place: Place) -> None:
    browser = place.browser()
    for path in ("/data", "/static/app.css", "/settings"):
        plain = browser.client.get(path)
        packed = browser.client.get(path, headers={"Accept-Encoding": "br, gzip"})
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in packed.headers["Vary"]
        assert len(packed.data) < len(plain.data) / 2
        if path.startswith("/static"):
            assert gzip.decompress(packed.data) == plain.data


def test_a_file_that_did_not_change_is_not_sent_again(place: Place) -> None:
    client = place.client()
    first = client.get("/static/app.css", headers={"Accept-Encoding": "gzip"})
    again = client.get("/static/app.css", headers={"Accept-Encoding": "gzip", "If-None-Match": first.headers["ETag"]})
    assert again.status_code in (200, 304)
    assert client.get("/static/app.css", headers={"If-None-Match": client.get("/static/app.css").headers["ETag"]}).status_code == 304


def test_the_form_token_is_written_differently_each_time(place: Place) -> None:
    browser = place.browser()
    tokens = {re.search(r'name="csrf" value="(\w+)"', browser.client.get("/settings").text)[1] for _ in range(3)}  # type: ignore[index]
    assert len(tokens) == 3
    assert {unmask(token) for token in tokens} == {browser.csrf}
    assert unmask(mask("Ab-_9")) == "Ab-_9"
    assert unmask("not hexadecimal") == "not hexadecimal"
