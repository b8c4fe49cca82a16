"""The chip that shows how long temporary keys are valid and starts a new session."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from core.model.identity import Identity
from core.units import format_minutes, utc_now
from core.workspace import Workspace
from gui.clock import follow_time
from gui.context import Context
from gui.widgets.buttons import Button
from gui.widgets.labels import repolish

#: Seconds before the end of a session from which the clock warns.
_WARNING_SECONDS = 600
#: Seconds between checks near the expiry, since the AWS library may renew a session itself.
_CHECK_SECONDS = 60


class SessionClock(Button):
    """A chip in the header: neutral, amber in the last ten minutes, then 'session expired'.

    Temporary keys without a known expiry are shown as 'session expiry unknown'.
    """

    def __init__(self, context: Context) -> None:
        super().__init__("", kind="plain")
        self._context = context
        self._checked: datetime | None = None
        self.setProperty("chip", "neutral")
        self.setAccessibleName("Session")
        self.clicked.connect(context.renewal_wanted)
        context.identity_changed.connect(self._on_identity)
        follow_time(self, self.tick)
        self._on_identity(context.identity)

    def tick(self) -> None:
        """Show the remaining time."""
        identity = self._context.identity
        if identity is None or identity.expires is None:
            return
        left = (identity.expires - utc_now()).total_seconds()
        self._show_left(left)
        if left < _WARNING_SECONDS:
            self._check_renewal(ended=left <= 0)

    def _on_identity(self, identity: Identity | None) -> None:
        if identity is None:  # an expired session is shown until it is renewed
            self.setVisible(self._context.workspace is not None and not self.isHidden())
            return
        self._checked = None
        self.setVisible(identity.expires is not None or not identity.expiry_known)
        if not identity.expiry_known:
            self._set(
                "session expiry unknown",
                "neutral",
                "Temporary keys; their expiry is unknown.",
            )
        self.tick()

    def _show_left(self, left: float) -> None:
        if left <= 0:
            self._set(
                "session expired · Refresh",
                "danger",
                "The temporary keys have expired.",
                spoken="session expired: Refresh",
            )
            return
        # Without seconds: a number that changes every second would draw attention all the time.
        text = f"session {format_minutes(left)} left"
        tone = "warning" if left < _WARNING_SECONDS else "neutral"
        self._set(text, tone, "Temporary keys.")

    def _set(self, text: str, tone: str, hint: str, *, spoken: str = "") -> None:
        if text == self.text():
            return
        self.setText(text)
        self.setAccessibleName(spoken or text)
        self.set_hint(f"{hint} Press to start a new session; running tasks continue.")
        if self.property("chip") != tone:
            self.setProperty("chip", tone)
            repolish(self)

    def _check_renewal(self, *, ended: bool) -> None:
        """Check once a minute whether the keys were renewed; failures are ignored.

        After the expiry there is one more check; then the user has to act.
        """
        workspace, now = self._context.workspace, utc_now()
        identity = self._context.identity
        if workspace is None or identity is None or identity.expires is None:
            return
        last = self._checked
        recent = last is not None and (now - last).total_seconds() < _CHECK_SECONDS
        if recent or (ended and last is not None and last >= identity.expires):
            return
        self._checked = now
        self._context.runner.run(
            "Check whether the session was renewed",
            lambda work: workspace.identity(work=work),
            owner=self,
            then=partial(self._on_answer, workspace),
            latest="session",
            quiet=True,
        )

    def _on_answer(self, workspace: Workspace, identity: Identity) -> None:
        known = self._context.identity
        same = workspace is self._context.workspace  # another profile may have been opened since
        if same and known is not None and identity.expires != known.expires:
            self._context.set_identity(identity)
