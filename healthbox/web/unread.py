"""What could not be read as a request never reaches the application: waitress answers by itself. Here in our words, for phones."""

import msgspec
from waitress.task import ErrorTask

from healthbox.web.answers import WORDS, ErrorAnswer, Refusal
from healthbox.web.security import HEADERS

_MORE = {
    431: ("headers_too_large", "The headers of the request are too large.", "Send the token and what the app needs, and nothing else."),
    501: ("not_implemented", "This way of sending is not understood.", "Send the body whole or in chunks (Transfer-Encoding: chunked)."),
}


class Unread(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """The answer to such a request; the connection ends with it, for nobody knows where the next one would begin."""

    def execute(self) -> None:
        error = self.request.error
        body = msgspec.json.encode(ErrorAnswer(Refusal(*(_MORE | WORDS).get(error.code, WORDS[400]))))
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [("Content-Type", "application/json"), ("Cache-Control", "no-store"), *HEADERS]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)
