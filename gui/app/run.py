"""From options to a running window, and to a clean end."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from core.errors import LocalIOError, StorageError
from core.local.profiles import DEMO_NAME
from core.local.settings import Settings
from core.paths import HOME_VARIABLE
from gui import theme
from gui.app.hardening import harden
from gui.app.options import Options
from gui.app.screenshots import Screenshots
from gui.app.seen import OnceSeen
from gui.app.signals import Signals
from gui.context import Context
from gui.dialogs.crash import CrashDialog
from gui.errors import Crashes, start_logging
from gui.main_window import MainWindow
from gui.main_window.connecting import Connector
from gui.tasks import TaskRunner


def run(options: Options) -> int:
    """Open the window and return the exit code when it was closed."""
    harden()
    with _home_of(options):
        start_logging()
        os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.*=false")
        app = _application()
        program = Program(app, options)
        try:
            program.start()
            return app.exec()
        finally:
            program.stop()


@contextmanager
def _home_of(options: Options) -> Iterator[None]:
    """Give pictures of the demo a home that is thrown away: they look alike on every computer."""
    if options.screenshots is None or not options.demo:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="strongroom-", ignore_cleanup_errors=True) as home:
        os.environ[HOME_VARIABLE] = home
        yield


class Program:
    """Owns everything that lives as long as the window."""

    def __init__(self, app: QApplication, options: Options) -> None:
        self._options = options
        self._crashes = Crashes()
        self._crashes.install()
        settings = Settings()
        theme.apply(app, options.theme or _kept_theme(settings))
        self.runner = TaskRunner()
        self.context = Context(self.runner, settings=settings)
        self.connector = Connector(self.context)
        self.window = MainWindow(self.context, self.connector)
        if options.size is not None:
            self.window.resize(*options.size)
        self._signals = Signals(self.window.close)
        self._pictures: Screenshots | None = None
        self._crashes.crashed.connect(self._on_crash)

    def start(self) -> None:
        """Show the window first; everything else waits until it is on the screen."""
        self.window.show()
        OnceSeen(self.window, self._begin)

    def stop(self) -> None:
        """End tasks, engine and demo server, and let go of the window before Qt goes."""
        self.runner.shutdown()
        self.connector.stop()
        self._signals.stop()
        self._crashes.remove()

    def _begin(self) -> None:
        if self._options.screenshots is None:
            self.window.open_last_tab()
        else:
            self._take_pictures(self._options.screenshots)
        self._connect()

    def _connect(self) -> None:
        name = DEMO_NAME if self._options.demo else self._options.profile or self._last_profile()
        if name:
            self.context.switch_profile(name)
        elif self._options.screenshots is None:
            self._welcome()
        else:
            self.connector.failed.emit(
                StorageError("There is no profile", remedy="Add --demo or --profile NAME.")
            )

    def _last_profile(self) -> str:
        try:
            profile = self.context.connections.profiles.current()
        except LocalIOError as error:
            self.window.show_trouble(error)
            return ""
        return profile.name if profile else ""

    def _welcome(self) -> None:
        from gui.dialogs.wizard import Wizard

        wizard = Wizard(self.context, self.window)
        wizard.demo_chosen.connect(self._on_demo)
        wizard.connected.connect(self.connector.open_connection)
        wizard.open()

    def _on_demo(self) -> None:
        self.context.switch_profile(DEMO_NAME)

    def _take_pictures(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            print(f"strongroom: {folder}: {error.strerror}", file=sys.stderr)  # noqa: T201 - a command's answer
            QTimer.singleShot(0, lambda: QApplication.exit(1))
            return
        self._pictures = Screenshots(self.window, folder)

    def _on_crash(self, report: str) -> None:
        if self._pictures is not None:
            QApplication.exit(1)  # the report is on stderr already, by the log
            return
        CrashDialog(report, self.window).open()


def _application() -> QApplication:
    present = QApplication.instance()
    app = present if isinstance(present, QApplication) else QApplication(["strongroom"])
    app.setApplicationName("strongroom")
    app.setApplicationDisplayName("Strongroom")
    app.setDesktopFileName("strongroom")
    app.setWindowIcon(QIcon(str(theme.RESOURCES / "icons" / "app.svg")))
    return app


def _kept_theme(settings: Settings) -> theme.Mode:
    try:
        kept = settings.get("theme", "system")
    except LocalIOError:  # unreadable settings: start with the usual ones
        return "system"
    return kept if kept in {"light", "dark", "system"} else "system"
