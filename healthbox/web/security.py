"""The headers on every answer: what a browser may do with it."""

from flask import Response, request

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'none'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Nothing goes to other hosts. "no-referrer" would also make browsers send "Origin: null" with our own forms,
    # and over plain http, where they send no Sec-Fetch-Site, the Origin check would be blind.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# Browsers ignore these on plain-http addresses of a home network, and complain about the first in the console.
OVER_TLS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
}


def secure(answer: Response) -> Response:
    """After every request. What holds data is kept by no cache unless its view says otherwise."""
    for name, value in HEADERS.items():  # no view sets one of these: added rather than looked for
        answer.headers.add(name, value)
    if request.is_secure:
        answer.headers.update(OVER_TLS)
    if "Cache-Control" not in answer.headers:
        answer.headers["Cache-Control"] = "no-store"
    return answer
