"""Environment variables of child processes, without the secrets among them.

Every program of the same user can read a process's first environment (`/proc/PID/environ`), and a
crash reporter sends it along. So our child processes start without secrets; the engine is handed
them through its pipe.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from core.redaction import Secret

#: What the names of variables with secrets contain: `AWS_SECRET_ACCESS_KEY`, `PGPASSWORD`, ...
_NAME = re.compile(
    r"SECRET|PASSW|PASSPHRASE|TOKEN|CREDENTIAL|PRIVATE_?KEY|API_?KEY|ACCESS_?KEY$|_PWD$|_PAT$",
    re.IGNORECASE,
)
#: Names of places and times, which are no secrets: `AWS_WEB_IDENTITY_TOKEN_FILE`.
_NO_SECRET = re.compile(r"_(FILE|PATH|DIR|URI|URL|EXPIRATION|TIMEOUT)$", re.IGNORECASE)
#: A URL with a password, for example a proxy or a database.
_VALUE = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


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
