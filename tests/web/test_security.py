from collections.abc import Callable

import pytest
import requests
from place import Place

from healthbox.web.serving import Serving

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'none'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@pytest.mark.parametrize("path", ["/login", "/nowhere", "/healthz", "/api/v1/openapi.json", "/api/v1/days", "/static/app.css"])
def test_every_answer_carries_the_headers(place: Place, path: str) -> None:
    headers = place.client().get(path).headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "geolocation=()" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers


def test_transport_headers_come_over_https_only(place: Place) -> None:
    headers = place.client().get("/login", base_url="https://localhost").headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_no_cache_keeps_data(place: Place) -> None:
    assert place.client().get("/api/v1/days?metric=steps", headers=place.bearer()).headers["Cache-Control"] == "no-store"
    assert place.client().get("/login").headers["Cache-Control"] == "no-store"


def test_a_static_file_is_kept_for_ever_under_its_hash_and_asked_for_anew_without(place: Place) -> None:
    with place.app.test_request_context():
        address = place.app.jinja_env.globals["static"]("app.css")  # type: ignore[operator]
    assert address.startswith("/static/app.css?v=")
    assert "immutable" in place.client().get(address).headers["Cache-Control"]
    assert place.client().get("/static/app.css?v=0").headers["Cache-Control"] == "no-cache"
    assert place.client().get("/static/../config.py").status_code == 404


def test_pages_have_no_inline_code_and_name_no_other_host(place: Place) -> None:
    html = place.client().get("/login").text
    assert "<script>" not in html and " style=" not in html and " onclick" not in html
    assert "http://" not in html.replace("http://www.w3.org/", "") and "https://" not in html


def test_the_real_server_keeps_to_the_limits(furnished: Callable[..., Place]) -> None:
    place = furnished(max_json_bytes=1_000_000)
    token = place.bearer()
    server = Serving(place.app, place.settings, host="127.0.0.1", port=0)
    port = server.port
    server.start()
    try:
        url = f"http://127.0.0.1:{port}/api/v1/ingest"
        assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).json()["status"] == "ok"
        large = requests.post(url, data=b"[" + b" " * 1_500_000 + b"]", headers=token, timeout=10)
        assert large.status_code == 413
        assert large.json()["error"]["code"] == "too_large"
        assert "batch" in large.json()["error"]["hint"]
        far = requests.get(f"http://127.0.0.1:{port}/healthz", headers={"Host": "evil.example"}, timeout=5)
        assert far.status_code == 421
        assert "Server" not in far.headers
    finally:
        server.stop()
