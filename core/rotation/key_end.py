"""When a rotation that has begun will deactivate an access key."""

from __future__ import annotations

from datetime import datetime

from core.model.rotation import Outcome, Step
from core.rotation.journal import RotationJournal
from core.units import utc_now


def planned_key_end(access_key_id: str, journal: RotationJournal | None = None) -> datetime | None:
    """Return when a rotation deactivates a key that it has replaced; None without such a rotation.

    Only rotations that were begun on this machine are known. A stopped rotation that has replaced
    the key deactivates it as soon as it is resumed.

    Args:
        access_key_id: the access key.
        journal: where the rotations are recorded; by default the user's state database.

    Raises:
        LocalIOError: the journal cannot be read.
    """
    for rotation in (journal or RotationJournal()).read():
        if (
            rotation.facts.old_key_id == access_key_id
            and rotation.outcome in {Outcome.WAITING, Outcome.STOPPED, Outcome.RUNNING}
            and rotation.finished(Step.PROMOTE)
            and not rotation.finished(Step.DEACTIVATE)
        ):
            return rotation.due or utc_now()
    return None
