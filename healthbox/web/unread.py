"""Where the application does not answer, waitress does: what could not be read as a request, and an answer that broke before its
first byte. Here in our words, for phones."""

import msgspec
from waitress.task import ErrorTask

from healthbox.web.answers import WORDS, ErrorAnswer, Refusal
from healthbox.web.security import HEADERS

_MORE = {
    431: ("headers_too_large", "The headers of the request are too large.", "Send the token and what the app needs, and nothing else."),
    500: ("internal", "Something went wrong inside healthbox.", "Trying again may help."),
    501: ("not_implemented", "This way of sending is not understood.", "Send the body whole or in chunks (Transfer-Encoding: chunked)."),
}


class Unread(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """The connection ends with it: nobody knows where the next request would begin."""

    def execute(self) -> None:
        error = self.request.error
        words = _MORE | WORDS
        body = msgspec.json.encode(ErrorAnswer(Refusal(*words.get(error.code, words[400 if error.code < 500 else 500]))))
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [("Content-Type", "application/json"), ("Cache-Control", "no-store"), *HEADERS]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)
