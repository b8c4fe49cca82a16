"""The HTTP server of the demo: werkzeug's threaded one, on the loopback only."""

from __future__ import annotations

import socket
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from core.demo.gate.app import Application
from core.demo.gate.request import HEADERS_KEY

HOST = "127.0.0.1"


class Handler(MotoRequestHandler):
    """Keeps headers as they were sent (metadata names have `_`), and logs nothing."""

    disable_nagle_algorithm = True

    def make_environ(self) -> dict[str, Any]:
        """Add the headers' own spelling to moto's environment."""
        environ: dict[str, Any] = super().make_environ()
        environ[HEADERS_KEY] = list(self.headers.items())
        return environ

    def log_request(self, *_args: Any) -> None:
        """Write no line: a link's signature is in its query."""


class Server(ThreadedWSGIServer):
    """Threads end with the process; a burst of connections waits instead of being refused."""

    daemon_threads = True
    request_queue_size = 512


def server_for(application: Application, port: int) -> Server:
    """Bind a port of the loopback (0: any free one); `serve_forever` of the result serves.

    The socket is bound here: werkzeug would end the process when the port is taken, and
    `HTTPServer` would look its own name up in the DNS.

    Raises:
        OSError: the port is taken.
    """
    with socket.create_server((HOST, port), backlog=Server.request_queue_size) as bound:
        return Server(HOST, port, application, handler=Handler, fd=bound.fileno())
