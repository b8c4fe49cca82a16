"""Environment variables: the AWS keys they name, and child processes without the secrets.

Every program of the same user can read a process's first environment (`/proc/PID/environ`), and a
crash reporter sends it along. So child processes start without secrets; the engine is handed
them through its pipe.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from core.model.connection import DEFAULT_BUCKET, DEFAULT_REGION, KeySource, Profile
from core.redaction import Secret

#: Variables that say where keys come from, or for which server they are.
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_WEB_IDENTITY_TOKEN_FILE")
#: What the names of variables with secrets contain: `AWS_SECRET_ACCESS_KEY`, `PGPASSWORD`, ...
_NAME = re.compile(
    r"SECRET|PASSW|PASSPHRASE|TOKEN|CREDENTIAL|PRIVATE_?KEY|API_?KEY|ACCESS_?KEY$|_PWD$|_PAT$",
    re.IGNORECASE,
)
#: Names of places and times, which are no secrets: `AWS_WEB_IDENTITY_TOKEN_FILE`.
_NO_SECRET = re.compile(r"_(FILE|PATH|DIR|URI|URL|EXPIRATION|TIMEOUT)$", re.IGNORECASE)
#: A URL with a password, for example a proxy or a database.
_VALUE = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


def environment_names_keys(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether variables of AWS name keys or a server."""
    return any(environment.get(name) for name in _KEYS)


def environment_profile(environment: Mapping[str, str] = os.environ) -> Profile:
    """Return the profile that the variables of AWS describe."""
    named = (environment.get(name) for name in ("AWS_REGION", "AWS_DEFAULT_REGION"))
    region = next(filter(None, named), DEFAULT_REGION)
    return Profile("environment", KeySource.ENVIRONMENT, region=region, bucket=DEFAULT_BUCKET)


def environment_text(environment: Mapping[str, str] = os.environ) -> str:
    """Return a text with the AWS variables that are set, without secrets."""
    names = (*_KEYS, "AWS_REGION", "AWS_DEFAULT_REGION")
    return ", ".join(f"{name} {environment[name]}" for name in names if environment.get(name))


def split_environment(
    environment: Mapping[str, str] = os.environ,
) -> tuple[dict[str, str], dict[str, Secret]]:
    """Return the variables that a child process may start with, and those that hold secrets."""
    secret = {name for name, value in environment.items() if _is_secret(name, value)}
    plain = {name: value for name, value in environment.items() if name not in secret}
    return plain, {name: Secret(environment[name]) for name in sorted(secret)}


def _is_secret(name: str, value: str) -> bool:
    named = _NAME.search(name) and not _NO_SECRET.search(name)
    return bool(value) and bool(named or _VALUE.search(value))
