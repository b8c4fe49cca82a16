"""A server that accepts connections and never answers, or stops in mid answer."""

import socket
import threading


class SilentServer:
    """Use as a context manager; `reached` is set once a complete request head has arrived."""

    def __init__(self, beginning: bytes = b"") -> None:
        self._beginning = beginning
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self.reached = threading.Event()
        self.requests = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed: the test has ended
                return
            self._connections.append(connection)
            head = b""
            while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
                head += more
            connection.sendall(self._beginning)
            self.requests += 1
            self.reached.set()

    def __enter__(self) -> "SilentServer":
        self._thread.start()
        return self

    def __exit__(self, *_args: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.close()
        self._thread.join()
