"""The HTTP server: waitress with our limits, in a thread of its own."""

import threading
from typing import TYPE_CHECKING, Any

from waitress.server import create_server

from healthbox.config import Settings
from healthbox.web.application import FORM_BYTES
from healthbox.web.crowd import Channel
from healthbox.web.unread import Unread

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Connection(Channel):
    error_task_class = Unread


class Serving:
    """An application at an address. Takes the address at once; answers from ``start`` to ``stop``."""

    def __init__(self, app: "WSGIApplication", settings: Settings, *, host: str, port: int) -> None:
        self._server = create_server(app, host=host, port=port, **_options(settings))
        for one in (self._server, *getattr(self._server, "map", {}).values()):  # several addresses are several servers
            if hasattr(one, "channel_class"):
                one.channel_class = Connection
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    @property
    def port(self) -> int:
        """The port that was really taken (0 takes a free one); waitress names it as text."""
        listens = getattr(self._server, "effective_listen", None)  # of several addresses
        return int(listens[0][1] if listens else self._server.effective_port)

    def start(self) -> None:
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Takes no more; what is being answered gets 4 s."""
        self._stopping = True
        self._server.close()
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=4)

    def _run(self) -> None:
        try:
            self._server.run()
        except OSError:  # closing pulls the sockets away from it
            if not self._stopping:
                raise


def _options(settings: Settings) -> dict[str, Any]:
    """Bodies between our limit and waitress's own are read, so that a phone hears the answer; beyond that it hangs up."""
    return {
        "threads": settings.threads,
        "ident": None,
        "recv_bytes": 65_536,  # a chunk arrives in one or two readings, not in seven: each waits for its turn among the threads
        "max_request_body_size": 4 * max(FORM_BYTES, settings.max_json_bytes),
        "connection_limit": 500,
        "channel_timeout": 30,
        "cleanup_interval": 5,
        "clear_untrusted_proxy_headers": False,  # hosts.Front decides whom to believe, and clears the rest
    }
