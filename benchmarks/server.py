"""A server in a process of its own for the benchmarks: the real application, with an echo beside it, on a free port.

``python server.py <data folder> <1 or 0: with the worker>`` prints its port and ends when its standard input is closed.
"""

import logging
import sys
from pathlib import Path

from flask import Flask, Response, request

from healthbox.config import Settings
from healthbox.pipeline.accept import Door
from healthbox.pipeline.worker import Worker
from healthbox.store.engine import Database
from healthbox.web.application import create_app
from healthbox.web.serving import Serving


def echo_beside(app: Flask) -> None:
    """A bare Flask application under /echo, in the same process behind the same server: what HTTP alone costs."""
    bare, ours = Flask("echo"), app.wsgi_app

    @bare.post("/echo")
    def echo() -> Response:
        request.get_data(cache=False)
        return Response(b"{}", 202, mimetype="application/json")

    app.wsgi_app = lambda environ, start: (bare if environ["PATH_INFO"] == "/echo" else ours)(environ, start)  # type: ignore[method-assign]


def main(data: Path, with_worker: bool) -> None:
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # as in serve
    settings = Settings(data=data, ballast_mb=0, host="127.0.0.1", port=0, log_level="error")
    database = Database(data)
    worker = Worker(database, settings, None)
    app = create_app(settings, database, Door(database, settings, worker.ring if with_worker else lambda: None), pump=worker)
    echo_beside(app)
    server = Serving(app, settings, host="127.0.0.1", port=0)
    if with_worker:
        worker.start()
    server.start()
    print(server.port, flush=True)
    sys.stdin.read()
    if with_worker:
        worker.stop()
    server.stop()
    database.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] == "1")
