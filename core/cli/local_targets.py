"""Files and folders of this computer that a command writes, as they are named on the command line.

A path loses a separator at its end, although it means a folder.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.models import TyperPath

from core.cli.parameters import file_path, usage_error
from core.errors import LocalIOError

_SEPARATORS = tuple(each for each in ("/", os.sep, os.altsep) if each)
#: How paths of this computer begin; keys seldom do.
_LOCAL = re.compile(r"/|~|\.{1,2}/|[A-Za-z]:[\\/]|\.{1,2}$")


@dataclass(frozen=True, slots=True)
class LocalTarget:
    """A file or folder; `is_folder` also if it does not exist, and its name ends with a separator."""

    path: Path
    is_folder: bool

    @classmethod
    def of(cls, text: str) -> LocalTarget:
        """Return the target that a text names; an empty one is the current folder."""
        path = Path(file_path(text))
        return cls(path, path.is_dir() or text.endswith(_SEPARATORS))

    @property
    def existing_folder(self) -> Path:
        """The nearest folder that exists, which shows what its file system allows."""
        return next(each for each in (self.path, *self.path.absolute().parents) if each.is_dir())

    def check(self) -> None:
        """Check that a folder can be created where this one is named.

        Raises:
            LocalIOError: the folder, or one above it, is a file.
        """
        found = next(each for each in (self.path, *self.path.absolute().parents) if each.exists())
        if self.is_folder and not found.is_dir():
            raise LocalIOError(
                f"{found.name} is a file and not a folder",
                remedy="Choose another folder.",
                subject=str(found),
            )


def check_key_target(text: str, command: str) -> None:
    """Check that the target of a copy within S3 is not meant as a folder of this computer.

    Args:
        text: the target as it was typed.
        command: the command that was typed.

    Raises:
        InvalidInput: it begins like a path.
    """
    if _LOCAL.match(text):
        raise usage_error(
            f"{text} is not a file or folder of this computer here",
            cause=f"{command} copies within S3, to the key {text}.",
            remedy="To download, use `strongroom get`. For a key that begins like a path, write "
            f"s3:///{text}",
        )


class TargetType(TyperPath):
    """The type of arguments that are a `LocalTarget`."""

    def convert(self, value: Any, _param: Any, _context: Any) -> Any:
        """Return the target that a text names."""
        return LocalTarget.of(os.fspath(value))


class OutputType(TyperPath):
    """The type of options that name a file, which a command writes."""

    def convert(self, value: Any, param: Any, context: Any) -> Any:
        """Return the path of the file; a folder is refused."""
        text = os.fspath(value)
        if LocalTarget.of(text).is_folder:
            self.fail(f"{text} is a folder. Name a file in it.", param, context)
        return Path(text)
