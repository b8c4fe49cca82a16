"""Multipart uploads that this machine has begun: what a killed process leaves can be removed.

One small file for each upload, locked by the process that sends it. S3 keeps, and charges for,
the parts of an upload that is neither completed nor aborted.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from core.errors import TRANSIENT_KINDS, ErrorKind, StorageError
from core.local.json_lines import UNREADABLE
from core.local.owned_files import claimed, create_owned
from core.paths import data_dir
from core.units import iso_utc, utc_now

_log = logging.getLogger(__name__)

_SUFFIX = ".upload"
_ANSWER_MAY_BE_LOST = TRANSIENT_KINDS | {ErrorKind.NOT_S3, ErrorKind.CANCELLED}


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """An upload, or the object of a probe, that a dead process had begun.

    `upload_id` is empty if the process never learned it: the request was sent at `began`. It is
    always empty for a probe.
    """

    path: Path
    endpoint: str
    bucket: str
    key: str
    upload_id: str
    began: datetime
    probe: bool = False

    def forget(self) -> None:
        """Remove the record: what it is about is gone."""
        with suppress(OSError):
            self.path.unlink()


class PendingUpload:
    """The record of one upload of this process, from before it is created until it has ended."""

    def __init__(self, endpoint: str, bucket: str, key: str, *, probe: bool = False) -> None:
        self._values: dict[str, str | bool] = {
            "endpoint": endpoint,
            "bucket": bucket,
            "key": key,
            "upload_id": "",
            "began": iso_utc(utc_now()),
            "probe": probe,
        }
        self._path = pending_folder() / f"{uuid4().hex}{_SUFFIX}"
        self._handle: int | None = None

    def created(self, upload_id: str) -> None:
        """Store the id that the server has given."""
        self._values["upload_id"] = upload_id
        self._write()

    def forget(self) -> None:
        """Remove the record: the upload was completed or aborted, or it never began."""
        with suppress(OSError):
            self._path.unlink()
        self.abandon()

    def failed(self, error: BaseException) -> None:
        """End the record of an upload whose creation failed.

        A refusal proves that there is no upload. After anything else the answer may have been
        lost, and the next clean-up asks the bucket.
        """
        refused = isinstance(error, StorageError) and error.kind not in _ANSWER_MAY_BE_LOST
        (self.forget if refused else self.abandon)()

    def abandon(self) -> None:
        """Leave the record to the next clean-up: the upload could not be aborted."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def begin(self) -> None:
        """Write the record. A disk that is full does not stop an upload."""
        try:
            pending_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
            self._handle = create_owned(self._path)
        except OSError as error:
            _log.warning("an upload could not be recorded: %s", error)
            return
        self._write()

    def _write(self) -> None:
        """Append a line; the last complete one counts, so that a crash never tears the record."""
        if self._handle is None:
            return
        line = json.dumps(self._values, ensure_ascii=True).encode() + b"\n"
        try:
            os.write(self._handle, line)
            os.fsync(self._handle)
        except OSError as error:
            _log.warning("an upload could not be recorded: %s", error)


def note(endpoint: str, bucket: str, key: str, *, probe: bool = False) -> PendingUpload:
    """Record that an upload is about to be created, and return its record.

    Args:
        endpoint: the URL of the server, empty for AWS itself.
        bucket: the bucket's name.
        key: the key that the object will have.
        probe: whether it is about an object that only tries out the server, and no upload.
    """
    pending = PendingUpload(endpoint, bucket, key, probe=probe)
    pending.begin()
    return pending


def of_dead_processes(folder: Path | None = None) -> list[UploadRecord]:
    """Return the uploads whose process has ended; records that cannot be read are removed."""
    found = []
    for path in sorted((folder or pending_folder()).glob(f"*{_SUFFIX}")):
        with claimed(path) as dead:
            if not dead:
                continue
            record = _read(path)
            if record is None:
                _log.warning("the record %s cannot be read and was removed", path.name)
                path.unlink(missing_ok=True)
            else:
                found.append(record)
    return found


def running_ids(folder: Path | None = None) -> frozenset[str]:
    """Return the ids of the uploads that a process of this machine still sends."""
    ids = set()
    for path in (folder or pending_folder()).glob(f"*{_SUFFIX}"):
        with claimed(path) as dead:
            record = None if dead else _read(path)
        if record is not None:
            ids.add(record.upload_id)
    return frozenset(ids)


def pending_folder() -> Path:
    """Return the folder of the records."""
    return data_dir() / "uploads"


def _read(path: Path) -> UploadRecord | None:
    try:
        whole = path.read_bytes().rpartition(b"\n")[0].rpartition(b"\n")[2]
        values = json.loads(whole)
        values["began"] = datetime.fromisoformat(values["began"])
        return UploadRecord(path=path, **values)
    except (OSError, *UNREADABLE):
        return None
