"""Runs the window from its options to a clean shutdown."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import delete, isValid

from core.errors import LocalIOError, StorageError
from core.local.settings import Settings
from core.paths import HOME_VARIABLE
from gui import theme
from gui.main_window import MainWindow

if TYPE_CHECKING:  # imported after the window's first paint
    from gui.app.options import Options
    from gui.app.screenshots import Screenshots
    from gui.context import Context
    from gui.errors import Crashes
    from gui.main_window.connecting import Connector
    from gui.tasks import TaskRunner

#: Modules imported after the first paint, in portions between which the window responds.
_LATER_MODULES = (
    "gui.errors",
    "gui.app.signals",
    "gui.context",
    "gui.main_window.connecting",
    "gui.main_window.tasks_model",
    "gui.main_window.header",
    "gui.main_window.menus",
    "gui.main_window.status_bar",
)
#: The style is set by name, since querying it makes PySide6 load all drawing options.
_ARGUMENTS = ["strongroom", "-style", "fusion"]
#: Milliseconds after which work starts anyway, since a minimized window is never painted.
_PAINT_MS = 400
#: Milliseconds after which schedules are started: imports in a thread delay the first requests.
_BACKUPS_MS = 1_500
#: Milliseconds after which the transfers of the last run continue, for the same reason.
_TRANSFERS_MS = 1_000
#: Seconds that a shutdown by signal may take before the process exits anyway.
_EXIT_SECONDS = 2.5


def run(options: Options) -> int:
    """Open the window; return the exit code after it was closed."""
    with _temporary_home(options):
        app = _application()
        program = Program(app, options)
        try:
            program.start()
            return app.exec()
        finally:
            program.stop()
            _remove_windows()


def show_failure(options: Options, error: StorageError) -> None:
    """Show why the window cannot be opened, until the user closes the dialog."""
    from gui.dialogs.start_failure import StartFailure

    app = _application()
    # Without the settings, which cannot be read.
    theme.prepare(app, options.theme or "system").follow_desktop(app)
    dialog = StartFailure(error)
    dialog.finished.connect(app.quit)
    dialog.open()
    app.exec()
    _remove_windows()


def _remove_windows() -> None:
    """Delete all windows while Python can still handle their events.

    Qt would hide open windows when it is unloaded, and call event filters and handlers written in
    Python after the interpreter has ended.
    """
    from PySide6.QtCore import Qt  # its names take long to load, before the first picture

    for window in QApplication.topLevelWidgets():
        # A window deletes its own dialogs, a combo box the window of its list, and a completer its
        # popup, which has no parent: PySide6 crashes if one of these is deleted first, since the
        # wrapper of its owner still refers to it.
        if isValid(window) and window.parent() is None:
            window.hide()
            if window.windowType() is not Qt.WindowType.Popup:
                delete(window)


@contextmanager
def _temporary_home(options: Options) -> Iterator[None]:
    """Use a temporary home for screenshots of the demo, so that they are the same everywhere."""
    if options.screenshots is None or not options.demo:
        yield
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="strongroom-", ignore_cleanup_errors=True) as home:
        os.environ[HOME_VARIABLE] = home
        yield


class AfterFirstPaint(QObject):
    """Calls a function once, after the window's first paint."""

    def __init__(self, window: QWidget, then: Callable[[], object]) -> None:
        super().__init__(window)
        self._window, self._then = window, then
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._run)
        self._timer.start(_PAINT_MS)
        window.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Wait for the first paint; no event is filtered out."""
        if event.type() == QEvent.Type.Paint:
            self._window.removeEventFilter(self)
            self._timer.start(0)
        return False

    def _run(self) -> None:
        self._window.removeEventFilter(self)
        self._then()


class Program:
    """Owns all objects that live as long as the window.

    Accessing `window`, `context` or `connector` completes the window.
    """

    def __init__(self, app: QApplication, options: Options) -> None:
        self._options = options
        self._settings = Settings()
        theme.prepare(app, options.theme or _chosen_theme(self._settings))
        self._app = app
        self.shell = MainWindow(self._settings)
        if options.size is not None:
            self.shell.resize(*options.size)
        self._pending_modules = list(_LATER_MODULES)
        self._pictures: Screenshots | None = None

    def complete_window(self) -> None:
        """Add everything to the window that was not needed for the first paint."""
        if self.shell.completed:
            return
        from core.aws.usage import record_use
        from core.local.hardening import harden
        from gui import clock
        from gui.app.signals import Signals
        from gui.context import Context
        from gui.errors import Crashes, start_logging
        from gui.main_window.connecting import Connector
        from gui.tasks import TaskRunner

        harden()  # before any secret is in this process
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
        self.shell.complete(self._context, self._connector)
        self._signals: Signals = Signals(self._on_signal)

    @property
    def context(self) -> Context:
        """The context that all views share."""
        self.complete_window()
        return self._context

    @property
    def connector(self) -> Connector:
        """The connector, which connects the window with a workspace."""
        self.complete_window()
        return self._connector

    @property
    def window(self) -> MainWindow:
        """The completed window; `shell` is the same object, possibly not completed yet."""
        self.complete_window()
        return self.shell

    def start(self) -> None:
        """Show the window, and do everything else after its first paint."""
        self.shell.show()
        AfterFirstPaint(self.shell, self._import_next)

    def stop(self) -> None:
        """Stop tasks, engine and demo server, and delete the window before Qt is unloaded."""
        if isValid(self.shell):
            self.shell.hide()  # visible widgets would call into Python when Qt is unloaded
        if not self.shell.completed:  # closed before it was completed
            return
        self.runner.shutdown()
        self._connector.stop()
        self._signals.stop()
        self._crashes.remove()

    def _import_next(self) -> None:
        """Import one portion per event loop turn, so that the window responds; then complete it."""
        if self._pending_modules:
            import_module(self._pending_modules.pop(0))
            QTimer.singleShot(0, self._import_next)
        elif self.shell.isVisible():  # not if it was closed at once
            self.complete_window()
            AfterFirstPaint(self.shell, self._begin)

    def _begin(self) -> None:
        if self._options.screenshots is None:
            self.window.open_last_tab()
        else:
            self._take_pictures(self._options.screenshots)
        self._connect()
        QTimer.singleShot(_BACKUPS_MS, self.shell, self._prepare_backups)
        QTimer.singleShot(_TRANSFERS_MS, self.shell, self._prepare_transfers)

    def _prepare_transfers(self) -> None:
        self.runner.run(
            "Prepare the queue of transfers",
            lambda _work: import_module("core.transfer.queue"),
            owner=self.shell,
            then=self._continue_transfers,
            quiet=True,
        )

    def _continue_transfers(self, _imported: object) -> None:
        """Continue the transfers of the last run once their modules are imported."""
        self.window.follow_transfers(self.context.transfers)

    def _prepare_backups(self) -> None:
        self.runner.run(
            "Prepare the schedules of backups",
            lambda _work: import_module("core.backup.scheduled"),
            owner=self.shell,
            then=self._watch_backups,
            quiet=True,
        )

    def _watch_backups(self, _imported: object) -> None:
        """Start the schedules once their modules are imported, which takes longer than a frame."""
        context = self.context
        context.backup_watch.start(lambda: context.locked_reason)
        self.window.show_findings_of(context.backup_watch)

    def _on_signal(self) -> None:
        """Exit at once, since the sender of the signal may soon kill the process."""
        last_resort = threading.Timer(_EXIT_SECONDS, os._exit, (0,))
        last_resort.daemon = True
        last_resort.start()
        self.shell.close_unconfirmed()
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
        """Return whether the user chose the demo at the first start."""
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

        both = self._options.theme == ""
        self._pictures = Screenshots(
            self.window, folder, self._options.screenshots_of, both_themes=both
        )

    def _on_crash(self, report: str) -> None:
        if self._pictures is not None:
            QApplication.exit(1)  # the log has already written the report to stderr
            return
        from gui.dialogs.crash import CrashDialog

        CrashDialog(report, self.window).open()


def _application() -> QApplication:
    # Before the application is created, which reads it.
    os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.*=false")
    present = QApplication.instance()  # tests have created the only one that Qt allows
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
    except LocalIOError:  # unreadable settings: start with the defaults
        return None
