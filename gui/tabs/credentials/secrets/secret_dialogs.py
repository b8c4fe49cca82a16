"""The dialogs that create a secret and delete one with its recovery window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from core.aws.limits import RECOVERY_DAYS_DEFAULT, RECOVERY_DAYS_MAX, RECOVERY_DAYS_MIN
from core.errors import StorageError
from core.model.connection import SECRET_PREFIX
from core.model.secret_names import field_value
from core.redaction import Secret
from core.secrets.secret_text import SecretRow, text_of
from gui import theme
from gui.dialogs.confirm import Question, TypedName
from gui.tabs.credentials.secrets.templates import TEMPLATES
from gui.widgets.banner import Banner
from gui.widgets.buttons import Button, link_button, plain_button, primary_button, set_flush
from gui.widgets.fields import allow_field, combo_box, inset
from gui.widgets.labels import heading, text_label
from gui.widgets.panel import rule
from gui.widgets.secret_editor import SecretEditor

Create = Callable[[str, Secret, str, Callable[[StorageError], None]], None]
Delete = Callable[[int, bool], None]


class NewSecret(QDialog):
    """The dialog for a new secret; it stays open until the secret was created.

    Args:
        parent: the view that opens the dialog.
        taken: the names of the secrets that exist.
        create: creates the secret.
        deleted: those of them that are scheduled for deletion.
    """

    def __init__(
        self,
        parent: QWidget,
        taken: frozenset[str],
        create: Create,
        deleted: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("New secret")
        self.setModal(True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(560, 520)
        self._taken, self._deleted = taken, deleted
        self._create = create
        self.banner = Banner(self)
        self.template = combo_box("Template")
        self.template.addItems([title for title, _name, _keys in TEMPLATES])
        self.template.currentIndexChanged.connect(self._on_template)
        self.name = QLineEdit()
        self.name.setFont(theme.mono_font())
        self.name.setAccessibleName("Name of the secret")
        self.name.textChanged.connect(self._update)
        self.description = QLineEdit()
        self.description.setAccessibleName("Description")
        self.description.setPlaceholderText(
            "Never put a value here: descriptions are logged by AWS"
        )
        self.editor = SecretEditor()
        self.editor.edited.connect(self._update)
        self.go = primary_button("Create secret", self._on_create)
        self.go.setDefault(True)
        self._lay_out()
        self._first_free()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(12, 0, 12, 8)
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.addRow(text_label("Template", "muted"), self.template)
        form.addRow(text_label("Name", "muted"), self.name)
        form.addRow(text_label("Description", "muted"), self.description)
        values = QHBoxLayout()
        values.setContentsMargins(12, 6, 12, 6)
        values.addWidget(heading("Values"))
        values.addStretch(1)
        values.addWidget(self.editor.modes)
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 8, 12, 12)
        foot.setSpacing(8)
        foot.addStretch(1)
        foot.addWidget(plain_button("Cancel", self.reject))
        foot.addWidget(self.go)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 12, 0, 0)
        box.setSpacing(0)
        box.addLayout(form)
        box.addWidget(rule())
        box.addLayout(values)
        box.addWidget(self.editor, 1)
        box.addWidget(rule())
        box.addLayout(foot)

    def fail(self, error: StorageError) -> None:
        """Show why the secret could not be created."""
        self._update()
        self.banner.show_error(error)

    def _first_free(self) -> None:
        names = [name for _title, name, _keys in TEMPLATES]
        # The last two templates have the bare prefix as name, which is never taken, so there is
        # always one.
        first = next((at for at, name in enumerate(names) if name not in self._taken), len(names))
        self.template.setCurrentIndex(first)
        self._on_template(first)

    def _on_template(self, at: int) -> None:
        _title, name, keys = TEMPLATES[at]
        self.name.setText(name)
        rows = [SecretRow(key, field_value(key, value)) for key, value in (keys or {}).items()]
        self.editor.set_text("" if keys is None else text_of(rows))
        self._update()

    def _update(self, *_what: object) -> None:
        name = self.name.text().strip()
        reason = self.editor.problem
        if name in self._deleted:
            reason = (
                "A secret of that name is scheduled for deletion: restore it, then save its value."
            )
        elif name in self._taken:
            reason = "A secret of that name already exists."
        elif not name or name.endswith("/"):
            reason = "Enter a name."
        elif not name.startswith(SECRET_PREFIX):
            reason = f"The platform can only use names that begin with {SECRET_PREFIX}"
        self.go.allow(not reason, reason)

    def _on_create(self) -> None:
        # A second click would try to create it again.
        self.go.allow(allowed=False, reason="The secret is being created.")
        self.banner.clear()
        self._create(
            self.name.text().strip(),
            self.editor.value,
            self.description.text().strip(),
            self.fail,
        )


class DeleteSecret(Question):
    """The dialog that deletes a secret after a recovery window, or at once after typing its name."""

    def __init__(self, parent: QWidget, name: str, delete: Delete) -> None:
        super().__init__(
            parent,
            f"Delete {name}?",
            "Programs that read this secret will fail. Its name cannot be used again until AWS has "
            "removed it.",
            width=460,
        )
        self._delete = delete
        self.days = inset(QSpinBox())
        self.days.setRange(RECOVERY_DAYS_MIN, RECOVERY_DAYS_MAX)
        self.days.setValue(RECOVERY_DAYS_DEFAULT)
        self.days.setSuffix(" days")
        self.days.setAccessibleName("Days in which it can be restored")
        self.more = set_flush(link_button("Delete at once…", self._on_more))
        self.force = QCheckBox("Delete at once; the secret cannot be restored")
        self.force.setAccessibleName("Delete at once; the secret cannot be restored")
        self.force.toggled.connect(self._on_force)
        self.force.hide()
        self.name = TypedName(name)
        self.typed = self.name.field
        self.name.changed.connect(self._update)
        self.name.hide()
        self.go = Button("Schedule deletion", kind="loss")
        self.go.clicked.connect(self._on_go)
        self.cancel = plain_button("Cancel", self.reject)
        self.cancel.setDefault(True)
        self._lay_out()

    def _lay_out(self) -> None:
        window = QHBoxLayout()
        window.addWidget(text_label("It can be restored for"))
        window.addWidget(self.days)
        window.addStretch(1)
        self.body.addLayout(window)
        self.body.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        self.body.addWidget(self.force)
        self.body.addWidget(self.name)
        self.add_buttons(self.cancel, self.go)

    def _on_more(self) -> None:
        self.more.hide()
        self.force.show()
        self.force.setFocus()
        self.fit()

    def _on_force(self, forced: bool) -> None:
        allow_field(self.days, not forced, "A secret deleted at once cannot be restored.")
        self.name.setVisible(forced)
        self.go.setText("Delete at once" if forced else "Schedule deletion")
        # With the name typed, Enter is meant as consent; before that it must not delete anything.
        (self.go if forced else self.cancel).setDefault(True)
        if forced:
            self.typed.setFocus()
        self._update()
        self.fit()

    def _update(self, *_what: object) -> None:
        allowed = not self.force.isChecked() or self.name.matches
        self.go.allow(allowed, "Type the name first.")

    def _on_go(self) -> None:
        self._delete(self.days.value(), self.force.isChecked())
        self.accept()
