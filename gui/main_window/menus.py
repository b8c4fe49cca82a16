"""The header's menus of profiles and buckets, filled when they open."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from core.errors import StorageError
from core.local.profiles import DEMO_NAME
from core.model.connection import Profile
from core.work import Work
from gui import actions
from gui.context import Context
from gui.dialogs.name import NameDialog
from gui.widgets.labels import shown


class ProfileMenu(QMenu):
    """The stored profiles, the demo, and entries to create and edit profiles.

    Signals:
        chosen: a profile's name.
        edit: the user wants to edit profiles.
        new: the user wants to create a profile.
    """

    chosen = Signal(str)
    edit = Signal()
    new = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._group = QActionGroup(self)
        self.aboutToShow.connect(self._fill)

    def _fill(self) -> None:
        # Filled at each opening: profiles may have been changed by another process.
        self.clear()
        workspace = self._context.workspace
        present = workspace.profile.name if workspace else ""
        for profile in self._profiles():
            self._add(profile.name, _line(profile), checked=profile.name == present)
        self._add(DEMO_NAME, "demo    embedded server, sample data", checked=present == DEMO_NAME)
        self.addSeparator()
        self.addAction(actions.action("profile.new").text, self.new.emit)
        self.addAction("Edit profiles…", self.edit.emit)

    def _profiles(self) -> tuple[Profile, ...]:
        try:
            return self._context.connections.profiles.list()
        except StorageError as error:
            self._context.trouble.emit(error)
            return ()

    def _add(self, name: str, text: str, *, checked: bool) -> None:
        action = QAction(text, self)
        action.setCheckable(True)
        action.setChecked(checked)
        action.triggered.connect(lambda _checked=False: self.chosen.emit(name))
        self._group.addAction(action)
        self.addAction(action)


class BucketMenu(QMenu):
    """The account's buckets, listed when the menu opens, and an entry to name another.

    Signals:
        chosen: a bucket's name.
    """

    chosen = Signal(str)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._names: tuple[str, ...] = ()
        self._note = "Loading the buckets…"
        self.aboutToShow.connect(self._on_open)
        context.workspace_changed.connect(self._reset)

    def _reset(self) -> None:
        self._names, self._note = (), "Loading the buckets…"

    def _on_open(self) -> None:
        self._fill()
        workspace = self._context.workspace
        if workspace is None:
            return
        clients = workspace.clients

        def fetch(work: Work) -> tuple[str, ...]:
            from core.aws.buckets import list_buckets

            return list_buckets(clients, work=work)

        self._context.runner.run(
            "List buckets",
            fetch,
            owner=self,
            then=self._on_names,
            failed=self._on_failed,
            latest="buckets",
            quiet=True,
        )

    def _fill(self) -> None:
        self.clear()
        workspace = self._context.workspace
        present = workspace.profile.bucket if workspace else ""
        # The present bucket is shown while the others are loading, or if listing them is denied.
        for name in self._names or ((present,) if present else ()):
            action = self.addAction(shown(name))
            action.setCheckable(True)
            action.setChecked(name == present)
            action.triggered.connect(lambda _checked=False, name=name: self.chosen.emit(name))
        if self._note:
            self.addAction(self._note).setEnabled(False)
        self.addSeparator()
        self.addAction("Another bucket…", self._on_other)

    def _on_names(self, names: tuple[str, ...]) -> None:
        self._names, self._note = names, ""
        self._fill()

    def _on_failed(self, error: StorageError) -> None:
        self._note = shown(f"{error.summary} (needs s3:ListAllMyBuckets)")
        self._fill()

    def _on_other(self) -> None:
        NameDialog(
            self.parentWidget(),
            "Open another bucket",
            "The keys of the current profile are used; the bucket's region is detected.",
            self.chosen.emit,
        ).open()


def _line(profile: Profile) -> str:
    place = profile.endpoint_url or profile.region
    # Qt reads a single & in a menu as the mark of a shortcut.
    return shown(f"{profile.name}    {profile.bucket} · {place}").replace("&", "&&")
