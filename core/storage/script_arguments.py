"""Checks of the arguments of scripts that Python would accept with another meaning."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from core.errors import InvalidInput


def bytes_of(data: Any) -> bytes:
    """Return the bytes of a text (as UTF-8), or of an object that contains bytes.

    `bytes` would make zeros of a number, and single bytes of a list of numbers.

    Raises:
        InvalidInput: the data is neither, or not valid Unicode.
    """
    if isinstance(data, bytes):
        return data
    try:
        return data.encode() if isinstance(data, str) else memoryview(data).tobytes()
    except (TypeError, UnicodeEncodeError) as error:
        text = isinstance(error, UnicodeEncodeError)
        summary = "The text" if text else f"Data of type {type(data).__name__}"
        raise InvalidInput(
            f"{summary} cannot be stored",
            cause="It is not valid Unicode." if text else "It is neither text nor bytes.",
            remedy="Convert it to bytes, or to text such as JSON.",
        ) from None


def file_of(path: str | os.PathLike[str]) -> Path:
    """Return the path of a file.

    `Path` would remove a separator at the end, and take an empty text for the current folder.

    Raises:
        InvalidInput: the path is empty, or names a folder.
    """
    text = os.fspath(path)
    if not text or text.endswith(("/", os.sep)):
        raise InvalidInput(
            f"{text!r} is not the path of a file",
            cause="It ends with a separator, as that of a folder." if text else "It is empty.",
            remedy="Add the name of the file.",
        )
    return Path(text)


def check_count(name: str, value: int) -> None:
    """Check that a number is not negative, which would be the same as 0.

    Raises:
        InvalidInput: it is negative.
    """
    if value < 0:
        raise InvalidInput(
            f"{name} is negative",
            cause="A negative number has no meaning here: it does not stand for all.",
            remedy="Use 0 or a larger number.",
        )
