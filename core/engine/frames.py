"""Message frames between the window and the engine: lengths, a pickled message, and its arrays.

Both ends are the same program on one machine and the pipes are private, so pickle is safe here. A
`Secret` cannot be pickled anywhere else; the pipe to the engine is an exception, since the engine
must sign requests: it is memory, never a file. Answers contain no secrets.

Large arrays follow the message as they are (PEP 574): they are received into the memory that they
are then used in, without a copy for which the window would have to wait.
"""

from __future__ import annotations

import io
import pickle
import struct
import threading
from enum import IntEnum
from typing import IO, Any

from core.redaction import Secret

#: The length of the message, and the number of its arrays, whose lengths follow.
_HEAD = struct.Struct(">QI")
#: Arrays of fewer bytes are part of the message.
_LEAST_ARRAY = 64 * 1024


class Kind(IntEnum):
    """Kind of a message. The first three are sent to the engine, the others to the client.

    The payload of a cancel is the number of the call, and whether it is a pause (see
    `CancelToken.paused`); that of limits is `LimitValues`.
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
        arrays: list[memoryview] = []

        def in_message(buffer: pickle.PickleBuffer) -> bool:
            memory = buffer.raw()
            if memory.nbytes < _LEAST_ARRAY:
                return True
            arrays.append(memory)
            return False

        self._pickler(frame, protocol=pickle.HIGHEST_PROTOCOL, buffer_callback=in_message).dump(
            (kind, payload)
        )
        # Pickled before the lock and the first byte: an object that cannot be pickled leaves no
        # half frame.
        body = frame.content.getbuffer()
        lengths = struct.pack(f">{len(arrays)}Q", *(array.nbytes for array in arrays))
        with self._lock:
            self._pipe.write(_HEAD.pack(len(body), len(arrays)) + lengths)
            self._pipe.write(body)
            for array in arrays:
                self._pipe.write(array)
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
        head = self._exactly(_HEAD.size)
        if head is None:
            return None
        length, count = _HEAD.unpack(head)
        lengths = self._exactly(8 * count)
        body = self._exactly(length)
        if lengths is None or body is None:
            return None
        arrays = [self._array(size) for size in struct.unpack(f">{count}Q", lengths)]
        if any(array is None for array in arrays):
            return None
        message: tuple[Kind, Any] = pickle.load(_Pieces(body), buffers=arrays)  # noqa: S301 - see the module's text
        return message

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

    def _array(self, size: int) -> memoryview | None:
        """Return the memory of the next array, which other threads do not wait for."""
        import numpy as np  # the array needs it in any case

        memory = np.empty(size, np.uint8).data
        read = 0
        while read < size:
            count = self._pipe.readinto(memory[read:])  # type: ignore[attr-defined]  # not in IO
            if not count:
                return None
            read += count
        return memory
