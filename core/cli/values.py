"""Values from standard input, a file or a prompt, which do not appear in arguments.

The value is stored exactly, except for one final line end (LF or CRLF), which `echo` and editors
add. Empty input is an error, not an empty value: the command before a pipe may have failed.
"""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from core.aws.limits import SECRET_BYTES
from core.errors import NOTHING_CHANGED, InvalidInput
from core.model.secret_names import field_value
from core.redaction import Secret
from core.units import format_count

#: The file name that denotes standard input.
STANDARD_INPUT = Path("-")


def read_bytes(source: Path, what: str) -> bytes:
    """Return every byte of a file, or of standard input (`-`).

    Args:
        source: the file.
        what: the name of the value in errors.

    Raises:
        InvalidInput: the input is empty or larger than a secret may be.
        OSError: the file cannot be read.
    """
    # One byte more than allowed is read, so that an endless input ends, too.
    most = SECRET_BYTES + len(b"\r\n")
    if source == STANDARD_INPUT:
        data = _standard_input(most + 1)
    else:
        with source.open("rb") as file:
            data = file.read(most + 1)
    if not data:
        raise _empty(source, what)
    if len(data) > most:
        raise InvalidInput(
            f"{what} is too large",
            cause=f"{_named(source)} contains more than {format_count(SECRET_BYTES)} bytes.",
            remedy="This is the maximum for a secret. Store a larger value as an object in the "
            "bucket.",
        )
    return data


def _standard_input(most: int) -> bytes:
    try:
        return sys.stdin.buffer.read(most) if sys.stdin is not None else b""
    except OSError as error:  # for example closed by the caller
        error.filename = "Standard input"
        raise


def read_text(source: Path, what: str, field: str = "") -> Secret:
    """Return the text of a file, or of standard input (`-`), without its final line end.

    Args:
        source: the file.
        what: the name of the value in errors.
        field: the field of the secret that it is the value of; by default the complete secret.

    Raises:
        InvalidInput: the input is empty, larger than a secret may be, or not UTF-8.
        OSError: the file cannot be read.
    """
    data = _without_line_end(read_bytes(source, what))
    if not data:
        raise _empty(source, what)
    try:
        return field_value(field, data.decode())
    except UnicodeDecodeError as error:
        at = error.start
    raise InvalidInput(  # outside the handler: the decoder's error contains the complete value
        f"{what} is not UTF-8",
        cause=f"Byte {at + 1} of {_named(source)} is not part of a valid character.",
        remedy="Convert it to UTF-8, or store the bytes unchanged with `secrets put NAME --binary "
        "--file PATH`.",
    )


def ask_value(name: str) -> Secret:
    """Prompt for a value without echo on a terminal, or read it from a pipe.

    Raises:
        InvalidInput: the input is empty or not UTF-8.
    """
    if not is_terminal():
        return read_text(STANDARD_INPUT, f"The value of {name}", name)
    value = getpass.getpass(f"{name}: ")
    if not value:
        raise InvalidInput(
            f"The value of {name} is empty",
            cause="No value was entered.",
            remedy="Run the command again and enter the value.",
        )
    return field_value(name, value)


def is_terminal() -> bool:
    """Return whether standard input is a terminal, so that the user can be prompted."""
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
        cause="Standard input is empty: the command before the pipe may have failed."
        if source == STANDARD_INPUT
        else f"{source} is empty.",
        remedy="Provide a value.",
        effect=NOTHING_CHANGED,
    )
