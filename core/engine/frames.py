"""Message frames between the window and the engine: a length, then a pickled message.

Both ends are the same program on one machine and the pipes are private, so pickle is safe here. A
`Secret` cannot be pickled anywhere else; the pipe to the engine is an exception, since the engine
must sign requests: it is memory, never a file. Answers contain no secrets.
"""

from __future__ import annotations

import io
import pickle
import struct
import threading
from enum import IntEnum
from typing import IO, Any

from core.redaction import Secret

_LENGTH = struct.Struct(">Q")


class Kind(IntEnum):
    """Kind of a message. The first three are sent to the engine, the others to the client.

    The payload of a cancel is whether it is a pause (see `CancelToken.paused`), that of limits is
    `LimitValues`.
    """

    CALL = 0
    CANCEL = 1
    LIMITS = 2
    PROGRESS = 3
    BATCH = 4
    DONE = 5
    FAILED = 6


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Secret):
            return Secret, (value.reveal(),)
        return NotImplemented


class _Pieces:
    """A buffer with methods in Python, which are called for each piece of some 64 KB.

    The pickler lets no other thread run between two calls of Python code: with a buffer in C, the
    columns of 50,000 files would block the window for 30 ms.
    """

    def __init__(self, content: bytes = b"") -> None:
        self.content = io.BytesIO(content)

    def write(self, data: bytes) -> int:
        """Append a piece."""
        return self.content.write(data)

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        return self.content.read(size)

    def readline(self) -> bytes:
        """Return the next line."""
        return self.content.readline()


class Writer:
    """Thread-safe writer of frames. Only requests may contain `secrets`."""

    def __init__(self, pipe: IO[bytes], *, secrets: bool = False) -> None:
        self._pipe = pipe
        self._pickler = _Pickler if secrets else pickle.Pickler
        self._lock = threading.Lock()

    def send(self, kind: Kind, payload: Any = None) -> None:
        """Write one message.

        Raises:
            OSError: the other end has closed the pipe.
            Exception: the payload cannot be pickled; nothing was written.
        """
        frame = _Pieces()
        self._pickler(frame, protocol=pickle.HIGHEST_PROTOCOL).dump((kind, payload))
        # Pickled before the lock and the first byte: an object that cannot be pickled leaves no
        # half frame.
        body = frame.content.getbuffer()
        with self._lock:
            self._pipe.write(_LENGTH.pack(len(body)))
            self._pipe.write(body)
            self._pipe.flush()

    def close(self) -> None:
        """Close the pipe, which the other end detects."""
        with self._lock:
            self._pipe.close()


class Reader:
    """Reader of frames, for one thread at a time."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe

    def receive(self) -> tuple[Kind, Any] | None:
        """Return the next message, or None if the other end has closed the pipe."""
        head = self._exactly(_LENGTH.size)
        body = self._exactly(_LENGTH.unpack(head)[0]) if head else None
        return None if body is None else pickle.load(_Pieces(body))  # noqa: S301 - see the module's text

    def close(self) -> None:
        """Close the pipe."""
        self._pipe.close()

    def _exactly(self, size: int) -> bytes | None:
        # A read from a pipe returns what has arrived, which may be less than requested.
        chunks = bytearray()
        while len(chunks) < size:
            chunk = self._pipe.read(size - len(chunks))
            if not chunk:
                return None
            chunks += chunk
        return bytes(chunks)
