"""The test secret of a permission check, recorded before it is created.

What remains of one when a process is killed, or when the server cannot be reached, is deleted when
the next check begins, a window connects, or `strongroom sweep --remove` runs.
"""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

from core.aws.clients import ClientFactory
from core.aws.endpoints import endpoint_for
from core.aws.faults import translated
from core.errors import Cancelled, LocalIOError, NotFound, StorageError
from core.local.state.database import state_database
from core.local.state.owners import is_running, owner_of_this_process
from core.model.connection import SECRET_PREFIX
from core.work import Work

_log = logging.getLogger(__name__)

_BEGINNING = f"{SECRET_PREFIX}strongroom-check-"
_NAME = re.compile(rf"{re.escape(_BEGINNING)}[0-9a-f]{{32}}\Z")
# The owner is the process that runs the check; records of dead owners are leftovers.
_WRITE = "INSERT INTO check_secrets (owner, name, endpoint, region, bucket) VALUES (?, ?, ?, ?, ?)"
_READ = """
SELECT number, owner, name FROM check_secrets
WHERE (endpoint, region, bucket) = (?, ?, ?) ORDER BY number
"""
_DELETE = "DELETE FROM check_secrets WHERE number = ?"


@dataclass(frozen=True, slots=True)
class Place:
    """The location of a secret; the bucket, whose name is unique, identifies the account."""

    endpoint: str
    region: str
    bucket: str

    @classmethod
    def of(cls, clients: ClientFactory) -> Place:
        """Return the place that a connection reaches."""
        profile = clients.connection.profile
        return cls(endpoint_for(profile, "secretsmanager") or "", clients.region, profile.bucket)


def new_name() -> str:
    """Return a unique name for a test secret."""
    return f"{_BEGINNING}{uuid4().hex}"


class SecretRecord:
    """The record of one test secret of this process, from before its creation to its deletion."""

    def __init__(self, place: Place, name: str) -> None:
        self._values = (name, place.endpoint, place.region, place.bucket)
        self._number: int | None = None

    def begin(self) -> None:
        """Write the record durably. A full disk does not stop a check."""
        database = state_database()
        try:
            owner = owner_of_this_process(database.path)
            with database.transaction(durable=True) as connection:
                connection.execute(_WRITE, (owner, *self._values))
                self._number = connection.last_insert_rowid()
        except LocalIOError as error:
            _log.warning("a test secret could not be recorded: %s", error.cause or error.summary)

    def end(self, *, gone: bool) -> None:
        """Remove the record if the secret was deleted; otherwise the next clean-up uses it."""
        if self._number is not None:
            sql = _DELETE if gone else "UPDATE check_secrets SET owner = NULL WHERE number = ?"
            _change(sql, self._number)
            self._number = None


def delete_check_secret(clients: ClientFactory, name: str, work: Work) -> None:
    """Delete a test secret at once; one that does not exist is no error.

    Raises:
        ValueError: it is not the name of a test secret.
        StorageError: it could not be deleted.
    """
    # Deletion is permanent: a damaged record must never name another secret.
    if not _NAME.match(name):
        raise ValueError(name)
    with suppress(NotFound), translated("secretsmanager:DeleteSecret", name, work):
        clients.secrets().delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def remove_left_check_secrets(clients: ClientFactory, work: Work) -> int:
    """Delete the test secrets that dead processes of this machine left here; return their number.

    A failed clean-up is logged and tried again next time; it raises no error.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    deleted = 0
    for number, name in _left_behind(Place.of(clients)):
        try:
            delete_check_secret(clients, name, work)
        except Cancelled:
            raise
        except StorageError as error:
            _log.warning("a test secret could not be deleted: %s", error.summary)
        else:
            # Only after the deletion: a failed one is tried again by the next check.
            _change(_DELETE, number)
            deleted += 1
    return deleted


def _left_behind(place: Place) -> list[tuple[int, str]]:
    """Return the records of dead processes at a place, each with the name of its secret."""
    database = state_database()
    try:
        rows = database.rows(_READ, (place.endpoint, place.region, place.bucket))
    except LocalIOError as error:
        _log.warning("test secrets that may be left cannot be read: %s", error.summary)
        return []
    return [
        (number, name)
        for number, owner, name in rows
        # The secret of a running check in another process is in use.
        if _NAME.match(name) and not is_running(database.path, owner)
    ]


def _change(sql: str, number: int) -> None:
    """Run a statement about a record; when it fails, the next clean-up inspects the record again."""
    try:
        state_database().execute(sql, (number,))
    except LocalIOError as error:
        _log.warning("the record of a test secret could not be changed: %s", error.summary)
