"""The dialog that logs in to a database server and adds it to the list of sources."""

from __future__ import annotations

import re
from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QWidget

from core.errors import KeyringError, StorageError
from core.local.vault import VaultState
from core.redaction import Secret
from gui import theme
from gui.context import Context
from gui.tabs.backups.servers import (
    SERVER_KINDS,
    TLS_LEVELS,
    VERIFY,
    LoggedIn,
    ServerKind,
    ServerLogin,
    keyring_state,
    log_in,
    login_and_password,
    login_of,
)
from gui.tasks import Task
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import allow_field, combo_box, line_edit
from gui.widgets.labels import muted_label, text_label
from gui.widgets.panel import row
from gui.widgets.secret_field import SecretField

_PORT_WIDTH = 72
_TEXT = "A backup needs a user that can read the tables, a restore one that can create tables."
_DEMO_TEXT = (
    "The demo has no database server: enter one that this computer can reach. Its backups are "
    "written to the bucket of the demo."
)
_STORED = "The password is stored when the login has succeeded, and never with the settings."
_NOT_STORED = "The password stays in memory until the program ends."
_FOR_LATER = (
    "The password stays in memory until the program ends. To use it again later, store the "
    "address and password in a secret and choose “From a secret…”."
)
#: What is in no host name or address. The part of a URL that is not typed completely has some of
#: it.
_NO_HOST = re.compile(r"[\s/@?#]|://")


class ServerForm(QWidget):
    """The fields of a login to a database server; a URL in the field of the host fills them.

    Signals:
        changed: a field was changed.
    """

    changed = Signal()

    def __init__(self, login: ServerLogin | None = None) -> None:
        super().__init__()
        self.engine = combo_box("Database engine")
        for kind in SERVER_KINDS:
            self.engine.addItem(kind.title)
        self.host = _line("Host", "db.example.com, or a URL")
        self.port = _line("Port")
        self.port.setFixedWidth(_PORT_WIDTH)
        self.port.setValidator(QIntValidator(1, 65_535, self.port))
        self.database = _line("Database", "trading")
        self.user = _line("User", "backup")
        self.password = SecretField("Password", copyable=False)
        self.tls = combo_box("TLS")
        for level, text in TLS_LEVELS:
            self.tls.addItem(text, level)
        self.authority = _line("File of the certificate authority", "that of the system")
        self._usual_port, self._length = "", 0
        self._lay_out()
        self._set_kind(self.kind)
        if login is not None:
            self._fill(login)
        self._connect()
        self._on_tls()

    def _lay_out(self) -> None:
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(16)
        self._form.setVerticalSpacing(8)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for title, field in (
            ("Engine", self.engine),
            ("Host", row(self.host, text_label("Port", "muted"), self.port)),
            ("Database", self.database),
            ("User", self.user),
            ("Password", self.password),
            ("TLS", self.tls),
            ("CA certificate", self.authority),
        ):
            self._form.addRow(text_label(title, "muted"), field)

    def _connect(self) -> None:
        self.engine.currentIndexChanged.connect(self._on_engine)
        self.tls.currentIndexChanged.connect(self._on_tls)
        self.host.textEdited.connect(self._on_host_edited)
        self.host.editingFinished.connect(self._use_url)
        for line in (self.host, self.port, self.database, self.user, self.password.line):
            line.textChanged.connect(self._on_changed)

    def _fill(self, login: ServerLogin) -> None:
        _choose(self.engine, SERVER_KINDS.index(login.kind))
        self._set_kind(login.kind)
        self.host.setText(login.host)
        self.port.setText(str(login.port))
        self.database.setText(login.database)
        self.user.setText(login.user)
        _choose(self.tls, self.tls.findData(login.tls))
        self.authority.setText(login.authority)

    @property
    def kind(self) -> ServerKind:
        """The chosen kind of server."""
        return SERVER_KINDS[self.engine.currentIndex()]

    @property
    def login(self) -> ServerLogin:
        """The login from the fields; it may not be complete yet."""
        return ServerLogin(
            self.kind,
            self.host.text().strip(),
            int(self.port.text() or self.kind.port),
            self.database.text().strip(),
            self.user.text().strip(),
            self.tls.currentData(),
            self.authority.text().strip(),
        )

    @property
    def secret(self) -> Secret:
        """The password."""
        return self.password.value

    @property
    def problem(self) -> str:
        """What is missing; empty if the form is complete."""
        host = self.host.text().strip()
        checks = (
            (host, "Enter the host name or IP address of the server."),
            (_url_in(host) is None, "Press Tab or Enter to fill in the form from the URL."),
            (not _NO_HOST.search(host), "Enter a host name or IP address only, or a complete URL."),
            (host.count(":") != 1, "Enter the port in its own field."),
            (self.port.hasAcceptableInput(), "Enter a port from 1 to 65535."),
            (self.database.text().strip(), "Enter the name of the database."),
            (self.user.text().strip(), "Enter the name of the database user."),
        )
        return next((text for valid, text in checks if not valid), "")

    def _on_host_edited(self, text: str) -> None:
        """Use a URL as soon as it is pasted; one that is typed grows by single characters."""
        pasted = len(text) - self._length > 1
        self._length = len(text)
        if pasted:
            self._use_url()

    def _use_url(self) -> None:
        """Fill the form from a URL in the field of the host, which must not show its password."""
        found = _url_in(self.host.text())
        if found is None:
            return
        login, password = found
        self._fill(login)
        self._length = len(login.host)
        if password:
            self.password.set_value(password)
        self.changed.emit()

    def _set_kind(self, kind: ServerKind) -> None:
        """Show the usual port of a kind of server, unless another one was entered, and its file."""
        self.password.line.setPlaceholderText(f"that of {kind.password_file}, if it has one")
        if self.port.text() == self._usual_port:
            self.port.setText(str(kind.port))
        self._usual_port = str(kind.port)

    def _on_engine(self, *_index: object) -> None:
        self._set_kind(self.kind)
        self.changed.emit()

    def _on_tls(self, *_index: object) -> None:
        self._form.setRowVisible(self.authority, self.tls.currentData() == VERIFY)
        self.changed.emit()

    def _on_changed(self, *_text: object) -> None:
        self.changed.emit()


class ServerDialog(Dialog):
    """Stays open until the login has succeeded; errors are shown in it.

    Args:
        parent: the view that opens the dialog.
        context: runs the login in a worker thread.
        then: called with the successful login.
        url: fills the form, except the password; empty for an empty form.
        demo: whether the current connection is the demo, which has no database server.
    """

    def __init__(
        self,
        parent: QWidget | None,
        context: Context,
        then: Callable[[LoggedIn], object],
        *,
        url: str = "",
        demo: bool = False,
    ) -> None:
        super().__init__(
            parent, "Open a database server", f"{_DEMO_TEXT} {_TEXT}" if demo else _TEXT, width=540
        )
        self._context, self._then = context, then
        self._task: Task | None = None
        self.banner = Banner(self)
        self.form = ServerForm(login_of(url) if url else None)
        self.store = QCheckBox("Store the password in the keyring")
        self.store.setChecked(True)
        self.note = muted_label(_STORED, wrap=True)
        self.reason = text_label("", "muted", wrap=True)
        self.go = primary_button("Log in and open", self._on_go)
        self.go.setDefault(True)
        self.cancel = plain_button("Cancel", self.reject)
        for part in (self.form, self.store, self.note, self.reason):
            self.body.addWidget(part)
        self.add_buttons(self.cancel, self.go)
        self.form.changed.connect(self._update)
        self.form.tls.currentIndexChanged.connect(self.fit)  # a field appears or disappears
        self.store.toggled.connect(self._on_store)
        self.rejected.connect(self._stop)
        self._update()
        (self.form.password.line if url else self.form.host).setFocus()
        self._check_keyring()

    def _check_keyring(self) -> None:
        self._context.runner.run(
            "Check the keyring",
            lambda _work: keyring_state(),
            owner=self,
            then=self._on_keyring,
            quiet=True,
        )

    def _on_keyring(self, state: VaultState) -> None:
        if not state.usable:
            self._refuse_store(state.reason)

    def _refuse_store(self, reason: str) -> None:
        """Show why the password cannot be stored, and what to use instead."""
        self.store.setChecked(False)
        allow_field(self.store, allowed=False, reason=reason)
        self.note.setText(f"The keyring cannot be used. {reason} {_FOR_LATER}")
        self.fit()

    def _on_store(self, store: bool) -> None:
        self.note.setText(_STORED if store else _NOT_STORED)

    def _update(self) -> None:
        running = self._task is not None
        reason = "Logging in…" if running else self.form.problem
        self.reason.setText(reason)
        self.go.allow(not reason, reason)

    def _on_go(self) -> None:
        if self._task is not None or self.form.problem:
            return
        login, password, store = self.form.login, self.form.secret, self.store.isChecked()
        self.banner.clear()
        self._task = self._context.runner.run(
            f"Log in to {login.database} on {login.host}",
            lambda work: log_in(login, password, store=store, work=work),
            owner=self,
            then=self._on_logged_in,
            failed=self._on_failed,
        )
        self._update()

    def _on_logged_in(self, result: LoggedIn) -> None:
        self.accept()
        self._then(result)

    def _on_failed(self, error: StorageError) -> None:
        self._task = None
        self._update()
        if isinstance(error, KeyringError):
            self._refuse_store(f"{error.summary}. {error.cause}")
        self.banner.show_error(error)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()


def _url_in(text: str) -> tuple[ServerLogin, Secret] | None:
    """Return the login and the password of a complete URL of a server; None for other texts."""
    return login_and_password(text) if "://" in text else None


def _choose(box: QComboBox, index: int) -> None:
    box.setCurrentIndex(index)


def _line(what: str, hint: str = "") -> QLineEdit:
    field = line_edit(what, hint)
    field.setFont(theme.mono_font())
    return field
