"""The command-line options of the window. This module does not import Qt."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

NO_DISPLAY = """\
strongroom: there is no display to open a window on.
  On a desktop: start it from a terminal of the desktop session.
  Over ssh:     ssh -X, or run it on a virtual screen:  xvfb-run strongroom --demo
                (Debian: apt-get install xvfb)
  For pictures: QT_QPA_PLATFORM=offscreen strongroom --demo --screenshots DIR
  Without a window: strongroom --help lists what the command line can do.
"""


class UsageProblem(Exception):  # noqa: N818 - named by what happened
    """An option has no value or an invalid one."""


class Options(NamedTuple):
    """The options of the window. `size` is width and height in device-independent pixels.

    `screenshots_of` is what screenshots are taken of: `tabs` or `previews`.

    Not a dataclass, like all classes needed for the first paint: importing `dataclasses` takes
    about 5 % of the startup time.
    """

    demo: bool = False
    profile: str = ""
    theme: Literal["", "light", "dark", "system"] = ""
    screenshots: Path | None = None
    size: tuple[int, int] | None = None
    screenshots_of: Literal["tabs", "previews"] = "tabs"


def parse(arguments: Sequence[str]) -> Options | None:
    """Return the window's options, or None if the arguments are for the command line.

    Raises:
        UsageProblem: an option of the window is used incorrectly.
    """
    values: dict[str, object] = {}
    rest = list(arguments)
    while rest:
        name, given, value = rest.pop(0).partition("=")
        if name == "--demo" and not given:
            values["demo"] = True
        elif name in _READERS:
            if not given and not rest:
                message = f"{name} needs a value"
                raise UsageProblem(message)
            field, read = name.removeprefix("--").replace("-", "_"), _READERS[name]
            text = value if given else rest.pop(0)
            if not text:
                message = f"{name} is empty; an empty value does not count as an omitted one"
                raise UsageProblem(message)
            values[field] = read(text)
        else:  # a sub-command, --help, --version, or an option that the command line refuses
            return None
    if values.get("demo") and values.get("profile"):
        message = "--demo and --profile cannot be combined"
        raise UsageProblem(message)
    if values.get("screenshots_of") == "previews" and not values.get("demo"):
        message = "--screenshots-of previews needs --demo: it stores objects in the bucket"
        raise UsageProblem(message)
    return Options(**values)  # type: ignore[arg-type]  # each reader returns its field's type


def display_missing(
    environment: Mapping[str, str] = os.environ, system: str = sys.platform
) -> bool:
    """Return whether Qt would find no display."""
    if not system.startswith("linux"):
        return False
    platform = environment.get("QT_QPA_PLATFORM", "").partition(":")[0]
    if platform in {"offscreen", "minimal", "vnc", "linuxfb", "eglfs"}:
        return False
    return not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def _theme(text: str) -> str:
    if text not in {"light", "dark", "system"}:
        message = f"--theme is light, dark or system, not {text!r}"
        raise UsageProblem(message)
    return text


def _subject(text: str) -> str:
    if text not in {"tabs", "previews"}:
        message = f"--screenshots-of is tabs or previews, not {text!r}"
        raise UsageProblem(message)
    return text


def _size(text: str) -> tuple[int, int]:
    width, _by, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()) or not 200 <= int(width) <= 10_000:
        message = f"--size is WIDTHxHEIGHT, for example 1280x800, not {text!r}"
        raise UsageProblem(message)
    return int(width), int(height)


_READERS: dict[str, Callable[[str], object]] = {
    "--profile": str,
    "--theme": _theme,
    "--screenshots": Path,
    "--size": _size,
    "--screenshots-of": _subject,
}
