"""Access keys of an IAM user: list, create, activate, deactivate and delete.

A user has at most two access keys, and the secret key is only returned on creation. Source: IAM
user guide, "Manage access keys for IAM users".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.errors import NotFound
from core.model.connection import AccessKeys
from core.redaction import Secret
from core.units import as_utc, format_age
from core.work import Work


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """An access key of a user."""

    id: str
    active: bool
    created: datetime


@dataclass(frozen=True, slots=True)
class LastUsed:
    """Last use of a key, which IAM reports with a delay of some minutes."""

    user: str
    when: datetime | None = None
    service: str = ""
    region: str = ""

    @property
    def sentence(self) -> str:
        """The last use as a sentence for people."""
        if self.when is None:
            return "It was never used."
        service = self.service or "AWS"
        if not self.region or self.region == "N/A":  # N/A is IAM's value for a global service
            return f"It was last used {format_age(self.when)} for {service}."
        return f"It was last used {format_age(self.when)} for {service} in {self.region}."


def list_keys(clients: ClientFactory, user: str, work: Work) -> tuple[KeyInfo, ...]:
    """Return the keys of a user, oldest first.

    Raises:
        StorageError: `iam:ListAccessKeys` is missing, or the user does not exist.
    """
    work.check()
    with translated("iam:ListAccessKeys", user, work):
        answer = clients.iam().list_access_keys(UserName=user)
    # One page is complete, since a user has at most two keys.
    keys = [
        KeyInfo(str(entry["AccessKeyId"]), entry["Status"] == "Active", as_utc(entry["CreateDate"]))
        for entry in answer["AccessKeyMetadata"]
    ]
    return tuple(sorted(keys, key=lambda key: key.created))


def last_used(clients: ClientFactory, key_id: str, work: Work) -> LastUsed:
    """Return the user of a key and its last use.

    Raises:
        StorageError: `iam:GetAccessKeyLastUsed` is missing, or the key does not exist.
    """
    work.check()
    with translated("iam:GetAccessKeyLastUsed", key_id, work):
        answer = clients.iam().get_access_key_last_used(AccessKeyId=key_id)
    answered = answer.get("AccessKeyLastUsed") or {}
    when = answered.get("LastUsedDate")
    return LastUsed(
        str(answer.get("UserName", "")),
        as_utc(when) if isinstance(when, datetime) else None,
        str(answered.get("ServiceName", "")),
        str(answered.get("Region", "")),
    )


def create_key(clients: ClientFactory, user: str, work: Work) -> AccessKeys:
    """Create a key with a single request: a retry would create a second key.

    Raises:
        StorageError: the request was denied, or its answer was lost; then a key with an unknown
            secret may exist: list the keys.
    """
    work.check()
    with translated("iam:CreateAccessKey", user, work):
        made = clients.iam(once=True).create_access_key(UserName=user)["AccessKey"]
    return AccessKeys(str(made["AccessKeyId"]), Secret(str(made["SecretAccessKey"])))


def set_active(clients: ClientFactory, user: str, key_id: str, *, active: bool, work: Work) -> None:
    """Activate or deactivate a key.

    Raises:
        NotFound: the key does not exist.
    """
    work.check()
    with translated("iam:UpdateAccessKey", key_id, work):
        clients.iam().update_access_key(
            UserName=user, AccessKeyId=key_id, Status="Active" if active else "Inactive"
        )


def delete_key(clients: ClientFactory, user: str, key_id: str, work: Work) -> None:
    """Delete a key permanently; a missing key is not an error."""
    try:
        # Deactivated first: if the deletion fails, the key can at least no longer be used.
        set_active(clients, user, key_id, active=False, work=work)
        work.check()
        with translated("iam:DeleteAccessKey", key_id, work):
            clients.iam().delete_access_key(UserName=user, AccessKeyId=key_id)
    except NotFound:
        return
