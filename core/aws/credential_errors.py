"""Explanation of missing credentials: the places that were searched, and why each failed.

No request is sent: the names of variables, the sections of AWS's files and botocore's error are
read. Values are never shown, and texts of other programs are redacted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.aws.expiry import end_of, expired_credentials
from core.aws.unusable_settings import unusable_setting
from core.errors import CredentialsExpired, CredentialsMissing, StorageError
from core.model.connection import KeySource, Profile
from core.redaction import MASK, redacted
from core.units import iso_utc, utc_now

#: botocore's message for keys that had already expired; it has no exception class for this.
_STILL_EXPIRED = "credentials are still expired"
_EXPIRATION = "AWS_CREDENTIAL_EXPIRATION"
_PAIR = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_CONTAINER = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
_TOKEN_FILE = "AWS_WEB_IDENTITY_TOKEN_FILE"  # noqa: S105 - a variable's name
#: Maximum characters of a library's and of a program's message that are quoted.
_MESSAGE_LENGTH, _LINE = 300, 120
#: Text that may be a key or a token: at least 16 characters, including a digit.
_RUN = re.compile(r"(?=[\w+/=-]*\d)[\w+/=-]{16,}")


@dataclass(frozen=True, slots=True)
class ProviderAttempt:
    """One place that was searched for keys, and the reason why it has none."""

    place: str
    outcome: str

    def __str__(self) -> str:
        return f"{self.place}: {self.outcome}."


def provider_attempts(profile: Profile) -> tuple[ProviderAttempt, ...]:
    """Return every place that a credential source searches, in order, with the result."""
    if profile.source is KeySource.ENVIRONMENT:
        section = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE") or ""
        return (_variables(), _section(section), _web_identity(), _container(), _instance())
    if profile.source is KeySource.ROLE:
        return (_web_identity(), _container(), _instance())
    if profile.source is KeySource.AWS_PROFILE:
        return (_section(profile.aws_profile or ""),)
    return ()


def missing_credentials(profile: Profile) -> CredentialsMissing:
    """Return the error that names the source without keys, the places it searched, and a remedy."""
    cause, remedy = _MISSING[profile.source]
    attempts = " ".join(str(one) for one in provider_attempts(profile))
    return CredentialsMissing(
        f"Profile {profile.name} has no AWS credentials",
        cause=f"{cause.format(profile=profile.aws_profile or '')} {attempts}".strip(),
        remedy=remedy.format(profile=profile.aws_profile or ""),
        subject=profile.name,
    )


_MISSING = {
    KeySource.KEYRING: (
        "The system keyring contains no keys for this profile.",
        "Edit the profile and enter its keys again.",
    ),
    KeySource.SESSION: (
        "The keys of this profile were only held in memory, until the program ended.",
        "Edit the profile and enter its keys again.",
    ),
    KeySource.AWS_PROFILE: (
        "The AWS profile {profile} provides no credentials.",
        "Run `aws configure --profile {profile}` or `aws sso login --profile {profile}`.",
    ),
    KeySource.ENVIRONMENT: (
        "There are no keys in AWS_* variables or AWS's files, and this machine has no role.",
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose another credential source.",
    ),
    KeySource.ROLE: (
        "This machine has no instance or container role, or its metadata service is disabled.",
        "Attach a role to the instance or task, or choose another credential source.",
    ),
}


@contextmanager
def translate_credential_errors(profile: Profile) -> Iterator[None]:
    """Translate the errors of a credential source to errors that name the source and the reason.

    Raises:
        CredentialsMissing: the source has no keys.
        CredentialsExpired: a new sign-in or a new MFA code is required.
    """
    try:
        yield
    except Exception as error:  # other errors propagate unchanged
        translated = _as_storage_error(profile, error)
        if translated is None:
            raise
        raise translated from None


def translate_refresh_errors(
    profile: Profile, refresh: Callable[[], Any], method: str = ""
) -> Callable[[], Any]:
    """Wrap the refresh of temporary keys so that its errors name the profile.

    Keys that have already expired are rejected here: botocore would raise a RuntimeError.
    """

    def refreshed() -> Any:
        with translate_credential_errors(profile):
            found = refresh()
            end = end_of(found)
        if end is None:
            return found
        if end <= utc_now():
            raise expired_credentials(profile.name, section_of(profile), method, at=end)
        return {**found, "expiry_time": iso_utc(end)}  # with a zone: botocore subtracts

    return refreshed


def mfa_device(config: Mapping[str, Any], section: str) -> str:
    """Return the MFA device that a role in an AWS profile's chain requires, or an empty string.

    Args:
        config: botocore's `full_config`.
        section: the AWS profile's name.
    """
    profiles = config.get("profiles", {})
    seen: set[str] = set()
    while section and section not in seen:
        seen.add(section)
        values = profiles.get(section, {})
        if values.get("role_arn") and values.get("mfa_serial"):
            return str(values["mfa_serial"])
        section = str(values.get("source_profile", "")) if values.get("role_arn") else ""
    return ""


def _as_storage_error(profile: Profile, error: Exception) -> StorageError | None:
    if isinstance(error, StorageError):
        return None
    name = section_of(profile)
    expired = _expired(profile, name, error)
    if expired is not None:
        return expired
    cause = _cause(profile, name, error)
    if not cause:
        return None
    return CredentialsMissing(
        f"Profile {profile.name} has no AWS credentials",
        cause=cause,
        remedy=_remedy(profile, name, cause),
        subject=profile.name,
        details=type(error).__name__,
    )


def _expired(profile: Profile, section: str, error: Exception) -> CredentialsExpired | None:
    from botocore import exceptions as boto

    signed_out = (boto.SSOError, boto.LoginError, boto.TokenRetrievalError, boto.NoAuthTokenError)
    if isinstance(error, signed_out):
        return _sign_in(profile, section, error)
    if isinstance(error, boto.RefreshWithMFAUnsupportedError):
        return _new_code(profile)
    if isinstance(error, RuntimeError) and _STILL_EXPIRED in str(error):
        return expired_credentials(profile.name, section)  # a step inside a chain of roles
    return None


def _sign_in(profile: Profile, section: str, error: Exception) -> CredentialsExpired:
    command = f"aws sso login --profile {section}"
    return CredentialsExpired(
        "Your sign-in has expired",
        cause=f"The AWS profile {section} has no valid single sign-on session.",
        remedy=f"Run `{command}` in a terminal, then try again.",
        subject=profile.name,
        details=_message(error),
    )


def _new_code(profile: Profile) -> CredentialsExpired:
    return CredentialsExpired(
        "Your session has expired",
        cause="The session was opened with an MFA code, and a new session requires a new code.",
        remedy="Try again and enter a new code.",
        subject=profile.name,
    )


def _cause(profile: Profile, section: str, error: Exception) -> str:
    """Return why a source failed, or an empty string if the error has another origin."""
    for kinds, describe in _causes():
        if isinstance(error, kinds):
            return describe(profile, section, error)
    return ""


def _remedy(profile: Profile, section: str, cause: str) -> str:
    """Return the remedy of a cause, or the remedy of the source if the cause has none."""
    for text, remedy in _REMEDIES:
        if text in cause:
            return remedy.format(section=section)
    return _MISSING[profile.source][1].format(profile=section)


#: Texts that a cause starts with or contains, and the remedy of each.
_REMEDIES = (
    ("The credential_process", "Run the program in a terminal and correct what it reports."),
    (_EXPIRATION, "Correct the variable (2030-01-31T12:00:00Z), or unset it."),
    ("Only one half", "Set both halves of the keys, or neither."),
    ("AWS_PROFILE names", "Correct AWS_PROFILE, or run `aws configure --profile {section}`."),
    ("AWS's files cannot be used", "Correct the file in an editor, then try again."),
    ("The setting", "Correct the setting in the variable or in AWS's configuration file."),
    ("token file", "Correct AWS_WEB_IDENTITY_TOKEN_FILE: the platform writes that file."),
)

_Kinds = tuple[type[Exception], ...]


def _causes() -> tuple[tuple[_Kinds, Callable[[Profile, str, Any], str]], ...]:
    """Return the table of botocore's errors, whose import is deferred until one was raised."""
    from botocore import exceptions as boto

    files = (
        boto.InvalidConfigError,
        boto.InfiniteLoopConfigError,
        boto.ConfigParseError,
        boto.ConfigNotFound,
        boto.UnknownCredentialError,
    )
    return (
        ((boto.ProfileNotFound,), _no_section),
        ((boto.PartialCredentialsError,), _half),
        ((boto.CredentialRetrievalError,), _retrieval),
        ((boto.MetadataRetrievalError,), _metadata),
        (files, _unusable_files),
        ((OSError, ValueError, TypeError, AttributeError, OverflowError), _local),
    )


def _no_section(profile: Profile, section: str, _error: Exception) -> str:
    if profile.source is KeySource.ENVIRONMENT:
        return f"AWS_PROFILE names the AWS profile {section}. {_section(section)}"
    return f"It uses the AWS profile {section}. {_section(section)}"


def _metadata(_profile: Profile, _section: str, error: Exception) -> str:
    return f"The metadata service of this machine returned an invalid answer: {_message(error)}"


def _unusable_files(_profile: Profile, _section: str, error: Exception) -> str:
    return f"AWS's files cannot be used: {_message(error)}"


def _half(_profile: Profile, section: str, error: Any) -> str:
    variables = error.kwargs.get("provider") == "env"
    place = str(_variables()) if variables else f"The AWS profile {section}: {_message(error)}"
    return f"Only one half of the key pair is set. {place}"


def _retrieval(_profile: Profile, section: str, error: Any) -> str:
    provider = str(error.kwargs.get("provider", ""))
    message = str(error.kwargs.get("error_msg", "")).strip()
    output = _message(message) or "nothing"
    if provider == "custom-process":
        output = _last_line(message) or "nothing"
        return f"The credential_process of the AWS profile {section} failed: {output}"
    return f"The credential source {provider} failed: {output}"


def _local(_profile: Profile, section: str, error: Exception) -> str:
    """Explain a missing file or program; other operating system errors are unrelated to keys."""
    if isinstance(error, FileNotFoundError) and error.filename == os.environ.get(_TOKEN_FILE):
        return str(_web_identity())
    values = _values(section)
    if setting := unusable_setting(error, values):
        return setting
    if not values.get("credential_process"):
        by_variables = not isinstance(error, OSError) and os.environ.get(_EXPIRATION)
        return f"{_EXPIRATION} is not a time." if by_variables else ""
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return f"The credential_process of the AWS profile {section} cannot be run: {reason}."
    return f"The credential_process of the AWS profile {section} did not return JSON."


def section_of(profile: Profile) -> str:
    """Return the section of AWS's files for a profile: its AWS profile, or AWS_PROFILE."""
    named = profile.aws_profile if profile.source is KeySource.AWS_PROFILE else ""
    variables = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    return named or variables or "default"


def _variables() -> ProviderAttempt:
    unset = [name for name in _PAIR if not os.environ.get(name)]
    if len(unset) == 1:
        there = next(name for name in _PAIR if name not in unset)
        return ProviderAttempt("Environment variables", f"{there} is set, but {unset[0]} is not")
    outcome = "both keys are set" if not unset else f"{unset[0]} and {unset[1]} are not set"
    return ProviderAttempt("Environment variables", outcome)


def _files() -> tuple[Path, Path]:
    return (
        Path(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser(),
        Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials").expanduser(),
    )


def _section(section: str) -> ProviderAttempt:
    there = [path for path in _files() if path.is_file()]
    name = section or "default"
    place = f"AWS's files, section {name}"
    if not there:
        config, credentials = _files()
        return ProviderAttempt(place, f"there is no {config} and no {credentials}")
    values = _values(name)
    if not values:
        paths = " or ".join(str(path) for path in there)
        return ProviderAttempt(place, f"there is no such section in {paths}")
    source = str(values.get("source_profile", ""))
    if source and source != name and not _values(source):
        return ProviderAttempt(place, f"its source_profile {source} does not exist")
    return ProviderAttempt(place, "it provides no keys")


def _values(section: str) -> Mapping[str, Any]:
    """Return the settings of a section; an unreadable file is reported by another error."""
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    try:
        profiles = Session().full_config.get("profiles", {})
    except BotoCoreError:  # the file cannot be parsed, which is reported when it is loaded
        return {}
    found: Mapping[str, Any] = profiles.get(section, {})
    return found


def _web_identity() -> ProviderAttempt:
    place, path = "Web identity", os.environ.get(_TOKEN_FILE)
    if not path:
        return ProviderAttempt(place, f"{_TOKEN_FILE} is not set")
    if not Path(path).is_file():
        return ProviderAttempt(place, f"the token file {path} is missing")
    if not os.environ.get("AWS_ROLE_ARN"):
        return ProviderAttempt(place, "AWS_ROLE_ARN is not set")
    return ProviderAttempt(place, "its token was refused")


def _container() -> ProviderAttempt:
    named = [name for name in _CONTAINER if os.environ.get(name)]
    outcome = (
        f"the address in {named[0]} provides no keys" if named else f"{_CONTAINER[0]} is not set"
    )
    return ProviderAttempt("Container role", outcome)


def _instance() -> ProviderAttempt:
    off = os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
    outcome = (
        "the metadata service is disabled by AWS_EC2_METADATA_DISABLED"
        if off
        else "the metadata service does not answer, or the machine has no role"
    )
    return ProviderAttempt("Instance role", outcome)


def _last_line(output: str) -> str:
    """Return the last line of a program's output, shortened and without possible secrets.

    The format of the output is unknown, so long runs of letters and digits are masked too.
    """
    lines = [line for line in output.splitlines() if line.strip()]
    text = _RUN.sub(MASK, _message(lines[-1])) if lines else ""
    return text if len(text) <= _LINE else f"{text[:_LINE]}…"


def _message(foreign: object) -> str:
    text = " ".join(redacted(str(foreign)).split())
    return text if len(text) <= _MESSAGE_LENGTH else f"{text[:_MESSAGE_LENGTH]}…"
