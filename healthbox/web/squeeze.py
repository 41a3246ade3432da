"""Answers as gzip where the browser takes it. A page is small, but a phone at the edge of the Wi-Fi pays for every packet."""

import gzip

from flask import Response, request

LEAST = 1_000  # bytes below which the packet is the same
KINDS = ("text/html", "application/json", "text/css", "text/javascript", "image/svg+xml", "text/plain")


def squeeze(answer: Response) -> Response:
    """After the request. Streams, parts of files and what is packed already stay as they are."""
    plain = not answer.is_streamed and not answer.direct_passthrough and answer.status_code == 200
    if not plain or answer.mimetype not in KINDS or answer.headers.get("Content-Encoding"):
        return answer
    answer.vary.add("Accept-Encoding")
    body = answer.get_data()
    if len(body) < LEAST or not request.accept_encodings["gzip"]:
        return answer
    answer.set_data(gzip.compress(body, 5, mtime=0))
    answer.headers["Content-Encoding"] = "gzip"
    tag, weak = answer.get_etag()
    if tag and not weak:
        answer.set_etag(f"{tag}-gzip")
    return answer
