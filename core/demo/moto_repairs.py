"""Corrections of differences between moto's and AWS's Secrets Manager and S3."""

from __future__ import annotations

import json
import threading
from functools import cache, wraps
from typing import Any

from moto.s3.models import FakeDeleteMarker, FakeMultipart, S3Backend, get_canned_acl
from moto.s3.responses import S3Response
from moto.secretsmanager.exceptions import (
    InvalidParameterException,
    SecretHasNoValueException,
    SecretNotFoundException,
)
from moto.secretsmanager.models import SecretsManagerBackend

from core.units import iso_utc, utc_now

#: The server answers in threads: two of them must not move a label at the same time.
_STAGES = threading.Lock()


@cache
def repair_moto() -> None:
    """Make moto move labels, read AWSCURRENT and list versions as AWS does.

    moto 5.2 moves any label except AWSCURRENT without `RemoveFromVersionId`, partially changes the
    state before a refusal, and uses the version of the last write for reads without a stage.
    ListSecretVersionIds returns the present time as the date of each version, and answers with
    status 500 for an unknown name.
    """
    move, versions = (
        SecretsManagerBackend.update_secret_version_stage,
        SecretsManagerBackend.list_secret_version_ids,
    )

    @wraps(move)
    def moved(
        backend: Any,
        secret_id: str,
        version_stage: str,
        remove_from_version_id: str,
        move_to_version_id: str,
    ) -> Any:
        with _STAGES:
            if secret_id not in backend.secrets:
                raise SecretNotFoundException
            secret = backend.secrets[secret_id]
            _move_label(secret, version_stage, remove_from_version_id, move_to_version_id)
            return secret.arn, secret.name

    @wraps(versions)
    def listed(backend: Any, secret_id: str) -> Any:
        if secret_id not in backend.secrets:
            raise SecretNotFoundException
        listing = json.loads(versions(backend, secret_id))
        made = backend.secrets[secret_id].versions
        for version in listing["Versions"]:
            version["CreatedDate"] = made[version["VersionId"]]["createdate"]
        return json.dumps(listing)

    backends: Any = SecretsManagerBackend
    backends.update_secret_version_stage = moved
    backends.list_secret_version_ids = listed
    _repair_missing_values()
    _repair_folders()
    _repair_uploads()
    _repair_access_control_lists()


def _repair_missing_values() -> None:
    """Make GetSecretValue distinguish a secret without a value from a missing secret, as AWS does.

    moto 5.2 states of both that the secret cannot be found.
    """
    read = SecretsManagerBackend.get_secret_value

    @wraps(read)
    def answered(backend: Any, secret_id: str, version_id: str, version_stage: str) -> Any:
        try:
            return read(backend, secret_id, version_id, version_stage)
        except SecretNotFoundException:
            # Without a stage, too, moto's answer names the stage.
            if secret_id not in backend.secrets or not version_stage:
                raise
        raise SecretHasNoValueException(version_stage)

    backends: Any = SecretsManagerBackend
    backends.get_secret_value = answered


def _move_label(secret: Any, label: str, source: str | None, to: str | None) -> None:
    """Move a label, all or nothing. Source: API reference of UpdateSecretVersionStage."""
    stages = {number: version["version_stages"] for number, version in secret.versions.items()}
    holder = next((number for number, labels in stages.items() if label in labels), None)
    _check_move(tuple(stages), label, holder, (source, to))
    if label == "AWSCURRENT" and to and holder and holder != to:
        for labels in stages.values():
            labels[:] = [each for each in labels if each != "AWSPREVIOUS"]
        stages[holder].append("AWSPREVIOUS")
    if holder:
        stages[holder].remove(label)
    if to:
        stages[to].append(label)
    if to and label == "AWSCURRENT":
        secret.set_default_version_id(to)


def _check_move(
    known: tuple[str, ...], label: str, holder: str | None, move: tuple[str | None, str | None]
) -> None:
    source, to = move
    for version_id in filter(None, move):
        if version_id not in known:
            raise InvalidParameterException(f"Not a valid version: {version_id}")
    if source and holder != source:
        raise InvalidParameterException(f"Version stage {label} not found in version {source}")
    if to and holder not in {None, to} and source != holder:
        raise InvalidParameterException(
            f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently "
            f"attached to version {holder}, so you must explicitly reference that version in "
            "RemoveFromVersionId."
        )


def _repair_folders() -> None:
    """Make listings omit folders in which every object was deleted, as S3 does.

    moto 5.2 drops delete markers from the objects of a listing, not from its common prefixes.
    """
    listing = S3Backend.list_objects

    @wraps(listing)
    def listed(
        backend: Any, bucket: Any, prefix: Any, delimiter: Any, *more: Any, **named: Any
    ) -> Any:
        found: Any = listing(backend, bucket, prefix, delimiter, *more, **named)
        keys, folders, *rest = found
        if folders:
            dead = [name for name, key in bucket.keys.items() if isinstance(key, FakeDeleteMarker)]
            doubtful = {
                folder for folder in folders if any(name.startswith(folder) for name in dead)
            }
            alive = {folder for folder in doubtful if _holds_objects(bucket, folder)}
            folders = [folder for folder in folders if folder not in doubtful or folder in alive]
        return keys, folders, *rest

    backend: Any = S3Backend
    backend.list_objects = listed


def _repair_uploads() -> None:
    """Make ListMultipartUploads report when each upload began, in the order of keys.

    moto 5.2 reports a date of 2010 for all of them: the upload of an interrupted request could not
    be recognized.
    """
    make, serialized = FakeMultipart.__init__, S3Response.serialized

    @wraps(make)
    def made(upload: Any, *arguments: Any, **named: Any) -> None:
        make(upload, *arguments, **named)
        upload.initiated = utc_now()

    @wraps(serialized)
    def dated(response: Any, answer: Any) -> Any:
        if response.data.get("Action") == "ListMultipartUploads":
            uploads = response.backend.list_multipart_uploads(response.bucket_name)
            rows: list[dict[str, Any]] = answer.result["Uploads"]
            for row in rows:
                row["Initiated"] = iso_utc(uploads[row["UploadId"]].initiated)
            rows.sort(key=lambda row: (row["Key"], row["Initiated"]))
        return serialized(response, answer)

    classes: Any = (FakeMultipart, S3Response)
    classes[0].initiated = utc_now()  # of the sample data, which is older than this repair
    classes[0].__init__, classes[1].serialized = made, dated


def _repair_access_control_lists() -> None:
    """Let the owner alone have access to an object that got no other access control list, as in S3.

    moto 5.2 answers GetObjectAcl with status 500 for an object of several parts that was stored
    without one.
    """
    read = S3Backend.get_object_acl

    @wraps(read)
    def private_by_default(backend: Any, key: Any) -> Any:
        return read(backend, key) or get_canned_acl("private")

    backends: Any = S3Backend
    backends.get_object_acl = private_by_default


def _holds_objects(bucket: Any, folder: str) -> bool:
    return any(
        name.startswith(folder) and not isinstance(key, FakeDeleteMarker)
        for name, key in bucket.keys.items()
    )
