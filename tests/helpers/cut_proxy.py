"""A TCP proxy before a database server that runs an action before the n-th block of a client."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

_BLOCK = 1 << 16


class CutProxy:
    """Forwards connections to a port of the loopback; `blocks` is the number that clients sent."""

    def __init__(
        self, port: int, at: int = 0, action: Callable[[Self], None] | None = None
    ) -> None:
        self.blocks = 0
        self._server, self._at, self._action = port, at, action
        self._lock, self._sockets = threading.Lock(), list[socket.socket]()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        _close(self._listener)
        self.cut()
        for thread in self._threads:
            thread.join(10)

    def cut(self) -> None:
        """End all connections."""
        for link in list(self._sockets):
            _close(link)

    def _start(self, function: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                try:
                    server = socket.create_connection(("127.0.0.1", self._server))
                except OSError:  # the server was killed
                    _close(client)
                    continue
                self._sockets.append(server)
                self._start(self._forward, client, server, True)
                self._start(self._forward, server, client, False)

    def _forward(self, source: socket.socket, target: socket.socket, of_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(_BLOCK):
                if of_client:
                    self._count()
                target.sendall(data)
        _close(source)
        _close(target)

    def _count(self) -> None:
        with self._lock:
            self.blocks += 1
            due = self.blocks == self._at
        if due and self._action is not None:
            self._action(self)


def _close(link: socket.socket) -> None:
    with suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
    link.close()
