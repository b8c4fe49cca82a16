"""Checks of a profile before it is stored, which also keep secrets out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from core.errors import InvalidInput
from core.model.connection import KeySource, Profile, ProfileColour

#: Not the list of AWS: new regions and those of other servers must be possible.
_REGION = re.compile(r"[a-z0-9-]{2,40}")
#: Rules of S3 for new buckets (User Guide, "General purpose bucket naming rules").
#: The name of a bucket, or the ARN of an access point, which stands for one.
_BUCKET = re.compile(
    r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
    r"|arn:aws[\w-]*:s3:[a-z0-9-]+:\d{12}:accesspoint[/:][a-z0-9][a-z0-9-]{1,48}[a-z0-9]"
)
_KEY_ID = re.compile(r"\w{3,128}")
_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+")
#: An AWS secret access key has 40 characters with lower case; a key id has not.
_LIKE_A_SECRET = re.compile(r"(?=.*[a-z])[A-Za-z0-9/+=]{40}")


def check_profile(profile: Profile) -> None:
    """Raise an error for a profile with invalid fields, which names all of them.

    Raises:
        InvalidInput: one or more fields are not valid; their values are not repeated.
    """
    problems = list(profile_problems(profile).values())
    if problems:
        raise InvalidInput(
            f"The profile is not complete: {problems[0]}",
            cause=" ".join(problems[1:]),
            remedy="Correct the marked fields.",
            subject=profile.name,
        )


def profile_problems(profile: Profile) -> dict[str, str]:
    """Return the invalid fields of a profile by name, with the reasons."""
    return dict(_problems(profile))


def _problems(profile: Profile) -> Iterator[tuple[str, str]]:
    if not profile.name.strip() or len(profile.name) > 64 or not profile.name.isprintable():
        yield "name", "A name of 1 to 64 printable characters is needed."
    if not _REGION.fullmatch(profile.region):
        yield "region", "Enter a region such as us-east-1."
    if not _BUCKET.fullmatch(profile.bucket):
        yield "bucket", "A bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens."
    if not profile.secret_name.strip():
        yield "secret_name", "The name of the secret with the platform's keys is needed."
    if profile.role_arn and not _ROLE.fullmatch(profile.role_arn):
        yield "role_arn", "Enter the ARN of a role, such as arn:aws:iam::123456789012:role/name."
    yield from _endpoint_problems(profile.endpoint_url)
    yield from _source_problems(profile)


def _endpoint_problems(endpoint: str | None) -> Iterator[tuple[str, str]]:
    if endpoint is None:
        return
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        yield "endpoint_url", "The endpoint is not a URL."
        return
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        yield "endpoint_url", "The endpoint begins with http:// or https:// and names a host."
    # A profile is stored as plain text, so its endpoint must not contain a password.
    elif parts.username or parts.password or parts.query or parts.fragment:
        yield "endpoint_url", "The endpoint must not hold a user name, a password or a query."


def _source_problems(profile: Profile) -> Iterator[tuple[str, str]]:
    key_id = profile.access_key_id
    if key_id and (_LIKE_A_SECRET.fullmatch(key_id) or not _KEY_ID.fullmatch(key_id)):
        yield "access_key_id", "This is not an access key id; is it the secret key?"
    if profile.source is KeySource.AWS_PROFILE and not profile.aws_profile:
        yield "aws_profile", "Choose the AWS profile to use."


def profile_of(entry: dict[str, Any]) -> Profile:
    """Return the profile of a stored record; fields of a later version are left out.

    Raises:
        ValueError: a field has a value that this version does not know.
        TypeError: the record is not one of a profile.
    """
    known = {spec.name for spec in fields(Profile)}
    values = {name: value for name, value in entry.items() if name in known}
    if any(not isinstance(value, str | None) for value in values.values()):
        raise TypeError("a profile's fields are texts")
    values["source"] = KeySource(values["source"]) if "source" in values else KeySource.KEYRING
    values["colour"] = ProfileColour(values.get("colour", ProfileColour.BLUE.value))
    return Profile(**values)


def record_of(profile: Profile) -> dict[str, str]:
    """Return the record of a profile that is stored: its fields that have a value, as texts."""
    values = {spec.name: getattr(profile, spec.name) for spec in fields(Profile)}
    return {
        name: value.value if isinstance(value, Enum) else value
        for name, value in values.items()
        if value is not None
    }
