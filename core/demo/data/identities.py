"""The users of the demo account: an administrator, and the platform with its least privilege."""

from __future__ import annotations

import json
import secrets
import string
from datetime import UTC, datetime, timedelta
from typing import Any

from core.demo.request_checks.principals import ACCOUNT, iam
from core.model.connection import DEFAULT_BUCKET, DEFAULT_REGION, SECRET_PREFIX, AccessKeys
from core.redaction import Secret

ADMIN = "strongroom-admin"
PLATFORM = "s3-bot"
#: Age of the platform's key in days: older than the usual limit of 90, so that it is reported.
PLATFORM_KEY_DAYS = 94

_ALPHABET = string.ascii_letters + string.digits + "+/"
_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def platform_policy(bucket: str = DEFAULT_BUCKET) -> dict[str, Any]:
    """Return the policy with only the permissions that the data contract requires.

    ListSecrets has a separate statement: it supports no resource, so it is granted on `*`.
    """
    return _document(
        {
            "Effect": "Allow",
            "Action": [
                "secretsmanager:GetSecretValue",
                "secretsmanager:CreateSecret",
                "secretsmanager:UpdateSecret",
            ],
            "Resource": f"arn:aws:secretsmanager:*:*:secret:{SECRET_PREFIX}*",
        },
        {"Effect": "Allow", "Action": "secretsmanager:ListSecrets", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "Resource": f"arn:aws:s3:::{bucket}/*",
        },
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"},
    )


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def make_users() -> tuple[AccessKeys, AccessKeys]:
    """Create both users with new keys; return the keys of the administrator and the platform."""
    admin = _user(ADMIN, "everything", _document(_EVERYTHING), days=12)
    platform = _user(PLATFORM, "platform", platform_policy(), days=PLATFORM_KEY_DAYS)
    return admin, platform


def _user(name: str, policy_name: str, policy: dict[str, Any], *, days: int) -> AccessKeys:
    backend = iam()
    backend.create_user(DEFAULT_REGION, name)
    backend.put_user_policy(name, policy_name, json.dumps(policy))
    key = backend.create_access_key(name)
    # moto's generator is predictable; the keys of a server that listens must not be.
    key.secret_access_key = "".join(secrets.choice(_ALPHABET) for _ in range(40))
    key.create_date = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days)
    return AccessKeys(key.access_key_id, Secret(key.secret_access_key))


__all__ = ["ACCOUNT", "ADMIN", "PLATFORM", "make_users", "platform_policy"]
