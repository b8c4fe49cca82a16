"""The form for an MFA code, for which only the requesting worker thread waits."""

from __future__ import annotations

import threading

from PySide6.QtCore import QObject, QRegularExpression, Qt, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QApplication, QDialog, QHBoxLayout, QVBoxLayout, QWidget

from core.aws.sign_in import MfaQuestion, code_of, no_code
from core.errors import InvalidInput
from core.work import Work
from gui import theme
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.fields import line_edit
from gui.widgets.labels import heading, mono_label, muted_label, text_label


class MfaRequest:
    """A request for a code and its answer, shared by a worker thread and the window."""

    def __init__(self, question: MfaQuestion) -> None:
        self.question = question
        self.code = ""
        self._over = threading.Event()

    @property
    def over(self) -> bool:
        """Whether it was answered or declined."""
        return self._over.is_set()

    def answer(self, code: str = "") -> None:
        """Set the code, or None to decline; only the first answer counts."""
        if not self._over.is_set():
            self.code = code
            self._over.set()

    def wait(self) -> str:
        """Wait in the worker thread for the answer."""
        self._over.wait()
        return self.code


class MfaDesk(QObject):
    """Passes requests of worker threads to the GUI thread, where a form shows them.

    Signals:
        asked: an `MfaRequest` is waiting for its answer.
        withdrawn: its task was cancelled, so no thread is waiting any more.
    """

    asked = Signal(object)
    withdrawn = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._forms: dict[MfaRequest, MfaForm] = {}
        self.asked.connect(self._on_asked, Qt.ConnectionType.QueuedConnection)
        self.withdrawn.connect(self._on_withdrawn, Qt.ConnectionType.QueuedConnection)

    def ask(self, question: MfaQuestion, work: Work) -> str:
        """Show the form and wait in this worker thread; a cancel of `work` ends the wait.

        Raises:
            Cancelled: the task was cancelled; the form is closed.
            CredentialsMissing: the user entered no code.
        """
        request = MfaRequest(question)
        with work.token.on_cancel(request.answer):
            self.asked.emit(request)
            code = request.wait()
        if work.token.cancelled:
            self.withdrawn.emit(request)
        work.check()
        if not code:
            raise no_code(question)
        return code

    def _on_asked(self, request: MfaRequest) -> None:
        if request.over:
            return
        form = MfaForm(request, QApplication.activeWindow())
        self._forms[request] = form
        form.finished.connect(lambda _result: self._forms.pop(request, None))
        form.open()

    def _on_withdrawn(self, request: MfaRequest) -> None:
        form = self._forms.get(request)
        if form is not None:
            form.reject()


class MfaForm(QDialog):
    """The form for six digits; Escape and Cancel decline the request."""

    def __init__(self, request: MfaRequest, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._request = request
        question = request.question
        self.setWindowTitle("MFA code")
        self.setModal(True)
        self.setMinimumWidth(440)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.code = line_edit("MFA code", "123456")
        self.code.setFont(theme.mono_font())
        self.code.setMaximumWidth(140)
        self.code.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)
        self.code.setValidator(QRegularExpressionValidator(QRegularExpression("[0-9 ]{0,8}")))
        self.code.textChanged.connect(self._update)
        self.go = primary_button("Sign in", self._on_go)
        self.go.setDefault(True)
        self.finished.connect(lambda _result: request.answer())
        self._lay_out(question)
        self._update()
        self.code.setFocus()

    def _lay_out(self, question: MfaQuestion) -> None:
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addStretch(1)
        foot.addWidget(plain_button("Cancel", self.reject))
        foot.addWidget(self.go)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(10)
        box.addWidget(heading(f"Sign in to {question.profile}"))
        whose = f"The role of the AWS profile {question.section} requires a code from this device:"
        box.addWidget(text_label(whose, wrap=True))
        box.addWidget(mono_label(question.device))
        box.addWidget(self.code)
        box.addWidget(muted_label("Each code can be used once; it is not stored.", wrap=True))
        box.addLayout(foot)

    def _update(self) -> None:
        try:
            code_of(self.code.text())
        except InvalidInput as error:
            self.go.allow(allowed=False, reason=f"{error.summary}.")
        else:
            self.go.allow(allowed=True)

    def _on_go(self) -> None:
        self._request.answer(code_of(self.code.text()))
        self.accept()
