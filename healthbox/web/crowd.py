"""A crowd at the door: connections that say nothing, or a byte now and then, must not keep out those that ask for something.

waitress counts a connection as alive by its last byte and takes no more of them than a fixed number. Here one that has not
finished asking gives way, the longest waiting first, as soon as there is a crowd; and one that asks far too slowly is let go anyway.
"""

import time
from typing import Any

from waitress.channel import HTTPChannel

CROWD = 200  # connections, of the 500 that waitress takes
PATIENCE_S, SLOWEST = 30.0, 500  # how long a request may take to arrive in any case; then so many bytes a second at least


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    def __init__(self, server: Any, *given: Any, **more: Any) -> None:
        super().__init__(server, *given, **more)
        self.since, self.got = time.monotonic(), 0  # since when a request is awaited, and bytes of it
        if len(server.active_channels) > CROWD:
            waiting = [one for one in server.active_channels.values() if one is not self and not one.requests and not one.will_close]
            if waiting:
                min(waiting, key=lambda one: one.since).will_close = True

    def received(self, data: bytes) -> bool:
        now = time.monotonic()
        if not self.got:  # the first of it: nobody waited for it before
            self.since = now
        taken: bool = super().received(data)
        self.got += len(data)
        spent = now - self.since
        if self.request is None:  # all that was asked for is complete
            self.since, self.got = now, 0
        elif spent > PATIENCE_S and self.got < SLOWEST * spent:
            self.will_close = True
        return taken
