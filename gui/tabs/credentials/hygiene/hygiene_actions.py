"""The actions of the hygiene report: inspect all secrets, and set the age limit of one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QHBoxLayout, QSpinBox, QWidget

from core.errors import AccessDenied, StorageError
from core.health import hygiene
from core.health.hygiene import DEFAULT_DAYS, LIMIT_TAG, MOST_DAYS, SecretHygiene
from core.units import format_counted
from gui.dialogs.confirm import Question
from gui.tabs.base import Tab
from gui.tabs.credentials.hygiene.hygiene_pane import HygienePane
from gui.widgets.buttons import link_button, plain_button, primary_button
from gui.widgets.fields import inset
from gui.widgets.labels import muted_label, text_label

SetLimit = Callable[[int | None], object]
_LIMIT_TEXT = (
    f"The limit is stored with the secret, as its tag {LIMIT_TAG}, and applies for everyone who "
    "examines it. The value does not change."
)


class LimitDialog(Question):
    """The dialog that sets the age limit of a secret in days."""

    def __init__(self, parent: QWidget, row: SecretHygiene, then: SetLimit) -> None:
        super().__init__(parent, f"Set the age limit of {row.info.name}", width=460)
        self.days = inset(QSpinBox())
        self.days.setRange(1, MOST_DAYS)
        self.days.setValue(row.limit_days)
        self.days.setSuffix(" days")
        self.days.setAccessibleName("Limit in days")
        line = QHBoxLayout()
        line.addWidget(text_label("Overdue after"))
        line.addWidget(self.days)
        line.addStretch(1)
        self.body.addLayout(line)
        self.body.addWidget(muted_label(f"{_age_text(row)} {_LIMIT_TEXT}", wrap=True))
        self.go = primary_button("Set limit", lambda: self._end(then, self.days.value()))
        self.go.setDefault(True)
        self.default = link_button(
            f"Use the default of {DEFAULT_DAYS} days", lambda: self._end(then, None)
        )
        self.default.setVisible(row.limit_is_own)
        self.add_buttons(plain_button("Cancel", self.reject), self.go, left=(self.default,))

    def _end(self, then: SetLimit, days: int | None) -> None:
        self.accept()
        then(days)


def _age_text(row: SecretHygiene) -> str:
    if row.age is None:
        return "The age of its value is unknown."
    return f"Its value is {format_counted(row.age.days, 'day')} old."


class HygieneActions(QObject):
    """Runs the actions of a pane; tasks and errors belong to the tab.

    Signals:
        changed: the name of an operation and that of the secret it has changed.
    """

    changed = Signal(str, str)

    def __init__(self, tab: Tab, pane: HygienePane) -> None:
        super().__init__(tab)
        self._tab, self._pane = tab, pane
        pane.refresh_clicked.connect(self.refresh)
        pane.limit_clicked.connect(self._on_limit)

    def refresh(self) -> None:
        """Inspect all secrets again."""
        workspace = self._tab.context.workspace
        if workspace is None:
            self._pane.show_unavailable("Not connected", "Select or create a profile.")
            return
        secrets = workspace.secrets
        self._pane.show_loading()
        self._tab.run(
            "Inspect the hygiene of the secrets",
            lambda work: hygiene.hygiene_report(secrets, work=work),
            self._pane.show_report,
            failed=self._on_failed,
            latest="credentials/hygiene",
            quiet=True,
        )

    def _on_failed(self, error: StorageError) -> None:
        if not isinstance(error, AccessDenied) and self._pane.show_stale():
            self._tab.show_error(error, self.refresh)
            return
        why = f"This needs {error.action}." if isinstance(error, AccessDenied) else error.cause
        self._pane.show_unavailable(error.summary, why)

    def _on_limit(self, row: SecretHygiene) -> None:
        LimitDialog(self._tab, row, lambda days: self._set(row.info.name, days)).open()

    def _set(self, name: str, days: int | None) -> None:
        workspace = self._tab.context.workspace
        if workspace is None:
            return
        secrets = workspace.secrets
        operation = "secrets.tag" if days else "secrets.untag"
        self._tab.run(
            f"Set the limit of {name}",
            lambda work: hygiene.set_limit(secrets, name, days, work=work),
            lambda _done: self.changed.emit(operation, name),
            call=self._tab.call(operation, name=name),
        )
