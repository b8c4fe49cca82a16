"""The field for the prefix to scan, which completes the names of folders."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from core.objects.bucket import Bucket
from gui import theme
from gui.tabs.base import Tab
from gui.tabs.path_completion import PathCompletion
from gui.widgets.fields import line_edit
from gui.widgets.labels import muted_label


class PrefixField(QWidget):
    """A field for a prefix or an `s3://` address in the bucket.

    Signals:
        entered: Enter was pressed.
    """

    entered = Signal()

    def __init__(self, tab: Tab) -> None:
        super().__init__()
        self._tab = tab
        self.field = line_edit("Prefix to scan", "The entire bucket", clear=True)
        self.field.setFont(theme.mono_font())
        self.field.returnPressed.connect(self.entered)
        PathCompletion(tab, self.field, self._bucket)
        box = QHBoxLayout(self)
        box.setContentsMargins(12, 6, 12, 2)
        box.setSpacing(8)
        label = muted_label("Prefix")
        label.setBuddy(self.field)
        box.addWidget(label)
        box.addWidget(self.field, 1)

    @property
    def prefix(self) -> str:
        """The prefix, without the address of the bucket."""
        bucket = self._bucket()
        address = f"{bucket.subject()}/" if bucket is not None else ""
        return self.field.text().removeprefix(address)

    def show_prefix(self, prefix: str) -> None:
        """Show the prefix of a result, unless the user is typing another one."""
        if not self.field.hasFocus():
            self.field.setText(prefix)

    def _bucket(self) -> Bucket | None:
        workspace = self._tab.context.workspace
        return workspace.bucket if workspace is not None else None
