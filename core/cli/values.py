"""Values that are not arguments: from standard input, a file, or asked for on the terminal.

What is stored is what was given, but for one final line end (LF or CRLF), which `echo` and
editors add. Nothing given is an error and never an empty value: the command before a pipe may
have failed.
"""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from core.aws.limits import SECRET_BYTES
from core.errors import InvalidInput
from core.redaction import Secret
from core.units import format_count

#: The name by which standard input is given in place of a file.
STANDARD_INPUT = Path("-")


def read_bytes(source: Path, what: str) -> bytes:
    """Return every byte of a file, or of standard input (`-`).

    Args:
        source: the file.
        what: names the value in errors.

    Raises:
        InvalidInput: there is nothing, or more than a secret can hold.
        OSError: the file cannot be read.
    """
    most = SECRET_BYTES + len(b"\r\n")
    if source == STANDARD_INPUT:
        data = sys.stdin.buffer.read(most + 1) if sys.stdin is not None else b""
    else:
        with source.open("rb") as file:
            data = file.read(most + 1)
    if not data:
        raise _empty(source, what)
    if len(data) > most:
        raise InvalidInput(
            f"{what} is too long",
            cause=f"{_named(source)} holds more than {format_count(SECRET_BYTES)} bytes.",
            remedy="A secret holds no more. Store a longer value as an object of the bucket.",
        )
    return data


def read_text(source: Path, what: str) -> Secret:
    """Return the text of a file, or of standard input (`-`), without its final line end.

    Args:
        source: the file.
        what: names the value in errors.

    Raises:
        InvalidInput: there is nothing, more than a secret can hold, or it is not UTF-8.
        OSError: the file cannot be read.
    """
    data = _without_line_end(read_bytes(source, what))
    if not data:
        raise _empty(source, what)
    try:
        return Secret(data.decode())
    except UnicodeDecodeError as error:
        at = error.start
    raise InvalidInput(  # outside: the decoder's error holds the whole value
        f"{what} is not UTF-8",
        cause=f"Byte {at + 1} of {_named(source)} is not part of any character.",
        remedy="Convert it to UTF-8. `secrets put NAME --binary --file PATH` stores bytes as "
        "they are.",
    )


def ask_value(name: str) -> Secret:
    """Return a value asked for on the terminal without an echo, or read from a pipe.

    Raises:
        InvalidInput: nothing was given, or it is not UTF-8.
    """
    if not is_terminal():
        return read_text(STANDARD_INPUT, f"The value of {name}")
    value = getpass.getpass(f"{name}: ")
    if not value:
        raise InvalidInput(
            f"The value of {name} is empty",
            cause="Nothing was typed.",
            remedy="Run the command again and type or paste the value.",
        )
    return Secret(value)


def is_terminal() -> bool:
    """Return whether a person can be asked on standard input."""
    return sys.stdin is not None and sys.stdin.isatty()


def _without_line_end(data: bytes) -> bytes:
    if data.endswith(b"\r\n"):
        return data[:-2]
    return data.removesuffix(b"\n")


def _named(source: Path) -> str:
    return "Standard input" if source == STANDARD_INPUT else str(source)


def _empty(source: Path, what: str) -> InvalidInput:
    return InvalidInput(
        f"{what} is empty",
        cause=f"{_named(source)} holds nothing"
        + (": the command before the pipe may have failed." if source == STANDARD_INPUT else "."),
        remedy="Nothing was changed. Give a value.",
    )
