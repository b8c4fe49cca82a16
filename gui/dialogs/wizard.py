"""The wizard of the first start: opens the demo, or tests and stores keys."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from core.aws.sign_in import signed_in
from core.errors import KeyringError, StorageError
from core.local.environment import (
    environment_names_keys,
    environment_profile,
    environment_text,
)
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.storage.setup import SECRET_STEPS, TEST_STEPS, SetupReport, SetupStep, set_up
from core.work import Work
from gui.context import Context
from gui.dialogs import wizard_pages as pages
from gui.dialogs.confirm import ask
from gui.dialogs.mfa import MfaPrompter
from gui.dialogs.profile_form import ProfileForm
from gui.tasks import Task
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import keep_on_screen
from gui.widgets.labels import text_label
from gui.widgets.panel import rule
from gui.widgets.steps import Steps

_ORIGIN = "Set-up"
_FORM_TEXT = (
    "Keys are never stored with the profile: they are in the system keyring, or only in memory "
    "until the program ends."
)
#: Height of each page in pixels.
_WIDTH, _HEIGHTS = 600, (424, 650, 520)
#: Additional height of the first page for the card of the AWS variables.
_CARD = 136
_SAVING = "Store the profile"
_SAVED_TEXTS = {
    KeySource.KEYRING: "{name}: its keys are in the system keyring",
    KeySource.SESSION: "{name}: its keys are only in memory until the program ends",
}
#: The settings key of the choice at the first start, and its value for the demo.
CHOICE_SETTING, DEMO_CHOICE = "start/choice", "demo"


@dataclass(frozen=True, slots=True)
class _Tested:
    """The signed-in connection of a test, and the report of the set-up."""

    connection: Connection
    report: SetupReport

    @property
    def stored(self) -> bool:
        """Whether keys were stored, as in `SetupReport`."""
        return self.report.stored


class Wizard(QDialog):
    """Three pages: welcome, the form, and the steps of the test.

    Nothing is stored before the keys have been tested. Everything that may block runs in tasks.

    Signals:
        demo_chosen: the user wants the embedded server with sample data.
        connected: the tested and stored `Connection`.
    """

    demo_chosen = Signal()
    connected = Signal(object)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._task: Task | None = None
        self._left_unchanged = False
        self._tested: tuple[Profile, AccessKeys | None] | None = None
        #: Has the session keys obtained with an MFA code, so that it is requested only once.
        # Reused when the keys are replaced: an MFA code is valid only once.
        self._opened: Connection | None = None
        self._mfa_prompter = MfaPrompter(self)
        self._connection: Connection | None = None
        self.setWindowTitle("Welcome to Strongroom")
        self.setModal(True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.banner = Banner(self)
        self.form = ProfileForm(Profile("main", KeySource.KEYRING))
        self.form.changed.connect(self._update)
        self.store = QCheckBox("Store these keys in Secrets Manager for the platform's programs")
        self.store.setChecked(True)
        self.reason = text_label("", "muted", wrap=True)
        self.steps = Steps()
        self.demo = primary_button("Explore the demo", self._on_demo)
        self.connect_aws = plain_button("Connect to AWS…", self._on_form)
        self.environment = plain_button("Use these variables…", self._on_environment)
        self.test = primary_button("Test and connect", self._on_test)
        self.back = plain_button("Back", self._on_back)
        self.finish = primary_button("Open Strongroom", self._on_finish)
        self._title = pages.big("Welcome to Strongroom")
        self._lay_out()
        self._show(0)
        self.form.load_aws_profiles(context, self.banner.show_error)

    # Pages.

    def _lay_out(self) -> None:
        holder = QWidget()
        self._pages = QStackedLayout(holder)
        for page in self._made_pages():
            self._pages.addWidget(page)
        foot = QHBoxLayout()
        foot.setContentsMargins(24, 12, 24, 16)
        foot.setSpacing(8)
        foot.addWidget(self.reason, 1)
        for button in (self.back, self.test, self.finish):
            foot.addWidget(button)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self._title)
        box.addWidget(holder, 1)
        self._line = rule()
        box.addWidget(self._line)
        box.addLayout(foot)

    def _made_pages(self) -> tuple[QWidget, ...]:
        return (
            pages.welcome(self.demo, self.connect_aws, self.environment, _variables()),
            pages.scrolled(pages.paragraph(_FORM_TEXT), self.form, self.store),
            pages.scrolled(self.steps),
        )

    def _show(self, page: int) -> None:
        self._pages.setCurrentIndex(page)
        self._fit(page)
        self._title.setText(("Welcome to Strongroom", "Connect", "Testing the connection")[page])
        self.test.setVisible(page == 1)
        self.back.setVisible(page > 0)
        self.finish.setVisible(page == 2)
        self._line.setVisible(page > 0)
        (self.demo, self.test, self.finish)[page].setDefault(True)
        self._update()

    def _fit(self, page: int) -> None:
        """Set the height of the page, limited by the screen; what does not fit scrolls."""
        more = _CARD if page == 0 and self.environment.isVisibleTo(self) else 0
        self.resize(_WIDTH, _HEIGHTS[page] + more)
        keep_on_screen(self)

    def showEvent(self, event: QShowEvent) -> None:
        """Keep the window with all buttons on the screen."""
        super().showEvent(event)
        keep_on_screen(self)

    def _update(self) -> None:
        keyed = self.form.profile.access_key_id is not None
        self.store.setVisible(keyed or self.form.key_id.isVisibleTo(self.form))
        reason = self.form.show_problems() if self._pages.currentIndex() == 1 else ""
        self.reason.setText(reason)
        self.test.allow(not reason, reason)
        self.finish.allow(self._connection is not None, "The connection has to be tested first.")

    # User actions

    def _on_demo(self) -> None:
        self._context.settings.set(CHOICE_SETTING, DEMO_CHOICE)
        self.demo_chosen.emit()
        self.accept()

    def _on_form(self) -> None:
        self.banner.clear()
        self._show(1)
        self.form.name.setFocus()
        self.form.name.selectAll()

    def _on_environment(self) -> None:
        self.form.use_environment(environment_profile())
        self._on_form()

    def _on_back(self) -> None:
        # The test of keys that are about to be changed must not store anything.
        if self._task is not None:
            self._task.cancel()
        self.banner.clear()
        self._show(self._pages.currentIndex() - 1)

    def _on_test(self) -> None:
        profile, keys = self.form.profile, self.form.keys
        self._tested, self._opened = (profile, keys), None
        self._start(replace_keys=False)

    def _start(self, *, replace_keys: bool) -> None:
        if self._tested is None:
            return
        profile, keys = self._tested
        self._connection = None
        store = keys is not None and self.store.isChecked()
        self.banner.clear()
        self.steps.clear()
        for title in (*TEST_STEPS, *SECRET_STEPS, _SAVING):
            self.steps.set_step(title, "waiting")
        if not store:
            why = "There are no keys to store." if keys is None else "Not selected."
            self._skip_secret(why)
        self._show(2)
        # Taken here, because the function below runs in a worker thread.
        connection, prompter = self._opened or Connection(profile, keys), self._mfa_prompter

        def test(work: Work) -> _Tested:
            opened = signed_in(connection, lambda question: prompter.ask(question, work), work=work)
            report = set_up(opened, store=store, replace_keys=replace_keys, work=work)
            return _Tested(opened, report)

        self._task = self._context.runner.run(
            "Test the connection",
            test,
            owner=self,
            then=self._on_verified,
            failed=self._on_failed,
            batch=self._on_step,
            latest="wizard",
            call=self._context.call("setup", _ORIGIN, connection=connection),
        )

    def _on_finish(self) -> None:
        if self._connection is not None:
            self.connected.emit(self._connection)
            self.accept()

    # Results

    def _on_step(self, step: SetupStep) -> None:
        state = "running" if step.running else "good" if step.ok else "failed"
        self.steps.set_step(step.title, state, step.detail, step.seconds)

    def _on_verified(self, found: _Tested) -> None:
        self._opened, report = found.connection, found.report
        self._left_unchanged = report.kept
        self._save_profile()

    def _save_profile(self) -> None:
        if self._tested is None:
            return
        profile, keys = self._tested
        connections = self._context.connections
        self.steps.set_step(_SAVING, "running")

        def save(_work: Work) -> Connection:
            return connections.save(profile, keys)

        self._task = self._context.runner.run(
            f"Save the profile {profile.name}",
            save,
            owner=self,
            then=self._on_saved,
            failed=self._on_not_saved,
            latest="wizard",
            call=self._context.call("profiles.save", _ORIGIN, profile=profile),
        )

    def _on_saved(self, connection: Connection) -> None:
        profile = connection.profile
        text = _SAVED_TEXTS.get(profile.source, "{name}: it needs no stored keys")
        self.steps.set_step(_SAVING, "good", text.format(name=profile.name))
        # The session with the MFA code is used on, so that opening the window needs no second code.
        session = self._opened.keys if self._opened and connection.keys is None else None
        self._connection = replace(connection, keys=session) if session else connection
        self._show_result(profile.secret_name)
        self._update()
        self.finish.setFocus()

    def _show_result(self, secret_name: str) -> None:
        """Show the success, and whether the platform's secret has different keys."""
        if not self._left_unchanged:
            self.banner.show_good("The connection works.")
            return
        self._skip_secret(f"{secret_name} contains different keys and was not changed.")
        self.banner.show_warning(
            "The connection works. The platform uses different keys.",
            f"{secret_name} was not changed. Replace its keys only if the platform is to use "
            "your keys from now on.",
            action=("Replace them…", self._ask_to_replace),
        )

    def _skip_secret(self, why: str) -> None:
        """Show that nothing was stored in the secret, with a dash instead of a success mark."""
        self.steps.set_step(SECRET_STEPS[0], "skipped", why)
        self.steps.drop(SECRET_STEPS[1])

    def _ask_to_replace(self) -> None:
        name = self.form.profile.secret_name
        ask(
            self,
            f"Replace the keys in {name}?",
            "The platform's programs will use your keys. The present keys are retained as the "
            "previous version.",
            lambda: self._start(replace_keys=True),
            names=[name],
            button="Replace keys",
            danger=True,
        )

    def _on_not_saved(self, error: StorageError) -> None:
        self.steps.set_step(_SAVING, "failed", error.summary)
        if isinstance(error, KeyringError):
            self.banner.show_warning(
                error.summary,
                error.cause,
                action=("Use for this session only", self._use_in_session),
            )
        else:
            self.banner.show_error(error, self._save_profile)

    def _use_in_session(self) -> None:
        self.form.keep_in_session()
        # The keys are the tested ones; only the place where they are stored has changed.
        self._tested = (self.form.profile, self.form.keys)
        self._save_profile()

    def _on_failed(self, error: StorageError) -> None:
        self.banner.show_error(error, self._on_test if error.retryable else None)


def _variables() -> str:
    """Return the AWS environment variables that are set, if they name keys or an endpoint."""
    return environment_text() if environment_names_keys() else ""
