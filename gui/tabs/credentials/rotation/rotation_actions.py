"""The actions on rotations: show the plan, start, resume, undo, and skip a grace period."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFormLayout, QLineEdit, QWidget

from core.errors import NotFound, StorageError
from core.links.ledger import warning_of_links_ending_with
from core.model.rotation import (
    Outcome,
    Rotation,
    RotationPlan,
    RotationTiming,
    Step,
)
from core.model.secret_names import field_value
from core.redaction import Secret
from core.rotation.service import Rotator
from core.rotation.step_texts import undo_effect
from core.rotation.strategies import strategy_of
from core.units import format_age, format_counted, format_moment, utc_now
from core.work import Work
from core.workspace import Workspace
from gui.dialogs.confirm import ask
from gui.tabs.base import Tab
from gui.tabs.credentials.rotation.rotation_pane import RotationPane
from gui.tasks import Task
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.labels import mono_label, shown
from gui.widgets.secret_field import GuardedLine

_ORIGIN = "Rotation"
_NEW_VALUES_TEXT = (
    "Create the new key pairs at the exchange first, then paste them here. A field that is empty "
    "does not change its value. Whether the exchange accepts them cannot be tested here."
)
Act = Callable[[Rotator, Work], Rotation]
#: The name of a profile and that of a secret.
Place = tuple[str, str]


class NewValues(Dialog):
    """The form for new values that the user pastes, for example key pairs of an exchange.

    Args:
        parent: the view that opens the dialog.
        secret: the name of the secret.
        fields: the keys whose values are rotated; each gets a hidden field.
        then: called with the values that were entered, by key.
    """

    def __init__(
        self,
        parent: QWidget,
        secret: str,
        fields: Sequence[str],
        then: Callable[[Mapping[str, Secret]], object],
    ) -> None:
        super().__init__(parent, f"New values of {shown(secret)}", _NEW_VALUES_TEXT, width=520)
        self._then = then
        self.fields = {name: self._field(name) for name in fields}
        self.go = primary_button("Start rotation", self.accept)
        form = QFormLayout()
        form.setVerticalSpacing(8)
        for name, field in self.fields.items():
            form.addRow(mono_label(shown(name)), field)
        self.body.addLayout(form)
        self.add_buttons(plain_button("Cancel", self.reject), self.go)
        self._update()

    def accept(self) -> None:
        """Pass on the values and clear the form, so that no copy stays in the widgets."""
        values = {
            n: field_value(n, field.text()) for n, field in self.fields.items() if field.text()
        }
        for field in self.fields.values():
            field.clear()
        super().accept()
        self._then(values)

    def _field(self, name: str) -> GuardedLine:
        field = GuardedLine()
        field.setEchoMode(QLineEdit.EchoMode.Password)
        field.setAccessibleName(name)
        field.textChanged.connect(self._update)
        return field

    def _update(self) -> None:
        filled = any(field.text() for field in self.fields.values())
        self.go.allow(filled, "Paste at least one new value.")


class RotationActions(QObject):
    """Runs rotations; one is shown at a time, and it continues while it is hidden.

    Signals:
        opened: show the rotation view of a secret.
        changed: the name of a secret whose value or versions have changed.
    """

    opened = Signal(str)
    changed = Signal(str)

    def __init__(self, tab: Tab, pane: RotationPane) -> None:
        super().__init__(tab)
        self._tab, self._pane = tab, pane
        self.timing = RotationTiming()
        self.secret = ""
        # By profile and secret, since the secrets of several accounts have the same names. Only one
        # step of a secret runs at a time, and rotations of several secrets may overlap.
        self._tasks: dict[Place, Task] = {}
        self._latest: dict[Place, Rotation] = {}
        pane.start_clicked.connect(self._on_start)
        pane.resume_clicked.connect(self._on_resume)
        pane.due.connect(self._on_due)
        pane.undo_clicked.connect(self._on_undo)
        pane.stop_clicked.connect(self._on_stop)
        pane.now_clicked.connect(self._on_now)
        pane.again_clicked.connect(lambda: self.open(self.secret))

    # Showing

    def clear(self) -> None:
        """Show no rotation, since another connection is in force; a running one continues."""
        self.secret = ""
        self._pane.show_nothing()

    def show_unfinished(self) -> None:
        """Show in the tab's banner which rotations were interrupted or can continue."""
        rotator_of = self._rotator
        workspace = self._workspace()
        self._tab.run(
            "Find unfinished rotations",
            lambda work: rotator_of(workspace).unfinished_here(work=work),
            self._on_unfinished,
            latest="credentials/unfinished",
            quiet=True,
        )

    def open(self, secret: str) -> None:
        """Show the unfinished rotation of a secret, or the plan of a new one."""
        self.secret = secret
        self.opened.emit(secret)
        self._pane.steps.setFocus()  # Tab goes to its buttons next
        place = self._place(secret)
        if place in self._tasks:
            if place in self._latest:
                self._pane.show_rotation(self._latest[place], busy=True)
            else:
                self._pane.show_loading(secret)
                self._pane.set_busy(busy=True)
            return
        self._load(secret)

    def _load(self, secret: str) -> None:
        self._pane.set_busy(busy=False)
        self._pane.show_loading(secret)
        workspace, rotator_of = self._workspace(), self._rotator

        def find_or_plan(work: Work) -> Rotation | tuple[RotationPlan, tuple[str, ...]]:
            rotator = rotator_of(workspace)
            try:
                return rotator.find(secret, work=work)
            # No rotation of this secret is unfinished.
            except NotFound:
                plan = rotator.plan(secret, work=work)
            return plan, warning_of_links_ending_with(plan.facts.old_key_id)

        self._tab.run(
            f"Plan the rotation of {secret}",
            find_or_plan,
            self._on_found,
            failed=self._pane.show_failed,
            latest="credentials/rotation-plan",
            quiet=True,
        )

    def _on_found(self, found: Rotation | tuple[RotationPlan, tuple[str, ...]]) -> None:
        if isinstance(found, Rotation):
            self._latest[self._place(found.secret)] = found
            self._pane.show_rotation(found, busy=False)
        else:
            self._pane.show_plan(*found)

    def _on_unfinished(self, rotations: tuple[Rotation, ...]) -> None:
        idle = [each for each in rotations if self._place(each.secret) not in self._tasks]
        if not idle:
            return
        # The banner has room for one; the others can be opened from their secrets.
        rotation = idle[-1]
        show = ("Show", lambda: self.open(rotation.secret))
        if rotation.outcome is Outcome.WAITING and rotation.due and rotation.due > utc_now():
            when = format_moment(rotation.due)
            self._tab.banner.show_info(
                f"The rotation of {rotation.secret} is waiting: the old key is retained until {when}.",
                action=show,
            )
            return
        self._tab.banner.show_warning(
            f"A rotation of {rotation.secret} is not finished",
            f"It was started {format_age(rotation.started)}. Resume it or undo it.",
            action=show,
        )

    # Actions

    def _on_start(self) -> None:
        plan = self._pane.plan
        if plan is None:
            return
        if plan.fields:
            dialog = NewValues(self._tab, plan.secret, plan.fields, self._start)
            dialog.open()
            return
        self._start(None)

    def _start(self, values: Mapping[str, Secret] | None) -> None:
        secret, keep = self.secret, self._pane.keep_copies
        self._work(
            "rotation.start",
            secret,
            lambda rotator, work: rotator.start(secret, values=values, keep_copies=keep, work=work),
        )

    def _on_resume(self) -> None:
        """Resume; values that a person enters are only in memory until they are staged."""
        rotation, rotator_of, workspace = self._shown, self._rotator, self._workspace()
        if not strategy_of(rotation.kind).values_entered or rotation.finished(Step.STAGE):
            self._resume(frozenset())
            return
        self._tab.run(
            f"Read the fields of {rotation.secret}",
            lambda work: rotator_of(workspace).fields_of(rotation.secret, work=work),
            lambda fields: NewValues(
                self._tab, rotation.secret, fields, partial(self._resume, frozenset())
            ).open(),
            failed=self._pane.show_failed,
            latest="credentials/rotation-fields",
            quiet=True,
        )

    def _resume(self, now: frozenset[Step], values: Mapping[str, Secret] | None = None) -> None:
        rotation = self._shown
        self._work(
            "rotation.resume",
            rotation.secret,
            lambda rotator, work: rotator.resume(rotation, values=values, now=now, work=work),
            rotation,
        )

    def _on_due(self) -> None:
        """Continue automatically after the grace period, unless writing is locked."""
        place = self._place(self.secret)
        known = place in self._latest and place not in self._tasks
        if known and not self._tab.context.read_only:
            self._resume(frozenset())

    def _on_undo(self) -> None:
        rotation = self._shown
        ask(
            self._tab,
            f"Undo the rotation of {rotation.secret}?",
            undo_effect(rotation),
            lambda: self._work(
                "rotation.undo",
                rotation.secret,
                lambda rotator, work: rotator.undo(rotation, work=work),
                rotation,
            ),
            button="Undo the rotation",
        )

    def _on_stop(self) -> None:
        task = self._tasks.get(self._place(self.secret))
        if task is not None:
            task.cancel()

    def _on_now(self, step: Step) -> None:
        rotation = self._shown
        key = rotation.facts.old_key_id
        waiting = rotation.step(step).detail
        if step is Step.DELETE:
            text = f"Key {key} of {rotation.facts.user} cannot be restored."
            typed, title, button = key, f"Delete key {key}?", "Delete the key"
        else:
            text = "Programs that still use it are denied access. It can be activated again."
            typed, title, button = None, f"Deactivate key {key} now?", "Deactivate now"
        sentences = (text, f"{waiting}.", self._transfer_warning(key))
        ask(
            self._tab,
            title,
            " ".join(each for each in sentences if each),
            lambda: self._resume(frozenset({step})),
            button=button,
            danger=True,
            typed=typed,
        )

    def _transfer_warning(self, key_id: str) -> str:
        """Return a warning if transfers of this window are running with a key."""
        workspace = self._tab.context.workspace
        keys = workspace.connection.keys if workspace else None
        count = len(self._tab.context.runner.bulk_running)
        if not count or keys is None or keys.access_key_id != key_id:
            return ""
        return f"It is still used by {format_counted(count, 'transfer')} of this window."

    def _work(self, operation: str, secret: str, act: Act, former: Rotation | None = None) -> None:
        place = self._place(secret)
        if place in self._tasks:  # a step of this secret is already running
            return
        opened, rotator_of = self._workspace(), self._rotator
        connection = opened.connection
        watcher = self._tab.context.connection_state.watcher()
        self._pane.set_busy(busy=True)

        def run(work: Work) -> Rotation:
            # Separate clients: another profile may be selected while it runs.
            workspace = Workspace(connection)
            workspace.clients.watch(watcher)
            try:
                return act(rotator_of(workspace), work)
            finally:
                workspace.close()

        task = self._tab.run(
            f"Rotate {secret}",
            run,
            lambda rotation: self._on_ended(secret, rotation),
            failed=lambda error: self._on_failed(secret, error),
            batch=self._on_state,
            call=self._tab.call(operation, origin=_ORIGIN, rotation=former),
        )
        self._tasks[place] = task
        task.changed.connect(partial(self._on_task, place, opened, task))

    def _on_task(self, place: Place, opened: Workspace, task: Task) -> None:
        """Handle the end of a rotation, even of another connection or a cancelled task.

        A rotation that is stopped during a step ends with a result; one that is cancelled earlier
        has changed nothing.
        """
        if task.running or self._tasks.get(place) is not task:
            return
        del self._tasks[place]
        if place != self._place(self.secret):
            return
        if task.state == "cancelled":
            self._pane.show_stopped()
        elif opened is not self._tab.context.workspace:
            self._load(self.secret)  # the profile was left in the meantime: nothing was reported

    def _on_state(self, rotation: Rotation) -> None:
        self._latest[self._place(rotation.secret)] = rotation
        if rotation.secret == self.secret:
            self._pane.show_rotation(rotation, busy=True)

    def _on_ended(self, secret: str, rotation: Rotation) -> None:
        self._latest[self._place(secret)] = rotation
        if secret == self.secret:
            self._pane.show_rotation(rotation, busy=False)
        self.changed.emit(secret)
        self._switch(rotation)

    def _on_failed(self, secret: str, error: StorageError) -> None:
        if secret == self.secret:
            self._pane.show_failed(error)

    def _switch(self, rotation: Rotation) -> None:
        """Reconnect when the keys of the current profile were replaced."""
        context = self._tab.context
        profile = context.workspace.profile if context.workspace else None
        if profile is None or not rotation.finished(Step.SWITCH):
            return
        used = profile.access_key_id == rotation.facts.old_key_id
        if used and profile.name in rotation.facts.switched:
            context.switch_profile(profile.name)

    @property
    def _shown(self) -> Rotation:
        return self._latest[self._place(self.secret)]

    def _place(self, secret: str) -> Place:
        workspace = self._tab.context.workspace
        return (workspace.profile.name if workspace else "", secret)

    def _rotator(self, workspace: Workspace) -> Rotator:
        return workspace.rotator(self._tab.context.connections, timing=self.timing)

    def _workspace(self) -> Workspace:
        return self._tab.context.require_workspace()
