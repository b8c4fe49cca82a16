"""Continuation of a database password rotation that was interrupted elsewhere.

Between the change in the database and the promotion, the pending version contains the only valid
password. Then it must not be discarded, but the rotation can be continued here.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from core.errors import Cancelled, StorageError
from core.model.rotation import RotationKind, Step, StepRecord, StepState
from core.redaction import Secret
from core.rotation.databases import login_for
from core.rotation.databases.login import DatabaseLogin, accepted
from core.rotation.strategies import steps_of
from core.rotation.strategies.database import PASSWORD
from core.secrets import secret_text
from core.work import Work


class PendingAccepted(Enum):
    """Whether a database accepts a pending password, and no longer the current one."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


def is_database(text: Secret) -> bool:
    """Return whether the text of a secret describes the login of a supported database."""
    return _login(text) is not None


def pending_accepted(current: Secret, pending: Secret, work: Work) -> PendingAccepted:
    """Test both passwords; the result is unknown if this is not possible."""
    now, new = _login(current), _login(pending)
    if now is None or new is None:
        return PendingAccepted.NO
    try:
        # The current password first: if it works, the pending one was never set.
        if accepted(now[0], now[1], work):
            return PendingAccepted.NO
        return PendingAccepted.YES if accepted(new[0], new[1], work) else PendingAccepted.NO
    except Cancelled:
        raise
    except StorageError:
        return PendingAccepted.UNKNOWN


def adopted_steps(begun: datetime) -> tuple[StepRecord, ...]:
    """Return the steps of a rotation that may already have changed the password in the database."""
    states = {
        Step.PREFLIGHT: StepState.DONE,
        Step.STAGE: StepState.DONE,
        Step.APPLY: StepState.RUNNING,  # so that undoing it sets the old password back
    }
    detail = "started before; continued here"
    return tuple(
        StepRecord(step, states[step], begun, begun, detail) if step in states else StepRecord(step)
        for step in steps_of(RotationKind.DATABASE)
    )


def _login(text: Secret) -> tuple[DatabaseLogin, Secret] | None:
    try:
        values = secret_text.parsed("", text.reveal())
        password = values.get(PASSWORD)
        if not (isinstance(password, str) and password and {"host", "username"} <= set(values)):
            return None
        # An unsupported engine or a malformed address is no login: its password is then not tested.
        return login_for(values), Secret(password)
    except StorageError:
        return None
