"""Keys and settings in variables and AWS's files that no request can be made with.

botocore sends or computes with them all the same: a line end in a key is reported as a server that
cannot be reached, and a number that is none as a `ValueError`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from core.errors import CredentialsInvalid
from core.model.connection import KeySource, Profile
from core.redaction import redacted

#: Parts of a key pair: botocore's attribute, the name, and the variable.
_PARTS = (
    ("access_key", "access key id", "AWS_ACCESS_KEY_ID"),
    ("secret_key", "secret access key", "AWS_SECRET_ACCESS_KEY"),
    ("token", "session token", "AWS_SESSION_TOKEN"),
)
#: Characters that are not allowed in a header: control characters, and bytes that are not UTF-8.
_UNUSABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
#: The only number that botocore reads unchecked: the variable, and the setting of an AWS profile.
_TIMEOUT = ("AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout")
_CONTAINER_URL = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_CONTAINER_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105 - a variable's name


def check_keys(profile: Profile, credentials: Any) -> None:
    """Check that keys can be sent; those that refresh themselves are not requested for this.

    Raises:
        CredentialsInvalid: a part contains a line end or another character that no key has.
    """
    found = vars(credentials)  # without the properties of keys that refresh themselves
    for attribute, name, variable in _PARTS:
        if not _UNUSABLE.search(found.get(attribute) or ""):
            continue
        by_variable = found.get("method") == "env" and profile.source is KeySource.ENVIRONMENT
        raise CredentialsInvalid(
            f"The {name} of profile {profile.name} contains a character that no key has",
            cause=f"{f'{variable} contains' if by_variable else 'It contains'} a line end, another "
            "control character, or bytes that are not UTF-8. Files with the line ends of Windows "
            "are a frequent reason.",
            remedy="Remove the character from what sets the key.",
            effect="Nothing was sent.",
            subject=profile.name,
        )


def unusable_setting(error: Exception, values: Mapping[str, Any]) -> str:
    """Return which setting of a credential source caused an error; an empty string if none did.

    Args:
        error: the error of botocore.
        values: the settings of the AWS profile.
    """
    if not isinstance(error, ValueError):
        return ""
    variable, setting = _TIMEOUT
    given = os.environ.get(variable)
    place, value = (variable, given) if given else (setting, str(values.get(setting) or "0"))
    if not re.fullmatch(r"\s*[+-]?\d+\s*", value):
        return f"The setting {place} is not a number."
    if os.environ.get(_CONTAINER_URL):
        reason = " ".join(redacted(str(error)).split()).rstrip(".")
        place = _CONTAINER_TOKEN if "token" in reason else _CONTAINER_URL
        return f"The setting {place} cannot be used: {reason}."
    return ""
