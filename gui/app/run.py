"""From options to a running window, and to a clean end."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication
from shiboken6 import delete, isValid

from core.errors import LocalIOError, StorageError
from core.local.settings import Settings
from core.paths import HOME_VARIABLE
from gui import theme
from gui.app.first_paint import OnceSeen
from gui.main_window import MainWindow

if TYPE_CHECKING:  # imported after the window's first paint
    from gui.app.options import Options
    from gui.app.screenshots import Screenshots
    from gui.context import Context
    from gui.errors import Crashes
    from gui.main_window.connecting import Connector
    from gui.tasks import TaskRunner

#: What furnishes the window, in portions between which it answers.
_FURNITURE = (
    "gui.errors",
    "gui.app.signals",
    "gui.context",
    "gui.main_window.connecting",
    "gui.models.tasks_model",
    "gui.main_window.header",
    "gui.main_window.menus",
    "gui.main_window.status_bar",
)
#: The style is named here: asking for it later makes PySide6 load all that styles can draw.
_ARGUMENTS = ["strongroom", "-style", "fusion"]
#: Seconds that an end by signal may take; what hangs longer is left to the system.
_LEAVE_SECONDS = 2.5


def run(options: Options) -> int:
    """Open the window and return the exit code when it was closed."""
    with _home_of(options):
        os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.*=false")
        app = _application()
        program = Program(app, options)
        try:
            program.start()
            return app.exec()
        finally:
            program.stop()
            _remove_windows()


def _remove_windows() -> None:
    """Delete all windows while Python can still answer their events.

    Qt would hide those that are open when it is unloaded; an event filter or handler written in
    Python would then be called in an interpreter that has ended.
    """
    for window in QApplication.topLevelWidgets():
        if isValid(window):  # a window takes its own dialogs with it
            window.hide()
            delete(window)


@contextmanager
def _home_of(options: Options) -> Iterator[None]:
    """Give pictures of the demo a home that is thrown away: they look alike on every computer."""
    if options.screenshots is None or not options.demo:
        yield
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="strongroom-", ignore_cleanup_errors=True) as home:
        os.environ[HOME_VARIABLE] = home
        yield


class Program:
    """Owns everything that lives as long as the window.

    Asking for `window`, `context` or `connector` furnishes the window.
    """

    def __init__(self, app: QApplication, options: Options) -> None:
        self._options = options
        self._settings = Settings()
        theme.prepare(app, options.theme or _chosen_theme(self._settings))
        self._app = app
        self.shell = MainWindow(self._settings)
        if options.size is not None:
            self.shell.resize(*options.size)
        self._portions = list(_FURNITURE)
        self._pictures: Screenshots | None = None

    def furnish(self) -> None:
        """Put everything into the window that was not needed for its first paint."""
        if self.shell.furnished:
            return
        from core.aws.usage import record_use
        from core.local.hardening import harden
        from gui import clock
        from gui.app.signals import Signals
        from gui.context import Context
        from gui.errors import Crashes, start_logging
        from gui.main_window.connecting import Connector
        from gui.tasks import TaskRunner

        harden()  # before there is any secret in this process
        theme.current().follow_desktop(self._app)
        start_logging()
        record_use()
        self._crashes: Crashes = Crashes()
        self._crashes.install()
        self._crashes.crashed.connect(self._on_crash)
        clock.current().set_zone(clock.zone_of(_stored(self._settings, clock.ZONE_SETTING)))
        self.runner: TaskRunner = TaskRunner()
        self._context: Context = Context(self.runner, settings=self._settings)
        self._connector: Connector = Connector(self._context)
        self.shell.furnish(self._context, self._connector)
        self._signals: Signals = Signals(self._on_signal)

    @property
    def context(self) -> Context:
        """What the views share."""
        self.furnish()
        return self._context

    @property
    def connector(self) -> Connector:
        """Connects the window with a workspace."""
        self.furnish()
        return self._connector

    @property
    def window(self) -> MainWindow:
        """The window, furnished; `shell` is the same one, perhaps not furnished yet."""
        self.furnish()
        return self.shell

    def start(self) -> None:
        """Show the window first; everything else waits until it is on the screen."""
        self.shell.show()
        OnceSeen(self.shell, self._furnish)

    def stop(self) -> None:
        """End tasks, engine and demo server, and let go of the window before Qt goes."""
        if isValid(self.shell):
            self.shell.hide()  # what is visible when Qt goes still calls into Python
        if not self.shell.furnished:  # closed before it was furnished
            return
        self.runner.shutdown()
        self._connector.stop()
        self._signals.stop()
        self._crashes.remove()

    def _furnish(self) -> None:
        """Import one portion a turn, so that the window answers in between; show it, then begin."""
        if self._portions:
            import_module(self._portions.pop(0))
            QTimer.singleShot(0, self._furnish)
        elif self.shell.isVisible():  # else it was closed at once
            self.furnish()
            OnceSeen(self.shell, self._begin)

    def _begin(self) -> None:
        if self._options.screenshots is None:
            self.window.open_last_tab()
        else:
            self._take_pictures(self._options.screenshots)
        self._connect()

    def _on_signal(self) -> None:
        """End at once: whoever sent the signal waits for no answer, and kills soon."""
        last_resort = threading.Timer(_LEAVE_SECONDS, os._exit, (0,))
        last_resort.daemon = True
        last_resort.start()
        self.shell.leave()
        QApplication.exit(0)  # also while a dialog is open

    def _connect(self) -> None:
        from core.local.profiles import DEMO_NAME

        name = DEMO_NAME if self._options.demo else self._options.profile or self._last_profile()
        if not name and self._options.screenshots is None and self._demo_was_chosen():
            name = DEMO_NAME
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

    def _demo_was_chosen(self) -> bool:
        """Return whether the demo is what was chosen at the first start: it is not asked again."""
        from gui.dialogs.wizard import CHOICE_SETTING, DEMO_CHOICE

        return bool(_stored(self._settings, CHOICE_SETTING) == DEMO_CHOICE)

    def _welcome(self) -> None:
        from gui.dialogs.wizard import Wizard

        wizard = Wizard(self.context, self.window)
        wizard.demo_chosen.connect(self._on_demo)
        wizard.connected.connect(self.connector.open_connection)
        wizard.open()

    def _on_demo(self) -> None:
        from core.local.profiles import DEMO_NAME

        self.context.switch_profile(DEMO_NAME)

    def _take_pictures(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            print(f"strongroom: {folder}: {error.strerror}", file=sys.stderr)  # noqa: T201 - a command's answer
            QTimer.singleShot(0, lambda: QApplication.exit(1))
            return
        from gui.app.screenshots import Screenshots

        self._pictures = Screenshots(self.window, folder)

    def _on_crash(self, report: str) -> None:
        if self._pictures is not None:
            QApplication.exit(1)  # the report is on stderr already, by the log
            return
        from gui.dialogs.crash import CrashDialog

        CrashDialog(report, self.window).open()


def _application() -> QApplication:
    present = QApplication.instance()
    app = present if isinstance(present, QApplication) else QApplication(_ARGUMENTS)
    app.setApplicationName("strongroom")
    app.setApplicationDisplayName("Strongroom")
    app.setDesktopFileName("strongroom")
    app.setWindowIcon(QIcon(str(theme.RESOURCES / "icons" / "app.svg")))
    return app


def _chosen_theme(settings: Settings) -> theme.Mode:
    mode = _stored(settings, "theme")
    return mode if mode in {"light", "dark", "system"} else "system"


def _stored(settings: Settings, key: str) -> Any:
    try:
        return settings.get(key)
    except LocalIOError:  # unreadable settings: start with the usual ones
        return None
