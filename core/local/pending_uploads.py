"""Multipart uploads that this machine has begun: what a killed process leaves can be removed.

One row of the state database for each upload, owned by the process that sends it. S3 stores, and
charges for, the parts of an upload that is neither completed nor aborted.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from core.errors import TRANSIENT_KINDS, ErrorKind, LocalIOError, StorageError
from core.local.state.database import Value, state_database
from core.local.state.owners import is_running, owner_of_this_process
from core.local.unreadable import UNREADABLE
from core.units import iso_utc, utc_now

_log = logging.getLogger(__name__)

# After such an error the server may have created the upload: its answer did not arrive.
_ANSWER_MAY_BE_LOST = TRANSIENT_KINDS | {ErrorKind.NOT_S3, ErrorKind.CANCELLED}
_DELETE = "DELETE FROM uploads WHERE number = ?"


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """An upload, or the object of a probe, that a dead process had begun.

    `upload_id` is empty if the process never received it: the request was sent at `began`. It is
    always empty for a probe. `number` is the row of the record. `fingerprint` identifies content
    and parameters of an upload that can be continued; it is empty for all others.
    """

    number: int
    endpoint: str
    bucket: str
    key: str
    upload_id: str
    began: datetime
    probe: bool = False
    fingerprint: str = ""

    def forget(self) -> None:
        """Remove the record: the upload or object does not exist any more."""
        _write(_DELETE, self.number)


class PendingUpload:
    """The record of one upload of this process, from before it is created until it has ended."""

    def __init__(
        self, endpoint: str, bucket: str, key: str, *, probe: bool = False, fingerprint: str = ""
    ) -> None:
        self._record = {
            "endpoint": endpoint,
            "bucket": bucket,
            "key": key,
            "began": iso_utc(utc_now()),
            "probe": probe,
        }
        if fingerprint:
            self._record["fingerprint"] = fingerprint
        self._number: int | None = None

    @classmethod
    def adopted(cls, record: UploadRecord) -> Self | None:
        """Take over the upload of a dead process; None if another process has just done so."""
        database = state_database()
        pending = cls(record.endpoint, record.bucket, record.key)
        try:
            own = owner_of_this_process(database.path)
            with database.transaction(durable=True) as connection:
                sql = "SELECT owner FROM uploads WHERE number = ?"
                found = connection.execute(sql, (record.number,)).fetchone()
                if found is None or is_running(database.path, found[0]):
                    return None
                sql = "UPDATE uploads SET owner = ? WHERE number = ?"
                connection.execute(sql, (own, record.number))
        except LocalIOError as error:
            _log.warning("an upload could not be continued: %s", error.cause or error.summary)
            return None
        pending._number = record.number
        return pending

    def begin(self) -> None:
        """Write the record. A full disk does not stop an upload."""
        database = state_database()
        try:
            owner = owner_of_this_process(database.path)
            # Durable, so that the record exists before the request: a power failure cannot hide the
            # upload.
            with database.transaction(durable=True) as connection:
                connection.execute(
                    "INSERT INTO uploads (owner, upload_id, record) VALUES (?, '', ?)",
                    (owner, json.dumps(self._record)),
                )
                number = connection.last_insert_rowid()
        except LocalIOError as error:
            _log.warning("an upload could not be recorded: %s", error.cause or error.summary)
        else:
            self._number = number

    def created(self, upload_id: str) -> None:
        """Store the id that the server has given."""
        if self._number is not None:
            sql = "UPDATE uploads SET upload_id = ? WHERE number = ?"
            # Without the id, a clean-up would have to list all uploads of the bucket.
            _write(sql, upload_id, self._number, durable=True)

    def forget(self) -> None:
        """Remove the record: the upload was completed or aborted, or it never began."""
        if self._number is not None:
            _write(_DELETE, self._number)

    def abandon(self) -> None:
        """Leave the record to the next clean-up: the upload could not be aborted."""
        if self._number is not None:
            # Without an owner the record counts as one of a process that has ended.
            _write("UPDATE uploads SET owner = NULL WHERE number = ?", self._number)

    def failed(self, error: BaseException) -> None:
        """End the record of an upload whose creation failed.

        A refusal proves that there is no upload. After anything else the answer may have been
        lost, and the next clean-up lists the uploads of the bucket.
        """
        refused = isinstance(error, StorageError) and error.kind not in _ANSWER_MAY_BE_LOST
        (self.forget if refused else self.abandon)()


def note(
    endpoint: str, bucket: str, key: str, *, probe: bool = False, fingerprint: str = ""
) -> PendingUpload:
    """Record that an upload is about to be created, and return its record.

    Args:
        endpoint: the URL of the server, empty for AWS itself.
        bucket: the bucket's name.
        key: the key that the object will have.
        probe: whether it is about an object that only tries out the server, and no upload.
        fingerprint: see `UploadRecord`.
    """
    pending = PendingUpload(endpoint, bucket, key, probe=probe, fingerprint=fingerprint)
    pending.begin()
    return pending


def of_dead_processes() -> list[UploadRecord]:
    """Return the uploads whose process has ended; records that cannot be read are removed.

    If the database cannot be read, the result is empty: no guess may remove anything.
    """
    path = state_database().path
    try:
        rows = state_database().rows("SELECT number, owner, upload_id, record FROM uploads")
    except LocalIOError as error:
        _log.warning("the records of uploads cannot be read: %s", error.cause or error.summary)
        return []
    found = []
    for number, owner, upload_id, record in rows:
        # Another window or command of this machine may be sending this upload at the moment.
        if is_running(path, owner):
            continue
        try:
            values = json.loads(record)
            began = datetime.fromisoformat(values.pop("began"))
            found.append(UploadRecord(number=number, upload_id=upload_id, began=began, **values))
        except UNREADABLE:
            _log.warning("the record of upload %d cannot be read and was removed", number)
            _write(_DELETE, number)
    return found


def running_ids() -> frozenset[str]:
    """Return the ids of the uploads that a process of this machine still sends.

    Raises:
        LocalIOError: the state database cannot be read.
    """
    path = state_database().path
    rows = state_database().rows("SELECT owner, upload_id FROM uploads")
    return frozenset(upload_id for owner, upload_id in rows if is_running(path, owner))


def _write(sql: str, *values: Value, durable: bool = False) -> None:
    """Run a statement; when it fails, the next clean-up lists the bucket's uploads."""
    try:
        state_database().execute(sql, values, durable=durable)
    except LocalIOError as error:
        _log.warning("an upload could not be recorded: %s", error.cause or error.summary)
