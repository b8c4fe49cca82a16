"""Making a new secret, and deleting one with its recovery window."""

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
from core.redaction import Secret
from core.storage.secret_text import SecretRow, text_of
from gui import theme
from gui.tabs.credentials.templates import TEMPLATES
from gui.widgets.banner import Banner
from gui.widgets.buttons import Button, link_button, plain_button, primary_button
from gui.widgets.fields import combo_box, inset
from gui.widgets.labels import heading, muted_label, text_label
from gui.widgets.panel import rule
from gui.widgets.secret_editor import SecretEditor

Create = Callable[[str, Secret, str, Callable[[StorageError], None]], None]
Delete = Callable[[int, bool], None]


class NewSecret(QDialog):
    """Name, description and values of a secret to be made; stays open until it is there."""

    def __init__(self, parent: QWidget, taken: frozenset[str], create: Create) -> None:
        super().__init__(parent)
        self.setWindowTitle("New secret")
        self.setModal(True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(560, 520)
        self._taken = taken
        self._create = create
        self.banner = Banner()
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
        box.addWidget(self.banner)
        box.addLayout(form)
        box.addWidget(rule())
        box.addLayout(values)
        box.addWidget(self.editor, 1)
        box.addWidget(rule())
        box.addLayout(foot)

    def fail(self, error: StorageError) -> None:
        """Tell why the secret could not be made."""
        self.go.setEnabled(True)
        self.banner.show_error(error)

    def _first_free(self) -> None:
        names = [name for _title, name, _keys in TEMPLATES]
        first = next((at for at, name in enumerate(names) if name not in self._taken), len(names))
        self.template.setCurrentIndex(first)
        self._on_template(first)

    def _on_template(self, at: int) -> None:
        _title, name, keys = TEMPLATES[at]
        self.name.setText(name)
        rows = [SecretRow(key, Secret(value)) for key, value in (keys or {}).items()]
        self.editor.set_text("" if keys is None else text_of(rows))
        self._update()

    def _update(self, *_what: object) -> None:
        name = self.name.text().strip()
        reason = self.editor.problem
        if name in self._taken:
            reason = "There is a secret of that name already."
        elif not name or name.endswith("/"):
            reason = "Give the secret a name."
        elif not name.startswith(SECRET_PREFIX):
            reason = f"The platform may only use names that begin with {SECRET_PREFIX}"
        self.go.allow(not reason, reason)

    def _on_create(self) -> None:
        self.go.setEnabled(False)
        self.banner.clear()
        self._create(
            self.name.text().strip(),
            Secret(self.editor.text),
            self.description.text().strip(),
            self.fail,
        )


class DeleteSecret(QDialog):
    """How long the secret can be restored; deleting at once asks to type its name."""

    def __init__(self, parent: QWidget, name: str, delete: Delete) -> None:
        super().__init__(parent)
        self.setWindowTitle("Delete secret")
        self.setModal(True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(460)
        self._name = name
        self._delete = delete
        self.days = inset(QSpinBox())
        self.days.setRange(RECOVERY_DAYS_MIN, RECOVERY_DAYS_MAX)
        self.days.setValue(RECOVERY_DAYS_DEFAULT)
        self.days.setSuffix(" days")
        self.days.setAccessibleName("Days in which it can be restored")
        self.more = link_button("Without recovery…", self._on_more)
        self.force = QCheckBox("Delete at once, without any way back")
        self.force.setAccessibleName("Delete at once, without any way back")
        self.force.toggled.connect(self._on_force)
        self.force.hide()
        self.typed = QLineEdit()
        self.typed.setFont(theme.mono_font())
        self.typed.setPlaceholderText(name)
        self.typed.setAccessibleName("Type the secret's name to delete it at once")
        self.typed.textChanged.connect(self._update)
        self.typed.hide()
        self.go = Button("Schedule deletion", kind="loss")
        self.go.clicked.connect(self._on_go)
        self._lay_out()

    def _lay_out(self) -> None:
        window = QHBoxLayout()
        window.addWidget(text_label("It can be restored for"))
        window.addWidget(self.days)
        window.addStretch(1)
        cancel = plain_button("Cancel", self.reject)
        cancel.setDefault(True)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(cancel)
        foot.addWidget(self.go)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(12)
        box.addWidget(heading(f"Delete {self._name}?"))
        box.addWidget(
            text_label(
                "Programs that read this secret fail from now on. Its name stays taken until it "
                "is gone.",
                wrap=True,
            )
        )
        box.addLayout(window)
        box.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        box.addWidget(self.force)
        self._hint = muted_label("To go on, type its name:")
        self._hint.hide()
        box.addWidget(self._hint)
        box.addWidget(self.typed)
        box.addLayout(foot)

    def _on_more(self) -> None:
        self.more.hide()
        self.force.show()
        self.force.setFocus()

    def _on_force(self, forced: bool) -> None:
        self.days.setEnabled(not forced)
        self._hint.setVisible(forced)
        self.typed.setVisible(forced)
        self.go.setText("Delete at once" if forced else "Schedule deletion")
        if forced:
            self.typed.setFocus()
        self._update()

    def _update(self, *_text: object) -> None:
        self.go.setEnabled(not self.force.isChecked() or self.typed.text() == self._name)

    def _on_go(self) -> None:
        self._delete(self.days.value(), self.force.isChecked())
        self.accept()
