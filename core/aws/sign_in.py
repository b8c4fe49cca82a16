"""Sign-in for AWS profiles whose role requires an MFA code, which is requested once.

The keys of the session that the code opens are stored in the connection, so that other threads and
the engine process do not need another code.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from core.aws.botocore_modules import import_botocore
from core.aws.clients import ClientFactory
from core.errors import AccessDenied, CredentialsInvalid, CredentialsMissing, InvalidInput
from core.model.connection import Connection, KeySource, Profile
from core.work import Work, default_work

_REFUSED = "MultiFactorAuthentication failed"
#: Digits of an MFA code.
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class MfaQuestion:
    """Request for an MFA code: the profile, the section of AWS's files, and the device's ARN."""

    profile: str
    section: str
    device: str


#: Returns the code for a request; raises an error if the user enters none.
AskCode = Callable[[MfaQuestion], str]


def signed_in(connection: Connection, ask: AskCode, *, work: Work | None = None) -> Connection:
    """Return the connection, with the session's keys if its role requires an MFA code.

    Args:
        connection: the profile, with its keys if they are in the keyring or in memory.
        ask: called in this thread to get the code, at most once.
        work: cancel token.

    Raises:
        CredentialsMissing: no code was entered, or the source has no keys.
        CredentialsInvalid: the code was refused.
    """
    work = default_work(work)
    question = _question(connection)
    if question is None:
        return connection
    clients = ClientFactory(connection, ask_mfa=lambda _prompt: code_of(ask(question)))
    try:
        work.check()
        keys = clients.frozen_keys()
        return replace(connection, keys=replace(keys, expires=clients.credentials_expire()))
    except AccessDenied as error:
        # STS answers a wrong code with AccessDenied; only the message distinguishes it.
        if _REFUSED not in f"{error.cause} {error.details}":
            raise
    finally:
        clients.close()
    raise CredentialsInvalid(
        "The MFA code was refused",
        cause=f"{question.device} does not show this code at present. Each code can be used only "
        "once.",
        remedy="Wait for the next code and try again. Check the clock of the device.",
        subject=question.profile,
    )


def code_of(text: str) -> str:
    """Return the code from the user's input, without spaces.

    Raises:
        InvalidInput: the input does not have six digits.
    """
    code = "".join(text.split())
    if len(code) != _DIGITS or not (code.isascii() and code.isdecimal()):
        raise InvalidInput("An MFA code has six digits", remedy="Enter the code and try again.")
    return code


def no_code(question: MfaQuestion) -> CredentialsMissing:
    """Return the error for a request that the user declined."""
    return CredentialsMissing(
        "No MFA code was entered",
        cause=f"The role of the AWS profile {question.section} requires a code of "
        f"{question.device}.",
        remedy="Try again and enter the code that the device shows.",
        subject=question.profile,
    )


def may_need_mfa(profile: Profile) -> bool:
    """Return whether a credential source may require a code; no file is read."""
    return profile.source in {KeySource.AWS_PROFILE, KeySource.ENVIRONMENT}


def _question(connection: Connection) -> MfaQuestion | None:
    profile = connection.profile
    if not may_need_mfa(profile) or connection.keys is not None:
        return None
    if profile.source is KeySource.ENVIRONMENT and os.environ.get("AWS_ACCESS_KEY_ID"):
        return None  # variables have priority over a section of AWS's files
    import_botocore()
    from botocore.session import Session

    from core.aws.credential_errors import mfa_device, section_of
    from core.aws.faults import translated

    section = section_of(profile)
    with translated("config:ListProfiles", "~/.aws/config"):
        device = mfa_device(Session().full_config, section)
    return MfaQuestion(profile.name, section, device) if device else None
