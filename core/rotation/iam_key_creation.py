"""Creation of the new access key, one request at a time, and never a third key.

If the answer of CreateAccessKey is lost, a key with an unknown secret may exist. Since this
rotation holds AWSPENDING, no other rotation creates keys for this secret: a key that did not exist
at the beginning, is younger than the rotation and was never used is such an orphan. It is deleted
before another key is created. A new key that appears before the first request belongs to another
client. Once this rotation has lost AWSPENDING, only the key with the recorded id belongs to it:
other young keys may belong to the next rotation.
"""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta

from core.aws.clients import ClientFactory
from core.errors import Conflict, LimitExceeded, StorageError
from core.model.connection import AccessKeys
from core.model.rotation import Rotation, RotationTiming, Step
from core.rotation import iam_keys, stages
from core.rotation.iam_keys import KeyInfo
from core.rotation.iam_secret import read_secret
from core.rotation.strategy import before_any_change
from core.work import Work

_ATTEMPTS = 3
#: Clock difference to IAM within which a key does not count as older than the rotation.
_SKEW = timedelta(minutes=5)


class KeyCreator:
    """Creator of the new key of one rotation; `keys` has it in memory until it is stored."""

    def __init__(self, timing: RotationTiming) -> None:
        self._pause = timing.pause
        self.keys: AccessKeys | None = None

    def create(self, clients: ClientFactory, rotation: Rotation, work: Work) -> str:
        """Delete an orphaned key, create a new one, and return its id.

        Raises:
            Conflict: the user has a second key that is in use, or older than the rotation.
            StorageError: IAM refused the request.
        """
        requested = _requested_before(rotation)
        # Without an earlier request nothing was changed yet, so a failure needs no undo.
        with nullcontext() if requested else before_any_change():
            _delete_orphan_keys(clients, rotation, work, requested=requested)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self.keys = iam_keys.create_key(clients, rotation.facts.user, work)
            except StorageError as error:
                # A retryable error may hide a created key, for example when the answer was lost.
                requested = requested or error.retryable
                full = isinstance(error, LimitExceeded)  # two keys exist
                if attempt == _ATTEMPTS or not (requested and (full or error.retryable)):
                    self._delete_orphan_after_failure(clients, rotation, work, requested=requested)
                    raise
            else:
                break
            work.token.wait(self._pause)  # a new key may be missing in the listing at first
            _delete_orphan_keys(clients, rotation, work, requested=requested)
        assert self.keys is not None
        return self.keys.access_key_id

    def _delete_orphan_after_failure(
        self, clients: ClientFactory, rotation: Rotation, work: Work, *, requested: bool
    ) -> None:
        """Delete an orphan after a failure; if this fails too, the next run deletes it."""
        try:
            _delete_orphan_keys(clients, rotation, work, requested=requested)
        except StorageError:
            return


def _delete_orphan_keys(
    clients: ClientFactory, rotation: Rotation, work: Work, *, requested: bool
) -> None:
    """Delete the orphaned keys of this rotation while it holds AWSPENDING.

    Args:
        clients: clients with an administrator's permissions.
        rotation: the rotation.
        work: cancel token.
        requested: whether a request for a key may have been successful without an answer.

    Raises:
        Conflict: there is a new key of another origin: it is older than the rotation, or it is in
            use although its secret was never stored.
        Overtaken: the rotation has lost AWSPENDING.
    """
    stages.check_claimed(clients, rotation, work)
    facts = rotation.facts
    for key in _new_keys(clients, rotation, work):
        ours = key.id == facts.new_key_id or (
            requested and _is_orphan(clients, rotation, key, work)
        )
        if not ours:
            raise Conflict(
                f"{facts.user} has another new access key",
                cause=f"Key {key.id} is in use, or was not created by this rotation.",
                remedy="Find out who created it. If it is not needed, deactivate and delete it, "
                "then resume. Or undo the rotation, which does not change that key.",
                subject=facts.user,
            )
        iam_keys.delete_key(clients, facts.user, key.id, work)


def delete_new_keys(
    clients: ClientFactory, rotation: Rotation, except_key: str, work: Work
) -> None:
    """Delete the keys of this rotation for an undo, except `except_key` and foreign keys."""
    facts = rotation.facts
    # The recorded id may be missing after a crash between the request and the record.
    own = {facts.new_key_id, _staged_key(clients, rotation, work)}
    requested = _was_requested(rotation) and stages.is_claimed(clients, rotation, work)
    for key in _new_keys(clients, rotation, work):
        ours = key.id in own or (requested and _is_orphan(clients, rotation, key, work))
        if ours and key.id != except_key:
            iam_keys.delete_key(clients, facts.user, key.id, work)


def _requested_before(rotation: Rotation) -> bool:
    """Return whether an earlier attempt of the running step may have requested a key."""
    stage = rotation.step(Step.STAGE)
    return (stage if stage.tries else rotation.step(Step.CREATE)).tries > 1


def _was_requested(rotation: Rotation) -> bool:
    """Return whether any attempt may have created a key whose id was not recorded."""
    create, stage = rotation.step(Step.CREATE), rotation.step(Step.STAGE)
    return create.tries > 0 if not create.finished else stage.tries > 0


def _new_keys(clients: ClientFactory, rotation: Rotation, work: Work) -> list[KeyInfo]:
    before = rotation.facts.keys_before
    keys = iam_keys.list_keys(clients, rotation.facts.user, work)
    return [key for key in keys if key.id not in before]


def _staged_key(clients: ClientFactory, rotation: Rotation, work: Work) -> str:
    """Return the id of the staged key, which may not have been recorded."""
    text = stages.staged(clients, rotation, work)
    return read_secret(rotation.secret, text).keys.access_key_id if text else ""


def _is_orphan(clients: ClientFactory, rotation: Rotation, key: KeyInfo, work: Work) -> bool:
    # A used key cannot be an orphan: its secret is known to someone.
    young = key.created >= rotation.started - _SKEW
    return young and iam_keys.last_used(clients, key.id, work).when is None
