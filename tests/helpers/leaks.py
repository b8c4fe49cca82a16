"""The leak scanner: canaries that stand for secrets, and everything that a secret could leak into.

A canary is looked for as it is, in base64, URL-quoted, and as JSON and Python write it.
"""

import base64
import dataclasses
import io
import json
import logging
import traceback
import urllib.parse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

from core.redaction import RedactingFilter, clamp_logging


class Canaries:
    """Values by name; each is as long and as odd as a real secret."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._forms: dict[str, tuple[bytes, ...]] = {}

    def make(self, name: str) -> str:
        """Return a new value that stands for a secret of that name."""
        return self.add(name, f"cnry/{token_hex(10)}+{len(self.values):02}é")

    def add(self, name: str, value: str) -> str:
        """Watch a value that another program has made, for example a key of IAM."""
        assert name not in self.values
        assert len(value) >= 12
        self.values[name] = value
        self._forms[name] = tuple(_forms(value))
        return value

    def hits(self, text: str | bytes) -> set[str]:
        """Return the names of the canaries that are in a text, in whichever form."""
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        return {name for name, forms in self._forms.items() if any(form in data for form in forms)}


def _forms(value: str) -> Iterator[bytes]:
    raw = value.encode()
    yield raw
    yield json.dumps(value)[1:-1].encode()
    yield repr(value)[1:-1].encode("utf-8", "backslashreplace")
    yield urllib.parse.quote(value, safe="").encode()
    yield value.encode("utf-16-le")
    for shift in range(3):  # base64 of a longer text that holds it: the middle stays the same
        coded = base64.b64encode(b" " * shift + raw)
        yield coded[4 * (shift > 0) : len(coded) // 4 * 4 - 4]


@dataclasses.dataclass
class Evidence:
    """What was collected, by channel: pairs of where it was found and what it says."""

    channels: dict[str, list[tuple[str, str | bytes]]] = dataclasses.field(default_factory=dict)

    def add(self, channel: str, where: str, text: str | bytes) -> None:
        self.channels.setdefault(channel, []).append((where, text))

    def leaks(self, canaries: Canaries) -> dict[str, set[tuple[str, str]]]:
        """Return by channel where which canary was found."""
        found: dict[str, set[tuple[str, str]]] = {}
        for channel, entries in self.channels.items():
            for where, text in entries:
                for name in canaries.hits(text):
                    found.setdefault(channel, set()).add((where, name))
        return found

    # Collectors.

    @contextmanager
    def logs(self) -> Iterator[None]:
        """Collect every record at DEBUG: as our handlers write it, and of our own loggers raw."""
        stream, root = io.StringIO(), logging.getLogger()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
        handler.addFilter(RedactingFilter())
        raw = _Raw()
        before = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        clamp_logging()
        # The first of all, without a filter: filters blank the record for those that follow.
        root.handlers.insert(0, raw)
        try:
            yield
        finally:
            root.setLevel(before)
            for each in (raw, handler):
                root.removeHandler(each)
            self.add("log", "all loggers, through the filter", stream.getvalue())
            self.add("log", "Strongroom's loggers, as the code logged", "\n".join(raw.texts))

    def files(self, *folders: Path) -> None:
        """Collect every file below the folders."""
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and not path.is_symlink():
                    self.add("file", str(path.relative_to(folder)), path.read_bytes())

    def record(self, where: str, value: Any) -> None:
        """Collect what a record says of itself in every way."""
        texts = [repr(value), str(value), f"{value}"]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            texts += [
                repr(dataclasses.asdict(value)),
                repr(vars(value)) if _has_vars(value) else "",
            ]
        self.add("repr", where, "\n".join(texts))

    def error(self, where: str, error: BaseException) -> None:
        """Collect what an error says, and what a report of it says."""
        from gui.errors import report_of

        self.add("error", where, f"{error}\n{error!r}\n{vars(error)}")
        self.add("traceback", where, report_of(type(error), error, error.__traceback__))
        # The texts of frames, and of whatever the error was raised from.
        plain = traceback.TracebackException.from_exception(error, capture_locals=False)
        self.add("traceback", f"{where}, plain", "".join(plain.format()))

    def processes(self, pids: Iterable[int]) -> None:
        """Collect the command lines and environments of processes."""
        for pid in pids:
            for name in ("cmdline", "environ"):
                try:
                    data = Path(f"/proc/{pid}/{name}").read_bytes()
                except OSError:  # it has just ended
                    continue
                self.add("process", f"{name} of {pid}", data)

    def widgets(self, top: Any) -> None:
        """Collect what screen readers, tooltips and names tell of a window."""
        from PySide6.QtGui import QAccessible
        from PySide6.QtWidgets import QWidget

        for widget in (top, *top.findChildren(QWidget)):
            output = [widget.objectName(), widget.toolTip(), widget.windowTitle()]
            output += [widget.accessibleName(), widget.accessibleDescription(), widget.statusTip()]
            seen = QAccessible.queryAccessibleInterface(widget)
            if seen is not None:
                output += [seen.text(kind) for kind in _KINDS(QAccessible)]
                lines = seen.textInterface()
                if lines is not None:
                    output.append(lines.text(0, lines.characterCount()))
            self.add("accessibility", type(widget).__name__, "\n".join(output))


class _Raw(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(("core", "gui", "qt")):
            self.texts.append(f"{record.getMessage()} {record.args!r}")


def _has_vars(value: Any) -> bool:
    return hasattr(value, "__dict__")


def _KINDS(accessible: Any) -> tuple[Any, ...]:  # noqa: N802 - a table that needs Qt
    text = accessible.Text
    return (text.Name, text.Description, text.Value, text.Help)


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started, and theirs."""
    found = []
    for entry in (path.name for path in Path("/proc").iterdir()):
        if entry.isdigit():
            try:
                parent = int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found += [int(entry), *children_of(int(entry))]
    return found
