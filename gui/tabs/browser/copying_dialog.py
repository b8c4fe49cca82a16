"""The dialog of a copy or move: the target, its plan, and the decision for existing objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFormLayout, QLineEdit, QPlainTextEdit, QWidget

from core.errors import StorageError
from core.transfer.relocation import Relocation
from core.transfer.values import IfExists
from core.units import format_count, format_counted, format_size
from gui import theme
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.decision import DecisionBox
from gui.widgets.dialog import Dialog
from gui.widgets.fields import combo_box, line_edit
from gui.widgets.labels import muted_label, shown, text_label

#: Milliseconds without a change of the target after which its plan is made.
_PLAN_MS = 300
#: Number of planned objects that are listed; the rest is a number.
_LISTED = 100
_MEANING = {
    IfExists.SKIP: "Existing objects stay as they are; the others are copied.",
    IfExists.OVERWRITE: "Existing objects are replaced. Only a bucket with versioning retains them.",
    IfExists.IF_DIFFERENT: "Contents are compared by the hashes that the server reports.",
    IfExists.IF_NEWER: "Existing objects are replaced by objects that were stored later.",
    IfExists.IF_SIZE_DIFFERS: "Objects of the same size stay, even if their content differs.",
}


@dataclass(frozen=True, slots=True)
class CopyTarget:
    """Where objects are copied to.

    Attributes:
        bucket: the name of the bucket.
        folder: the prefix of the folder, empty or with a final slash.
        profile: the name of another stored profile; empty for the connection of the window.
    """

    bucket: str
    folder: str
    profile: str = ""

    @property
    def place(self) -> str:
        """The address, and the profile if it is not the connection of the window."""
        address = f"s3://{self.bucket}/{self.folder}"
        return f"{address} of the profile {self.profile}" if self.profile else address


class CopyDialog(Dialog):
    """Prompts for the target of a copy or move, and shows the plan before anything is done.

    Args:
        parent: the view that opens the dialog.
        target: the proposed target.
        move: whether the objects are moved.
        locked: why the connection of the window cannot be changed; empty if it can.

    Signals:
        plan_wanted: a `CopyTarget` whose plan is to be shown.
        confirmed: the `Relocation` and the `IfExists` to run.
    """

    plan_wanted = Signal(object)
    confirmed = Signal(object, object)

    def __init__(
        self, parent: QWidget | None, target: CopyTarget, *, move: bool, locked: str = ""
    ) -> None:
        title = "Move objects" if move else "Copy objects"
        text = (
            "Each object is copied with its metadata, tags and storage class, compared with its "
            "copy, and only then removed."
            if move
            else "Each object is copied with its metadata, tags and storage class, and compared "
            "with its copy."
        )
        super().__init__(parent, title, text, width=600, height=500)
        self._move, self._locked = move, locked
        self._given = target  # whose folder is used as it is, unless another one is typed
        self.plan: Relocation | None = None
        self.profile = combo_box("Profile of the target")
        self.profile.addItem("The present connection", "")
        self.bucket = _field("Bucket of the target", target.bucket)
        self.folder = _field("Folder of the target", target.folder)
        self._given_text = self.folder.text()
        self.folder.setPlaceholderText("The top of the bucket")
        self.state = text_label("", wrap=True)
        self.choice = DecisionBox("What to do with objects that already exist")
        # Copies have no decision that stores an object under another name.
        self.choice.removeItem(self.choice.findData(IfExists.KEEP_BOTH.value))
        self._meaning = muted_label("", wrap=True, small=True)
        self.names = _names_view()
        self.go = primary_button("Move" if move else "Copy", self._on_go)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_PLAN_MS)
        self._later.timeout.connect(self._request_plan)
        self._lay_out()
        self._connect()
        self._on_choice()
        self._request_plan()

    def _lay_out(self) -> None:
        form = QFormLayout()
        for label, field in (
            ("Profile", self.profile), ("Bucket", self.bucket), ("Folder", self.folder),
        ):  # fmt: skip
            name = muted_label(label)
            name.setBuddy(field)
            form.addRow(name, field)
        self.body.addLayout(form)
        self.body.addWidget(self.state)
        self.add_stretching(self.names, least=64)
        self.body.addWidget(self.choice)
        self.body.addWidget(self._meaning)
        self.add_buttons(plain_button("Cancel", self.reject), self.go)
        self.go.setDefault(True)
        self.folder.setFocus()

    def _connect(self) -> None:
        self.profile.currentIndexChanged.connect(self._on_target)
        self.bucket.textChanged.connect(self._on_target)
        self.folder.textChanged.connect(self._on_target)
        self.choice.selected.connect(self._on_choice)

    @property
    def target(self) -> CopyTarget:
        """The target as it is typed; a missing slash at the end of the folder is added."""
        folder = self.folder.text()
        # That of a list may begin with blanks, or contain line ends, which the field does not have.
        folder = self._given.folder if folder == self._given_text else folder.strip()
        if folder and not folder.endswith("/"):
            folder += "/"
        return CopyTarget(self.bucket.text().strip(), folder, str(self.profile.currentData()))

    def add_profiles(self, names: Sequence[str]) -> None:
        """Offer other stored profiles as the target."""
        for name in names:
            self.profile.addItem(name, name)

    def show_plan(self, target: CopyTarget, plan: Relocation) -> None:
        """Show a plan, unless the target has changed in the meantime."""
        if target != self.target:
            return
        self.plan = plan
        self.state.setText(plan_text(plan, target))
        existing = {*plan.existing}
        lines = [
            f"{shown(key)}  (exists)" if number in existing else shown(key)
            for number, key in enumerate(plan.targets[:_LISTED])
        ]
        if len(plan.keys) > _LISTED:
            lines.append(f"… and {format_count(len(plan.keys) - _LISTED)} more")
        self.names.setPlainText("\n".join(lines))
        self._show_choice(shown_=bool(plan.existing))
        self._allow("" if plan.keys else "There is nothing to copy.")

    def show_problem(self, target: CopyTarget, error: StorageError) -> None:
        """Show why there is no plan for a target."""
        if target == self.target:
            self.state.setText(f"{error.summary.rstrip('.')}. {error.remedy}".strip())
            self.names.clear()
            self._allow(error.summary)

    def _show_choice(self, *, shown_: bool) -> None:
        self.choice.setVisible(shown_)
        self._meaning.setVisible(shown_)

    def _allow(self, reason: str) -> None:
        # The lock of this connection is not that of another profile.
        locked = self._locked if self._move or not self.target.profile else ""
        self.go.allow(not (locked or reason), locked or reason)

    def _on_target(self, *_value: object) -> None:
        self.plan = None
        self._allow("The plan is being made.")
        self._later.start()

    def _request_plan(self) -> None:
        self.plan = None
        self._show_choice(shown_=False)
        if not self.bucket.text().strip():
            self.state.setText("Type the name of a bucket.")
            self._allow("Type the name of a bucket first.")
            return
        self.state.setText("Listing the objects…")
        self._allow("The plan is being made.")
        self.plan_wanted.emit(self.target)

    def _on_choice(self, _value: str = "") -> None:
        self._meaning.setText(_MEANING[self.choice.decision])

    def _on_go(self) -> None:
        if self.plan is not None:
            plan, decision = self.plan, self.choice.decision
            # First, so that a message of the view is not below this dialog.
            self.accept()
            self.confirmed.emit(plan, decision)


def plan_text(plan: Relocation, target: CopyTarget) -> str:
    """Return count, size, target, requests with their price, and conflicts as sentences."""
    objects = format_counted(len(plan.keys), "object")
    what = f"{objects}, {format_size(plan.size)}, {plan.price_text}"
    place = f"To s3://{target.bucket}/{target.folder}"
    if not plan.existing:
        return f"{what}.\n{place}: none of the new keys exists yet."
    if len(plan.existing) == 1:
        return f"{what}.\n{place}: 1 of the new keys already exists."
    return f"{what}.\n{place}: {format_count(len(plan.existing))} of the new keys already exist."


def _field(name: str, text: str) -> QLineEdit:
    field = line_edit(name)
    field.setText(text)
    field.setFont(theme.mono_font())
    return field


def _names_view() -> QPlainTextEdit:
    view = QPlainTextEdit()
    view.setReadOnly(True)
    # Otherwise Tab would stay in the text, which cannot be edited.
    view.setTabChangesFocus(True)
    view.setFont(theme.mono_font())
    view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    view.setAccessibleName("New keys")
    return view
