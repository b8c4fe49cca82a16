"""The embedded AWS in the foreground, for the command `demo-server`."""

from __future__ import annotations

import os
import shlex
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.demo.server import DemoServer
from core.signals import ending_signals


def serve(port: int, echo: Callable[[str], None]) -> None:
    """Start the server, print how to use it, and wait for Ctrl-C, SIGTERM or SIGHUP.

    Main thread only.

    The administrator's keys are printed, since the command is meant for other programs. The keys
    are created at each start, and the server only listens on this machine.

    Args:
        port: on the loopback; 0 takes any free one.
        echo: prints one line.

    Raises:
        LocalIOError: the server could not be started, or the port is taken.
    """
    with _stop_requested() as stop, DemoServer.start(port=port) as server:
        for line in lines(server):
            echo(line)
        while not stop.wait(0.5):
            if not server.running:
                echo("# The server has ended.")
                return


def lines(server: DemoServer) -> Iterator[str]:
    """Yield shell code with the variables to export, and explanations as comments."""
    values = {
        "AWS_ENDPOINT_URL": server.endpoint_url,
        "AWS_ACCESS_KEY_ID": server.admin.access_key_id,
        "AWS_SECRET_ACCESS_KEY": server.admin.secret_access_key.reveal(),
        "AWS_DEFAULT_REGION": server.connection.profile.region,
    }
    exports = " ".join(f"{name}={shlex.quote(value)}" for name, value in values.items())
    word = "set" if os.name == "nt" else "export"
    yield f"{word} {exports}"
    yield f"# bucket: {server.connection.profile.bucket}"
    yield f"# sample database: {server.database_path}"
    yield "# Ctrl-C ends the server."


@contextmanager
def _stop_requested() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C, SIGTERM and SIGHUP set; restore their handlers afterwards."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in ending_signals()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
