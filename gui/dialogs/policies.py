"""Least-privilege policies for this bucket, to copy into IAM."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFormLayout,
    QPlainTextEdit,
    QWidget,
)

from core.errors import InvalidInput
from core.health.policies import TASKS, Role, Scope, policy_for, policy_of_use, text_of
from core.local.used_actions import UsedAction
from core.model.connection import Profile
from core.units import format_date
from gui import theme
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import allow_field, combo_box, line_edit
from gui.widgets.labels import muted_label, text_label

_USED = "used"


class Policies(Dialog):
    """The dialog that shows a policy for a role and a prefix."""

    def __init__(self, parent: QWidget, profile: Profile, used: Sequence[UsedAction] = ()) -> None:
        super().__init__(parent, "Least-privilege policies", width=640, height=620)
        self._profile, self._used = profile, tuple(used)
        self.role = combo_box("Role")
        for role in Role:
            self.role.addItem(f"{role.value.capitalize()}: {TASKS[role]}", role)
        self.role.addItem("Only what this profile has used", _USED)
        self.prefix = line_edit("Prefix", "the entire bucket", clear=True)
        self.prefix.setFont(theme.mono_font())
        self.user = line_edit("User whose keys are rotated", "any user with the policy", clear=True)
        self.user.setFont(theme.mono_font())
        self.note = muted_label(wrap=True, small=True)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(theme.mono_font())
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setAccessibleName("Policy as JSON")
        self.copy = primary_button("Copy", self._on_copy)
        self._lay_out()
        self.role.currentIndexChanged.connect(self._show)
        self.prefix.textChanged.connect(self._show)
        self.user.textChanged.connect(self._show)
        self._show()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(8)
        form.addRow(text_label("Role"), self.role)
        form.addRow(text_label("Prefix"), self.prefix)
        form.addRow(text_label("Rotates keys of"), self.user)
        self.body.addLayout(form)
        self.add_stretching(self.text)
        self.body.addWidget(self.note)
        self.add_buttons(plain_button("Close", self.reject), self.copy)

    def _show(self) -> None:
        scope = Scope(
            self._profile.bucket, self.prefix.text().strip(), user=self.user.text().strip()
        )
        role = self.role.currentData()
        rotates = role in {Role.ADMIN, _USED}
        # The other roles have no permissions for access keys.
        allow_field(self.user, rotates, "Only the administrator's policy rotates keys.")
        try:
            policy = (
                policy_of_use((one.action for one in self._used), scope)
                if role == _USED
                else policy_for(role, scope)
            )
        except InvalidInput as error:
            self.text.setPlainText("")
            self.note.setText(" ".join((f"{error.summary}.", error.cause, error.remedy)))
            self.copy.allow(allowed=False, reason=error.summary)
            return
        self.text.setPlainText(text_of(policy))
        self.note.setText(self._usage_note() if role == _USED else "")
        self.copy.allow(allowed=True)

    def _usage_note(self) -> str:
        since = min(one.first for one in self._used)
        return f"What {self._profile.name} has used since {format_date(since)}, on this computer. Requests by users of links are not included."

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())
        self.note.setText("Copied.")
