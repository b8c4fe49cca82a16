"""Handling of unhandled errors: each is logged once, redacted, and shown in a dialog."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import sys
import threading
import traceback
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler

from core.errors import Cancelled
from core.paths import data_dir
from core.redaction import RedactingFilter, clamp_logging, redacted

_log = logging.getLogger("strongroom")

#: Messages of Qt's platform plugins that need no action.
_HARMLESS_MESSAGES = (
    "propagateSizeHints",
    "QFont::setPixelSize",
    "This plugin does not support",
    "qt.qpa.",
    "QStandardPaths: XDG_RUNTIME_DIR",
    "Populating font family aliases",
    "AtSpiAdaptor",
)
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class Crashes(QObject):
    """Collects unhandled errors of all threads and reports each kind once.

    Signals:
        crashed: the redacted report of a new kind of error.
    """

    crashed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def install(self) -> None:
        """Install the hooks of Python, its threads and Qt."""
        sys.excepthook = self.report
        threading.excepthook = self._on_thread
        qInstallMessageHandler(_on_qt)

    def remove(self) -> None:
        """Restore the former hooks."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        qInstallMessageHandler(None)

    def report(
        self,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
    ) -> None:
        """Log an unhandled error, and emit it unless the same kind was emitted before."""
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        # Cancelling is not a failure; a cancel that no one handled has still ended its work.
        if isinstance(error, Cancelled):
            return
        text = report_of(kind, error, trace)
        # The kind of an error is its innermost line of code with its message: a failing paint event
        # would otherwise open a dialog for each paint.
        place = text.rpartition("  File ")[2]
        with self._lock:
            known = place in self._seen
            self._seen.add(place)
        _log.error("%s", text)
        if not known:
            with contextlib.suppress(RuntimeError):  # the window is already deleted
                self.crashed.emit(text)

    def _on_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self.report(args.exc_type, args.exc_value, args.exc_traceback)


def report_of(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> str:
    """Return the type, message and traceback of an error, without local variables or secrets."""
    lines = traceback.TracebackException(kind, error, trace, capture_locals=False).format()
    return redacted("".join(lines)).strip()


def about() -> str:
    """Return the versions to include in an error report."""
    from PySide6.QtCore import qVersion

    from core.version import __version__

    return (
        f"Strongroom {__version__} · Python {platform.python_version()} · Qt {qVersion()}"
        f" · {platform.platform(terse=True)}"
    )


def start_logging() -> None:
    """Log warnings to stderr and all messages of Strongroom to a file, both redacted.

    The program also starts if the log file cannot be written.
    """
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    shown = logging.StreamHandler()
    shown.setLevel(logging.WARNING)
    shown.setFormatter(logging.Formatter("strongroom: %(levelname)s: %(message)s"))
    handlers: list[logging.Handler] = [shown]
    with contextlib.suppress(OSError):
        handlers.append(_file())
    for handler in handlers:
        handler.addFilter(RedactingFilter())
        root.addHandler(handler)
    clamp_logging()


class _PrivateFile(RotatingFileHandler):
    """A log file that only its owner can read."""

    def _open(self) -> TextIOWrapper:
        """Create the file with its mode, since changing it afterwards would leave a gap."""
        handle = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(handle, "a", encoding=self.encoding)


def _file() -> logging.Handler:
    path = data_dir() / "strongroom.log"
    # At most three files of 2 MB: the present one and two former ones.
    handler = _PrivateFile(path, maxBytes=2_000_000, backupCount=2, delay=True, encoding="utf-8")
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    )
    return handler


def _on_qt(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    category = str(context.category or "")
    line = f"{category} {message}"
    level = logging.DEBUG if any(text in line for text in _HARMLESS_MESSAGES) else _LEVELS[kind]
    logging.getLogger("qt").log(level, "%s", redacted(message))
