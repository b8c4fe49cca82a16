"""How long the session's temporary keys are good; a press opens a fresh session."""

from __future__ import annotations

from PySide6.QtCore import QTimer

from core.model.connection import Identity
from core.units import format_duration, utc_now
from gui.context import Context
from gui.widgets.buttons import Button
from gui.widgets.labels import repolish

_AMBER_SECONDS = 600
#: While the end is near, AWS's library may renew a session by itself: look this often.
_LOOK_SECONDS = 60


class SessionClock(Button):
    """A chip in the header: neutral, amber in the last ten minutes, then 'session ended'."""

    def __init__(self, context: Context) -> None:
        super().__init__("", kind="plain")
        self._context = context
        self._looked = 0.0
        self.setProperty("chip", "neutral")
        self.setAccessibleName("Session")
        self.clicked.connect(context.renewal_wanted)
        self._clock = QTimer(self)
        self._clock.timeout.connect(self.tick)
        context.identity_changed.connect(self._on_identity)
        self._on_identity(context.identity)

    def tick(self) -> None:
        """Show the time that is left now."""
        identity = self._context.identity
        if identity is None or identity.expires is None:
            return
        left = (identity.expires - utc_now()).total_seconds()
        self._show(left)
        self._clock.start(1_000 if left < _LOOK_SECONDS else 5_000)
        if left < _AMBER_SECONDS:
            self._look(left)
        if left <= 0:
            self._clock.stop()

    def _on_identity(self, identity: Identity | None) -> None:
        if identity is None:  # being asked for: an ended session stays told until it is renewed
            self.setVisible(self._context.workspace is not None and not self.isHidden())
            self._clock.stop()
            return
        self.setVisible(identity.expires is not None)
        self._looked = 0.0
        self.tick() if identity.expires is not None else self._clock.stop()

    def _show(self, left: float) -> None:
        if left <= 0:
            text, tone, hint = "session ended · Refresh", "danger", "The temporary keys have ended."
        else:
            words = format_duration(left)
            short = words if left < 60 else words.partition(" min")[0] + " min"
            tone = "warning" if left < _AMBER_SECONDS else "neutral"
            text, hint = f"session {short} left", "Temporary keys."
        self.setText(text)
        self.setAccessibleName(text.replace(" · ", ": "))
        self.set_hint(f"{hint} Press to open a fresh session; what runs goes on.")
        if self.property("chip") != tone:
            self.setProperty("chip", tone)
            repolish(self)

    def _look(self, left: float) -> None:
        """Ask once a minute whether the keys were renewed meanwhile; failing is no news."""
        workspace, now = self._context.workspace, utc_now().timestamp()
        if workspace is None or (now - self._looked < _LOOK_SECONDS and left > 0):
            return
        self._looked = now
        self._context.runner.run(
            "Look at the session",
            lambda work: workspace.identity(work=work),
            owner=self,
            then=self._on_looked,
            latest="session",
            quiet=True,
        )

    def _on_looked(self, identity: Identity) -> None:
        known = self._context.identity
        if known is not None and identity.expires != known.expires:
            self._context.set_identity(identity)
