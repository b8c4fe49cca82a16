"""The test secret of a permission check, recorded before it is created.

What remains of one when a process is killed, or when the server cannot be reached, is deleted when
the next check begins, a window connects, or `strongroom sweep --remove` runs.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from core.aws.clients import ClientFactory
from core.aws.endpoints import endpoint_for
from core.aws.faults import translated
from core.errors import Cancelled, NotFound, StorageError
from core.local.unreadable import UNREADABLE
from core.local.owned_files import claimed, create_owned
from core.model.connection import SECRET_PREFIX
from core.paths import data_dir
from core.work import Work

_log = logging.getLogger(__name__)

_BEGINNING = f"{SECRET_PREFIX}strongroom-check-"
_NAME = re.compile(rf"{re.escape(_BEGINNING)}[0-9a-f]{{32}}\Z")
_SUFFIX = ".secret"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret is: a bucket's name is unique, so it stands for the account."""

    endpoint: str
    region: str
    bucket: str

    @classmethod
    def of(cls, clients: ClientFactory) -> Place:
        """Return the place that a connection reaches."""
        profile = clients.connection.profile
        return cls(endpoint_for(profile, "secretsmanager") or "", clients.region, profile.bucket)


def new_name() -> str:
    """Return a name for a test secret that no other one has."""
    return f"{_BEGINNING}{uuid4().hex}"


class SecretRecord:
    """The record of one test secret of this process, from before its creation to its deletion."""

    def __init__(self, place: Place, name: str) -> None:
        values = {"endpoint": place.endpoint, "region": place.region, "bucket": place.bucket}
        self._line = json.dumps({**values, "name": name}).encode() + b"\n"
        self._path = _folder() / f"{uuid4().hex}{_SUFFIX}"
        self._handle: int | None = None

    def begin(self) -> None:
        """Write the record. A disk that is full does not stop a check."""
        try:
            _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
            self._handle = create_owned(self._path)
            os.write(self._handle, self._line)
            os.fsync(self._handle)
        except OSError as error:
            _log.warning("a test secret could not be recorded: %s", error)

    def end(self, *, gone: bool) -> None:
        """Remove the record of a secret that is gone; leave any other one to the next clean-up."""
        if gone:
            self._path.unlink(missing_ok=True)
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def delete_check_secret(clients: ClientFactory, name: str, work: Work) -> None:
    """Delete a test secret at once; one that does not exist is no error.

    Raises:
        ValueError: it is not the name of a test secret.
        StorageError: it could not be deleted.
    """
    if not _NAME.match(name):
        raise ValueError(name)
    with suppress(NotFound), translated("secretsmanager:DeleteSecret", name, work):
        clients.secrets().delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def sweep_check_secrets(clients: ClientFactory, work: Work) -> int:
    """Delete the test secrets that dead processes of this machine left here; return their number.

    A clean-up that fails is no reason not to go on: it is logged, and tried again next time.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    deleted = 0
    for path, name in _left_behind(Place.of(clients)):
        try:
            delete_check_secret(clients, name, work)
        except Cancelled:
            raise
        except StorageError as error:
            _log.warning("a test secret could not be deleted: %s", error.summary)
        else:
            path.unlink(missing_ok=True)
            deleted += 1
    return deleted


def _left_behind(place: Place) -> Iterator[tuple[Path, str]]:
    """Yield the records of dead processes at a place; those that cannot be read are removed."""
    for path in sorted(_folder().glob(f"*{_SUFFIX}")):
        with claimed(path) as dead:
            if not dead:
                continue
            try:
                values = json.loads(path.read_bytes())
                name = str(values.pop("name"))
                found = Place(**values)
            except (OSError, TypeError, AttributeError, *UNREADABLE):
                _log.warning("the record %s cannot be read and was removed", path.name)
                path.unlink(missing_ok=True)
                continue
        if found == place and _NAME.match(name):
            yield path, name


def _folder() -> Path:
    return data_dir() / "check-secrets"
