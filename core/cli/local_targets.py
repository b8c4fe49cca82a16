"""Files and folders of this computer that a command writes, as they are named on the command line.

A path loses a separator at its end, although it means a folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.models import TyperPath

_SEPARATORS = tuple(each for each in ("/", os.sep, os.altsep) if each)


@dataclass(frozen=True, slots=True)
class LocalTarget:
    """A file or folder; `is_folder` also if it does not exist, and its name ends with a separator."""

    path: Path
    is_folder: bool

    @classmethod
    def of(cls, text: str) -> LocalTarget:
        """Return the target that a text names; an empty one is the current folder."""
        path = Path(text)
        return cls(path, path.is_dir() or text.endswith(_SEPARATORS))

    @property
    def existing_folder(self) -> Path:
        """The nearest folder that exists, which shows what its file system allows."""
        return next(each for each in (self.path, *self.path.absolute().parents) if each.is_dir())


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
