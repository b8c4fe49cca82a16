"""Decompression of parts in pieces, so that a part of any size needs little memory."""

from __future__ import annotations

import contextlib
import importlib
import shutil
import subprocess
import threading
from collections.abc import Iterator
from typing import IO, Protocol

from core.backup.recovery_kit.script.failures import NOT_SUPPORTED, KitError, corrupt

#: Bytes of rows that are handed on at a time.
_RAW_BYTES = 1 << 20


class Readable(Protocol):
    """A file of which only `read` is used."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, and none at the end."""


def decompressed(source: Readable, size: int) -> Iterator[bytes]:
    """Yield the decompressed bytes of a part in pieces.

    Python 3.14 can decompress zstd itself. Older versions use the module `zstandard` or the program
    `zstd`.

    Args:
        source: The compressed bytes.
        size: How many bytes the manifest declares.

    Raises:
        KitError: The part has more bytes, or cannot be decompressed.
    """
    found = 0
    for raw in _decompressed(source):
        found += len(raw)
        if found > size:
            raise corrupt("A part is larger than the manifest declares.")
        yield raw


def _decompressed(source: Readable) -> Iterator[bytes]:
    for name in ("compression.zstd", "zstandard"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        try:
            if name == "zstandard":
                stream = module.ZstdDecompressor().stream_reader(source)
            else:
                stream = module.ZstdFile(source)
            while raw := stream.read(_RAW_BYTES):
                yield bytes(raw)
        except (module.ZstdError, EOFError) as error:
            raise corrupt(f"A part cannot be decompressed: {error}") from error
        return
    yield from _by_program(source)


def _by_program(source: Readable) -> Iterator[bytes]:
    program = shutil.which("zstd")
    if program is None:
        raise KitError(
            NOT_SUPPORTED,
            "The parts are compressed with zstd, and nothing on this machine decompresses it.",
            "Install the program zstd (apt install zstd, dnf install zstd, brew install zstd), or "
            "run this script with Python 3.14 or newer, or install the Python module zstandard.",
        )
    # Not a temporary file: the rows of an encrypted backup must not be written to the disk.
    pipe = subprocess.PIPE
    command = [program, "-dcq"]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:  # noqa: S603 - fixed arguments
        assert process.stdin is not None
        assert process.stdout is not None
        writer = threading.Thread(target=_feed, args=(process.stdin, source))
        writer.start()
        try:
            while raw := process.stdout.read(_RAW_BYTES):
                yield raw
        finally:
            process.stdout.close()  # ends the program, and with it the thread
            writer.join()
    if process.returncode:
        raise corrupt("A part cannot be decompressed.")


def _feed(pipe: IO[bytes], source: Readable) -> None:
    # The program ends before it has read everything if the data is damaged or larger than declared.
    with contextlib.suppress(OSError), pipe:
        while data := source.read(_RAW_BYTES):
            pipe.write(data)
