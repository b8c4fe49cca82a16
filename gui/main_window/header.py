"""The header: profile, bucket, lock state, search and theme."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QPushButton, QWidget

from core.units import format_minutes, utc_now
from core.workspace import Workspace
from gui import actions, theme
from gui.context import Context
from gui.main_window.session_clock import SessionClock
from gui.models.roles import PROFILE_TONES
from gui.widgets.buttons import Button
from gui.widgets.labels import Pill, muted_label, repolish, set_tooltip, shown, text_label

#: The tooltip of the button of the profile.
_CHIP = "Switch, create or edit profiles"


class Header(QFrame):
    """The bar of 48 pixels at the top of the window.

    Signals:
        search: the user wants to open the search.
        theme_toggled: the user wants the other theme.
        lock_wanted: the user wants to unlock (True) or lock (False) writing.
    """

    search = Signal()
    theme_toggled = Signal()
    lock_wanted = Signal(bool)

    def __init__(self, context: Context, profiles: QMenu, buckets: QMenu) -> None:
        super().__init__()
        self._context = context
        self.setProperty("surface", "bar")
        self.setFixedHeight(theme.HEADER)
        self.chip = _chip(profiles)
        self.bucket = _bucket(buckets)
        self.region = muted_label("")
        self.versioned = Pill("")
        self.lock = Button("", kind="plain")
        self.lock.setAccessibleName("Unlock writing")  # `_show_lock` sets it only with a connection
        self.lock.setProperty("chip", "neutral")
        self.lock.clicked.connect(self._on_lock)
        # Only profiles that open read-only have a lock.
        self.lock.hide()
        self.session = SessionClock(context)
        self.search_box = SearchBox()
        self.search_box.clicked.connect(self.search)
        self.theme = Button("", icon_name="theme")
        self.theme.setProperty("square", "true")
        self.theme.setFixedSize(33, 28)
        self.theme.setAccessibleName("Light or dark theme")
        self.theme.set_hint("Switch between light and dark")
        self.theme.clicked.connect(self.theme_toggled)
        self._lay_out()
        self._minute = QTimer(self)
        # Ten seconds, so that the minutes shown are at most that old.
        self._minute.setInterval(10_000)
        self._minute.timeout.connect(self._show_lock)
        context.workspace_changed.connect(self._on_workspace)
        context.read_only_changed.connect(self._show_lock)
        theme.current().changed.connect(self._on_theme)
        self._on_workspace(context.workspace)

    def show_connecting(self, name: str) -> None:
        """Show that a profile is being connected."""
        self._show_chip(f"{name} …", "neutral")
        self.chip.setAccessibleDescription("connecting")

    def show_present(self) -> None:
        """Show the current profile."""
        workspace = self._context.workspace
        set_tooltip(self.chip, _CHIP)
        if workspace is None:
            self._show_chip("no profile", "neutral")
        else:
            self._show_chip(workspace.profile.name, PROFILE_TONES[workspace.profile.colour])

    def show_versioned(self, text: str, tone: str = "neutral", hint: str = "") -> None:
        """Show the versioning of the bucket.

        Args:
            text: the state; empty while it is unknown.
            tone: the tone of the pill.
            hint: the tooltip.
        """
        self.versioned.set(text, tone, hint)

    def show_region(self, region: str, followed: bool) -> None:
        """Show the region, and whether it differs from the profile's."""
        self.region.setText(region)
        hint = (
            "The bucket is not in the profile's region. Its requests use the bucket's region, those for "
            "secrets the profile's."
            if followed
            else ""
        )
        set_tooltip(self.region, hint)

    def _lay_out(self) -> None:
        box = QHBoxLayout(self)
        box.setContentsMargins(16, 2, 16, 0)
        box.setSpacing(12)
        for part in (self.chip, self.bucket, self.region, self.versioned, self.lock, self.session):
            box.addWidget(part)
        box.addStretch(1)
        box.addWidget(self.search_box)
        box.addWidget(self.theme)

    def _on_workspace(self, workspace: Workspace | None) -> None:
        profile = workspace.profile if workspace else None
        self.show_present()
        self.bucket.setVisible(profile is not None)
        self.bucket.setText(f"{shown(profile.bucket)} ▾" if profile else "")
        self.bucket.setAccessibleName(f"Bucket {profile.bucket}" if profile else "Bucket")
        self.region.setText(profile.region if profile else "")
        self.versioned.set("")
        self._show_lock()

    def _show_chip(self, name: str, tone: str) -> None:
        self.chip.setText(f" {shown(name)}")
        self.chip.setAccessibleName(f"Profile {name}")
        self.chip.setProperty("chip", tone)
        self._on_theme()
        repolish(self.chip)

    def _on_theme(self) -> None:
        tone = str(self.chip.property("chip"))
        colours = theme.tokens()
        self.chip.setIcon(_dot(colours.muted if tone == "neutral" else getattr(colours, tone)))

    def _show_lock(self) -> None:
        workspace, until = self._context.workspace, self._context.unlocked_until
        self.lock.setVisible(self._context.read_only or until is not None)
        if workspace is None:
            return
        if until is None:
            text, tone, icon_name, hint = (
                "read-only", "neutral", "lock", "Nothing can be changed. Press to unlock temporarily."
            )  # fmt: skip
        else:
            left = format_minutes(max((until - utc_now()).total_seconds(), 0))
            text, tone, icon_name, hint = (
                f"writing · {left} left", "danger", "unlock",
                "Changes are allowed. Press to lock again.",
            )  # fmt: skip
        self.lock.setText(text)
        self.lock.setAccessibleName("Unlock writing" if until is None else "Lock writing")
        self.lock.setProperty("chip", tone)
        self.lock.set_icon(icon_name, f"{tone}_ink")
        self.lock.set_hint(hint)
        repolish(self.lock)
        self._minute.start() if until is not None else self._minute.stop()

    def _on_lock(self) -> None:
        self.lock_wanted.emit(self._context.read_only)


class SearchBox(QPushButton):
    """A button that looks like a field and opens the search."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("compact", "true")
        self.setFixedWidth(260)
        self.setAccessibleName("Search keys and actions")
        set_tooltip(self, actions.tip("search"))
        box = QHBoxLayout(self)
        box.setContentsMargins(10, 0, 10, 0)
        search = actions.action("search")
        for text in (search.text, search.key_text.replace("+", " ")):
            label = text_label(text, "muted")
            # Otherwise a click on the text would not press the button.
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            box.addWidget(label)
            if box.count() == 1:
                box.addStretch(1)


def _chip(menu: QMenu) -> QPushButton:
    chip = QPushButton()
    chip.setProperty("chip", "neutral")
    chip.setIconSize(QSize(10, 10))
    chip.setMenu(menu)
    chip.setAccessibleName("Profile")
    set_tooltip(chip, _CHIP)
    return chip


def _bucket(menu: QMenu) -> QPushButton:
    bucket = QPushButton()
    bucket.setProperty("compact", "true")
    bucket.setMenu(menu)
    bucket.setAccessibleName("Bucket")
    set_tooltip(bucket, "Open another bucket with this profile")
    return bucket


def _dot(colour: QColor) -> QIcon:
    made = QIcon()
    # One picture for each pixel ratio of screens, as for other icons.
    for scale in (1, 2, 3):
        picture = QPixmap(QSize(10, 10) * scale)
        picture.setDevicePixelRatio(scale)
        picture.fill(QColor(Qt.GlobalColor.transparent))
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(0, 0, 10, 10)
        painter.end()
        made.addPixmap(picture)
    return made
