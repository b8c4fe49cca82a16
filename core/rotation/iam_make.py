"""Making the new access key: by one request at a time, and never a third key.

When the answer of CreateAccessKey is lost, a key may be there whose secret nobody will ever see.
Since AWSPENDING is taken before, no other rotation makes keys for this secret meanwhile: a key that
was not there at the beginning, is younger than the rotation and was never used is such an orphan.
It is deleted before another one is asked for. Before a key was asked for, a new one is somebody's. Once AWSPENDING is not ours any more, nothing but the
key whose id is known counts as ours: a young key may be that of the rotation that came next.
"""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta

from core.aws.clients import ClientFactory
from core.errors import Conflict, LimitExceeded, StorageError
from core.model.connection import AccessKeys
from core.model.rotation import Patience, Rotation, Step
from core.rotation import iam_keys, stages
from core.rotation.iam_keys import KeyInfo
from core.rotation.iam_secret import read_secret
from core.rotation.strategy import before_any_change
from core.work import Work

_ATTEMPTS = 3
#: How far IAM's clock and ours may differ before a key counts as older than the rotation.
_SKEW = timedelta(minutes=5)


class KeyMaker:
    """Makes the key of one rotation; `keys` holds it, in memory only, until it is stored."""

    def __init__(self, patience: Patience) -> None:
        self._pause = patience.pause
        self.keys: AccessKeys | None = None

    def make(self, clients: ClientFactory, rotation: Rotation, work: Work) -> str:
        """Delete what a lost answer left behind, make one key, and return its id.

        Raises:
            Conflict: the user has a second key that is in use, or older than the rotation.
            StorageError: IAM refused.
        """
        requested = _requested_before(rotation)
        with nullcontext() if requested else before_any_change():
            _delete_orphan_keys(clients, rotation, work, asked=requested)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self.keys = iam_keys.create_key(clients, rotation.facts.user, work)
            except StorageError as error:
                requested = requested or error.retryable
                full = isinstance(error, LimitExceeded)  # of our own key, if one was asked for
                if attempt == _ATTEMPTS or not (requested and (full or error.retryable)):
                    self._tidy(clients, rotation, work, asked=requested)
                    raise
            else:
                break
            work.token.wait(self._pause)  # a listing may lag behind a key that was just made
            _delete_orphan_keys(clients, rotation, work, asked=requested)
        assert self.keys is not None
        return self.keys.access_key_id

    def _tidy(self, clients: ClientFactory, rotation: Rotation, work: Work, *, asked: bool) -> None:
        """Leave no orphan behind a failure; when that fails too, the next run does it."""
        try:
            _delete_orphan_keys(clients, rotation, work, asked=asked)
        except StorageError:
            return


def _delete_orphan_keys(
    clients: ClientFactory, rotation: Rotation, work: Work, *, asked: bool
) -> None:
    """Delete the keys that this rotation made and nobody can use, while AWSPENDING is ours.

    Args:
        clients: an administrator's.
        rotation: whose keys.
        work: cancel token.
        asked: whether a key was asked for of which nothing is known.

    Raises:
        Conflict: there is a new key that it did not make: it is older than the rotation, or it
            is in use though its secret was never stored.
        Overtaken: AWSPENDING is not ours any more.
    """
    stages.check_claimed(clients, rotation, work)
    facts = rotation.facts
    for key in _new_keys(clients, rotation, work):
        ours = key.id == facts.new_key_id or (asked and _is_orphan(clients, rotation, key, work))
        if not ours:
            raise Conflict(
                f"{facts.user} has another new access key",
                cause=f"Key {key.id} is in use or was not made by this rotation.",
                remedy="Find out who made it; deactivate and delete it if nobody needs it, "
                "then resume. Or undo the rotation: that leaves the key alone.",
                subject=facts.user,
            )
        iam_keys.delete_key(clients, facts.user, key.id, work)


def take_back(clients: ClientFactory, rotation: Rotation, except_key: str, work: Work) -> None:
    """Delete what this rotation made, for an undo; keys of others, and `except_key`, are left alone."""
    facts = rotation.facts
    own = {facts.new_key_id, _staged_key(clients, rotation, work)}
    requested = _was_requested(rotation) and stages.is_claimed(clients, rotation, work)
    for key in _new_keys(clients, rotation, work):
        ours = key.id in own or (requested and _is_orphan(clients, rotation, key, work))
        if ours and key.id != except_key:
            iam_keys.delete_key(clients, facts.user, key.id, work)


def _requested_before(rotation: Rotation) -> bool:
    """Whether an earlier try of the step that runs may have asked for a key."""
    stage = rotation.step(Step.STAGE)
    return (stage if stage.tries else rotation.step(Step.CREATE)).tries > 1


def _was_requested(rotation: Rotation) -> bool:
    """Whether any try may have asked for a key whose id was not journalled."""
    create, stage = rotation.step(Step.CREATE), rotation.step(Step.STAGE)
    return create.tries > 0 if not create.finished else stage.tries > 0


def _new_keys(clients: ClientFactory, rotation: Rotation, work: Work) -> list[KeyInfo]:
    before = rotation.facts.keys_before
    keys = iam_keys.list_keys(clients, rotation.facts.user, work)
    return [key for key in keys if key.id not in before]


def _staged_key(clients: ClientFactory, rotation: Rotation, work: Work) -> str:
    """Return the id of the key that was staged: it may not have been journalled."""
    text = stages.staged(clients, rotation, work)
    return read_secret(rotation.secret, text).keys.access_key_id if text else ""


def _is_orphan(clients: ClientFactory, rotation: Rotation, key: KeyInfo, work: Work) -> bool:
    young = key.created >= rotation.started - _SKEW
    return young and iam_keys.last_used(clients, key.id, work).when is None
