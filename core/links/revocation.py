"""How links are revoked: a single signature cannot be withdrawn, but what it depends on can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.aws.partitions import partition_of
from core.effects import states_effect
from core.errors import InvalidInput
from core.links.ledger import Entry, Ledger
from core.work import Work, default_work

#: The actions that the methods of links need (Service Authorization Reference, Amazon S3). A link to
#: a version of an object needs the second one only, and either can be limited in a policy.
_READING = ["s3:GetObject", "s3:GetObjectVersion"]
_ACTIONS: dict[str, str | list[str]] = {
    "GET": _READING,
    "HEAD": _READING,
    "PUT": "s3:PutObject",
    "POST": "s3:PutObject",
    "DELETE": "s3:DeleteObject",
}
#: Values of `s3:authType` of links and of forms (S3 user guide, "Policy keys specific to Signature
#: Version 4"). Requests of programs with their own keys have `REST-HEADER` and stay allowed.
_AUTH_TYPES = {"POST": "POST"}
_LINK = "REST-QUERY-STRING"
#: Identifiers of keys of IAM users begin with AKIA, those of sessions with ASIA (IAM user guide,
#: "Unique identifiers").
_SESSION_KEY = "ASIA"


@dataclass(frozen=True, slots=True)
class KeyDeactivation:
    """A deactivated access key: its user, and how many links that were active ended with it."""

    access_key_id: str
    user: str
    ended_links: int


def deny_statement(entry: Entry, region: str = "") -> dict[str, Any]:
    """Return a statement for the bucket policy that denies all links of this kind to the object.

    It affects links only: requests that programs sign with their own keys stay allowed.

    Args:
        entry: the link.
        region: the region of the profile, which determines the partition in ARNs.
    """
    # A form for a prefix stores files below it, under the names that the senders choose.
    below = "*" if entry.method == "POST" and entry.key.endswith("/") else ""
    return {
        "Sid": "DenyLinks",
        "Effect": "Deny",
        "Principal": "*",
        "Action": _ACTIONS[entry.method],
        "Resource": f"arn:{partition_of(region).id}:s3:::{entry.bucket}/{_literal(entry.key)}{below}",
        "Condition": {"StringEquals": {"s3:authType": _AUTH_TYPES.get(entry.method, _LINK)}},
    }


def links_of_key(access_key_id: str, ledger: Ledger) -> tuple[Entry, ...]:
    """Return the active links that a key has signed on this machine.

    Raises:
        LocalIOError: the ledger cannot be read.
    """
    entries = ledger.read().entries
    return tuple(one for one in entries if one.access_key_id == access_key_id and one.alive())


@states_effect("deactivated", ("UpdateAccessKey",))
def deactivate_key(
    clients: ClientFactory, access_key_id: str, ledger: Ledger, *, work: Work | None = None
) -> KeyDeactivation:
    """Deactivate the access key that signed links: all of its links, and all else, end with it.

    It can be activated again in IAM, and then its links work again until they expire.

    Args:
        clients: clients of a profile that may change access keys.
        access_key_id: the key.
        ledger: where the links are counted.
        work: cancel token.

    Raises:
        InvalidInput: the key belongs to a session, which IAM cannot deactivate.
        NotFound: no user has the key.
        ReadOnlyProfile: the profile is read-only.
        StorageError: the request was denied or failed.
    """
    work = default_work(work)
    clients.require_writable("Deactivating an access key")
    if access_key_id.startswith(_SESSION_KEY):
        raise InvalidInput(
            f"{access_key_id} cannot be deactivated",
            cause="It belongs to temporary credentials, which IAM does not list.",
            remedy="Revoke the sessions of the role in IAM, or deny the links in the bucket policy.",
            subject=access_key_id,
        )
    ended = len(links_of_key(access_key_id, ledger))
    work.check()
    with translated("iam:GetAccessKeyLastUsed", access_key_id, work):
        # The only request that finds the user of a key.
        user = str(clients.iam().get_access_key_last_used(AccessKeyId=access_key_id)["UserName"])
    work.check()
    with translated("iam:UpdateAccessKey", access_key_id, work):
        clients.iam().update_access_key(UserName=user, AccessKeyId=access_key_id, Status="Inactive")
    return KeyDeactivation(access_key_id, user, ended)


def _literal(key: str) -> str:
    """Return a key in which no character is a wildcard or a variable of a policy.

    Policies have variables for the special characters (IAM user guide, "Policy variables").
    """
    return "".join({"*": "${*}", "?": "${?}", "$": "${$}"}.get(char, char) for char in key)
