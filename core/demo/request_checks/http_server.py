"""The HTTP server of the demo: werkzeug's threaded server, which only listens on the loopback."""

from __future__ import annotations

import socket
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from core.demo.request_checks.application import Application
from core.demo.request_checks.request import HEADERS_KEY

HOST = "127.0.0.1"


class Handler(MotoRequestHandler):
    """Handler that passes on headers as they were sent (metadata names have `_`) and logs nothing."""

    # Small answers are sent at once: otherwise they wait for the client's delayed acknowledgement.
    disable_nagle_algorithm = True

    def make_environ(self) -> dict[str, Any]:
        """Add the headers as they were sent to the WSGI environment."""
        environ: dict[str, Any] = super().make_environ()
        environ[HEADERS_KEY] = list(self.headers.items())
        return environ

    def log_request(self, *_args: Any) -> None:
        """Log nothing: the query of a presigned URL contains its signature."""


class Server(ThreadedWSGIServer):
    """Server whose threads end with the process; bursts of connections wait in a queue."""

    daemon_threads = True
    request_queue_size = 512


def server_for(application: Application, port: int) -> Server:
    """Return a server bound to a port of the loopback (0: any free one).

    The socket is bound here because werkzeug would end the process if the port is taken, and
    `HTTPServer` would resolve the name of the host in the DNS.

    Raises:
        OSError: the port is taken.
    """
    with socket.create_server((HOST, port), backlog=Server.request_queue_size) as bound:
        return Server(HOST, port, application, handler=Handler, fd=bound.fileno())
