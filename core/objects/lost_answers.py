"""Requests that were sent and whose answers never came, so that only the server knows their effect.

A cancel, a lost connection and a time-out all leave such requests, and so does a request that was
repeated: the first attempt may have taken effect as well. An undo inspects their objects.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from core.effects import counting_attempts
from core.errors import CONNECTION_KINDS, TRANSIENT_KINDS, ErrorKind, StorageError
from core.units import format_count, format_counted
from core.work import Work

#: Kinds of errors that end an action in the middle, and refuse nothing.
INTERRUPTIONS = CONNECTION_KINDS | TRANSIENT_KINDS | {ErrorKind.CANCELLED}
#: How much a time of the server may differ from the expected one, in seconds: S3's times have no
#: fractions of a second, and neither has the one by which the clocks are compared.
_MARGIN_SECONDS = 3.0
#: How long after a request was given up a server may still carry it out, in seconds. A change that
#: comes later is left alone: it may be that of another client.
_LATE_SECONDS = 15.0
#: How long a server gets to carry out what was given up just now before its effect is inspected, in
#: seconds.
_SETTLING_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class LostAnswers:
    """The requests for one change of one object whose answers never came.

    Attributes:
        number: how many; each may have taken effect.
        first: when the first was sent, in seconds since the epoch by the clock of this computer.
        last: when the last was given up, likewise.
    """

    number: int
    first: float
    last: float

    def explains(self, moment: datetime, ahead: float) -> bool:
        """Return whether one of the requests may have made a change at a moment.

        Args:
            moment: the time of the change, aware, by the server's clock.
            ahead: by how many seconds the server's clock is ahead of this computer's.
        """
        here = moment.astimezone(UTC).timestamp() - ahead
        return self.first - _MARGIN_SECONDS <= here <= self.last + _LATE_SECONDS

    def joined(self, later: LostAnswers | None) -> LostAnswers:
        """Return these requests together with later ones for the same change."""
        if later is None:
            return self
        return LostAnswers(self.number + later.number, self.first, later.last)


def settle(lost: Iterable[LostAnswers | None], work: Work) -> None:
    """Wait until the effect of requests can be inspected, which may have been given up just now.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    newest = max((each.last for each in lost if each is not None), default=0.0)
    # Never longer: the clock may have been set back in the meantime.
    seconds = min(newest + _SETTLING_SECONDS - time.time(), _SETTLING_SECONDS)
    if seconds > 0:
        work.token.wait(seconds)


def unanswered_text(deletions: int, copies: int = 0) -> str:
    """Return for example `2 deletions and 1 copy were not answered`; empty if there is none."""
    texts = [format_counted(deletions, "deletion")] if deletions else []
    texts += [f"{format_count(copies)} {'copy' if copies == 1 else 'copies'}"] if copies else []
    verb = "was" if deletions + copies == 1 else "were"
    return f"{' and '.join(texts)} {verb} not answered" if texts else ""


class SentRequests:
    """Notes the requests for one change whose answers never came, over all of its attempts."""

    def __init__(self, operations: Collection[str]) -> None:
        """Note requests of these operations, by AWS's names."""
        self._operations = operations
        self.lost: LostAnswers | None = None

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Send the requests of one attempt in the block.

        If the block is interrupted after the server has confirmed the change, that answer counts as
        lost, too, since the caller does not get it.
        """
        began, interrupted = time.time(), False
        with counting_attempts(self._operations) as attempts:
            try:
                yield
            except StorageError as error:
                interrupted = error.kind in INTERRUPTIONS
                raise
            finally:
                if number := attempts.unknown + (interrupted and attempts.made):
                    before = self.lost or LostAnswers(0, began, began)
                    self.lost = LostAnswers(before.number + number, before.first, time.time())
