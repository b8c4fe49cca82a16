"""The form for an MFA code, for which only the requesting worker thread waits."""

from __future__ import annotations

import threading

from PySide6.QtCore import QObject, QRegularExpression, Qt, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QApplication, QWidget

from core.aws.sign_in import MfaQuestion, code_of, no_code
from core.errors import InvalidInput
from core.work import Work
from gui import theme
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import line_edit
from gui.widgets.labels import mono_label, muted_label


class MfaRequest:
    """A request for a code and its answer, shared by a worker thread and the window."""

    def __init__(self, question: MfaQuestion) -> None:
        self.question = question
        self.code = ""
        self._answered = threading.Event()

    @property
    def answered(self) -> bool:
        """Whether it was answered or declined."""
        return self._answered.is_set()

    def answer(self, code: str = "") -> None:
        """Set the code, an empty one to decline; only the first answer counts."""
        if not self._answered.is_set():
            self.code = code
            self._answered.set()

    def wait(self) -> str:
        """Wait in the worker thread for the answer."""
        self._answered.wait()
        return self.code


class MfaPrompter(QObject):
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
        # Emitted in worker threads, but widgets may be created only on the GUI thread.
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
            # Only this worker thread waits; the window and other tasks continue.
            code = request.wait()
        if work.token.cancelled:
            self.withdrawn.emit(request)
        work.check()
        if not code:
            raise no_code(question)
        return code

    def _on_asked(self, request: MfaRequest) -> None:
        # The task was cancelled before the form was opened.
        if request.answered:
            return
        form = MfaForm(request, QApplication.activeWindow())
        self._forms[request] = form
        form.finished.connect(lambda _result: self._forms.pop(request, None))
        form.open()

    def _on_withdrawn(self, request: MfaRequest) -> None:
        form = self._forms.get(request)
        if form is not None:
            form.reject()


class MfaForm(Dialog):
    """The form for six digits; Escape and Cancel decline the request."""

    def __init__(self, request: MfaRequest, parent: QWidget | None = None) -> None:
        question = request.question
        super().__init__(
            parent,
            f"Sign in to {question.profile}",
            f"The role of the AWS profile {question.section} requires a code from this device:",
        )
        self.setWindowTitle("MFA code")
        self._request = request
        self.code = line_edit("MFA code", "123456")
        self.code.setFont(theme.mono_font())
        self.code.setMaximumWidth(140)
        self.code.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)
        # Authenticator apps display the code with a space in the middle.
        self.code.setValidator(QRegularExpressionValidator(QRegularExpression("[0-9 ]{0,8}")))
        self.code.textChanged.connect(self._update)
        self.go = primary_button("Sign in", self._on_go)
        self.go.setDefault(True)
        # Every way of closing declines, so that no thread waits forever; an answer before stays.
        self.finished.connect(lambda _result: request.answer())
        self.body.addWidget(mono_label(question.device))
        self.body.addWidget(self.code)
        self.body.addWidget(muted_label("Each code can be used once; it is not stored.", wrap=True))
        self.add_buttons(plain_button("Cancel", self.reject), self.go)
        self._update()
        self.code.setFocus()

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
