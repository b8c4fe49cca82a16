"""`--screenshots DIR`: saves a screenshot of every loaded tab, and of the pages of the Browser.

Each is saved in the light and in the dark theme, or only in that of `--theme`. With
`--screenshots-of previews` it saves one of every kind of preview instead.
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from core.errors import StorageError
from gui import theme
from gui.app.steps import preview_steps, tab_steps
from gui.main_window import MainWindow
from gui.tabs.base import Tab

_log = logging.getLogger(__name__)

#: Seconds that a tab may take, and for which it must be idle before its screenshot.
_LIMIT_SECONDS, _REST_SECONDS, _POLL_MS = 120.0, 0.5, 50


class Screenshots(QObject):
    """Shows each tab and exits the program: exit code 0, or 1 with the reason on stderr."""

    def __init__(
        self, window: MainWindow, folder: Path, what: str = "tabs", *, both_themes: bool = False
    ) -> None:
        super().__init__()
        self._window, self._folder = window, folder
        #: The themes in which each screenshot is saved, and in how many of them the current one is.
        self._themes, self._saved = 2 if both_themes else 1, 0
        self._steps = tuple(preview_steps() if what == "previews" else tab_steps())
        self._number, self._shows = -1, 0
        self._began = self._rested = time.monotonic()
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._on_timer)
        window.connector.failed.connect(self._on_failed)
        self._timer.start()

    def _on_timer(self) -> None:
        now = time.monotonic()
        if now - self._began > _LIMIT_SECONDS:
            self._end(f"{self._name()} did not finish loading within {_LIMIT_SECONDS:.0f} s")
            return
        context = self._window.context
        # A task that has ended may start the next one, so a tab counts as loaded only after a
        # pause.
        if context.workspace is None or context.runner.busy:
            self._rested = now
        elif now - self._rested > _REST_SECONDS:
            self._take()

    def _take(self) -> None:
        """Continue with the current step, or save its screenshots, if any, and begin the next one."""
        if self._number >= 0 and self._shows < len(self._steps[self._number].shows):
            self._show(self._window.current_tab)
            return
        if self._number >= 0 and not self._save():
            return
        if self._saved and self._saved < self._themes:
            theme.current().set_mode("light" if theme.tokens().dark else "dark")
            self._rested = time.monotonic()
            return
        if (dialog := QApplication.activeModalWidget()) is not None:
            dialog.close()
        self._number, self._saved = self._number + 1, 0
        if self._number == len(self._steps):
            self._end("")
            return
        self._shows = 0
        tab = self._window.show_tab(self._steps[self._number].tab)
        tab.ensure_loaded()
        self._show(tab)

    def _show(self, tab: Tab) -> None:
        show = self._steps[self._number].shows[self._shows]
        self._shows += 1
        show(tab)
        self._began = self._rested = time.monotonic()

    def _save(self) -> bool:
        name, tab = self._steps[self._number].name, self._window.current_tab
        if tab.banner.failed:
            print(f"strongroom: {self._name()}: {tab.banner.text}", file=sys.stderr)  # noqa: T201 - a command's answer
        if not name:
            return True
        shade = "dark" if theme.tokens().dark else "light"
        path = self._folder / f"{name}-{shade}.png"
        shown = QApplication.activeModalWidget() or self._window
        if not shown.grab().save(str(path)):
            self._end(f"{path} could not be written")
            return False
        self._saved += 1
        return True

    def _name(self) -> str:
        return "connecting" if self._number < 0 else self._steps[self._number].title

    def _on_failed(self, error: StorageError) -> None:
        self._end(str(error))

    def _end(self, problem: str) -> None:
        self._timer.stop()
        if problem:
            print(f"strongroom: {problem}", file=sys.stderr)  # noqa: T201 - a command's answer
        QApplication.exit(1 if problem else 0)
