"""Frames between the window's process and the engine: a length, then one pickled message.

Both ends are our own program on one machine and the pipes belong to nobody else, so pickle is
safe here. A `Secret` refuses to be pickled everywhere else; the pipe to the engine is the
exception, since the engine must sign requests: it is memory, never a file. Answers carry none.
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
    """What a message says. The first two go down to the engine, the others come up."""

    CALL = 0
    CANCEL = 1
    PROGRESS = 2
    BATCH = 3
    DONE = 4
    FAILED = 5


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Secret):
            return Secret, (value.reveal(),)
        return NotImplemented


class Writer:
    """Writes frames; several threads may share it. Only requests may carry `secrets`."""

    def __init__(self, pipe: IO[bytes], *, secrets: bool = False) -> None:
        self._pipe = pipe
        self._pickler = _Pickler if secrets else pickle.Pickler
        self._lock = threading.Lock()

    def send(self, kind: Kind, payload: Any = None) -> None:
        """Write one message.

        Raises:
            OSError: the other end is gone.
            Exception: the payload cannot be pickled; nothing was written.
        """
        frame = io.BytesIO()
        self._pickler(frame, protocol=pickle.HIGHEST_PROTOCOL).dump((kind, payload))
        body = frame.getbuffer()
        with self._lock:
            self._pipe.write(_LENGTH.pack(len(body)))
            self._pipe.write(body)
            self._pipe.flush()

    def close(self) -> None:
        """Close the pipe, which the other end notices."""
        with self._lock:
            self._pipe.close()


class Reader:
    """Reads frames; one thread at a time."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe

    def receive(self) -> tuple[Kind, Any] | None:
        """Return the next message, or None when the other end is gone."""
        head = self._exactly(_LENGTH.size)
        body = self._exactly(_LENGTH.unpack(head)[0]) if head else None
        return None if body is None else pickle.loads(body)  # noqa: S301 - see the module's text

    def close(self) -> None:
        """Close the pipe."""
        self._pipe.close()

    def _exactly(self, size: int) -> bytes | None:
        chunks = bytearray()
        while len(chunks) < size:
            chunk = self._pipe.read(size - len(chunks))
            if not chunk:
                return None
            chunks += chunk
        return bytes(chunks)
