"""Shows the number of findings about backups on a tab, and notifies of new ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QLabel, QTabBar, QWidget

from core.model.schedule import BackupFinding
from core.units import format_counted
from gui import theme
from gui.context.backup_watch import BackupWatch
from gui.main_window.notifier import DesktopNotifier
from gui.widgets.labels import tooltip

_SIZE = 15


class TabBadge(QLabel):
    """A number at the right edge of a tab, in its padding, so that no tab moves.

    Args:
        bar: the tab bar.
        place: the index of the tab.
    """

    def __init__(self, bar: QTabBar, place: int) -> None:
        super().__init__(bar)
        self._bar, self._place = bar, place
        self._hint = bar.tabToolTip(place)
        self.setProperty("badge", "warning")
        self.setFont(theme.bold_font(9, tabular=True))
        self.setFixedHeight(_SIZE)
        # The tab below gets the clicks and shows its tooltip.
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        bar.installEventFilter(self)
        self.hide()

    def show_number(self, number: int) -> None:
        """Show a number of findings; 0 hides the badge."""
        title = self._bar.tabText(self._place)
        text = f"{title}, {format_counted(number, 'finding')}" if number else ""
        self._bar.setAccessibleTabName(self._place, text)
        hint = f"{self._hint}\n{format_counted(number, 'finding')}" if number else self._hint
        self._bar.setTabToolTip(self._place, tooltip(hint) if number else hint)
        self.setText(str(number) if number < 10 else "9+")
        self.setFixedWidth(max(_SIZE, self.sizeHint().width()))
        self.setVisible(bool(number))
        self._move()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Follow the tab; no event is filtered out."""
        if event.type() in {QEvent.Type.Resize, QEvent.Type.LayoutRequest, QEvent.Type.Show}:
            self._move()
        return False

    def _move(self) -> None:
        area = self._bar.tabRect(self._place)
        self.move(area.right() - self.width() + 1, area.top() + 5)


class FindingsNotifier(QObject):
    """Shows the findings of a watch on a tab, and as a notification of the desktop.

    Args:
        watch: examines the backups.
        badge: the badge of the tab.
        clicked: called when the user clicks the notification.
        parent: the window.
    """

    def __init__(
        self,
        watch: BackupWatch,
        badge: TabBadge,
        clicked: Callable[[], object],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._watch, self._badge = watch, badge
        self.desktop = DesktopNotifier(parent)
        self.desktop.clicked.connect(clicked)
        watch.changed.connect(self._on_changed)
        watch.found.connect(self._on_found)
        self._on_changed()

    def _on_changed(self) -> None:
        health = self._watch.health
        self._badge.show_number(0 if health is None else len(health.findings))

    def _on_found(self, findings: Sequence[BackupFinding]) -> None:
        title = f"{format_counted(len(findings), 'finding')} about backups"
        self.desktop.notify(title, findings[0].text, warning=True)
