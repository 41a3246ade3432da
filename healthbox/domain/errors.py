"""Every error that healthbox raises on purpose.

    Problem
    ├── Invalid          the request is not understood (422); Malformed (400), TooLarge (413)
    ├── Unauthenticated  who are you (401)
    ├── Forbidden        you may not (403)
    ├── NotFound         nothing there for you (404)
    ├── Conflict         other content under the same name (409)
    ├── TooMany          slow down (429)
    ├── DiskFull         no room to keep it (507)
    └── Unavailable      not now (503)

``code`` is for programs, ``message`` and ``hint`` for people. ``permanent`` says that trying the same again is useless.
None of them ever carries a health value, a token or a secret.
"""


class Problem(Exception):
    """A failure with words for a person: what happened, and what to do."""

    status = 500
    code = "problem"
    permanent = True

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code


class Invalid(Problem):
    status = 422
    code = "invalid"


class Malformed(Invalid):
    status = 400
    code = "malformed"


class TooLarge(Invalid):
    status = 413
    code = "too_large"


class Unauthenticated(Problem):
    status = 401
    code = "unauthenticated"


class Forbidden(Problem):
    status = 403
    code = "forbidden"


class NotFound(Problem):
    status = 404
    code = "not_found"


class Conflict(Problem):
    status = 409
    code = "conflict"


class TooMany(Problem):
    status = 429
    code = "too_many"
    permanent = False


class DiskFull(Problem):
    status = 507
    code = "disk_full"
    permanent = False


class Unavailable(Problem):
    status = 503
    code = "unavailable"
    permanent = False
