"""Signing in where an AWS profile's role wants an MFA code: asked once, before anything else.

The session that the code opens becomes the connection's keys, so that whatever runs later -
other threads, the engine's process - needs no code of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.aws.sources import mfa_device, section_of
from core.errors import AccessDenied, CredentialsInvalid, CredentialsMissing, InvalidInput
from core.model.connection import Connection, KeySource, Profile
from core.work import Work, default_work

_REFUSED = "MultiFactorAuthentication failed"
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class MfaQuestion:
    """Whose code is wanted: our profile, the section of AWS's files, and the device's ARN."""

    profile: str
    section: str
    device: str


#: Answers a question with the code; raises instead when the user gives none.
AskCode = Callable[[MfaQuestion], str]


def signed_in(connection: Connection, ask: AskCode, *, work: Work | None = None) -> Connection:
    """Return the connection, with the session's keys if its role asked for an MFA code.

    Args:
        connection: the profile, with its keys where the source keeps them with us.
        ask: asked in this thread, at most once.
        work: cancel token.

    Raises:
        CredentialsMissing: no code was given, or the source has no keys.
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
        if _REFUSED not in f"{error.cause} {error.details}":
            raise
    finally:
        clients.close()
    raise CredentialsInvalid(
        "The MFA code was refused",
        cause=f"{question.device} did not show that code now; each code can be used once.",
        remedy="Wait for the next code and try again; is the clock of the device right?",
        subject=question.profile,
    )


def code_of(text: str) -> str:
    """Return the code in what was typed, without spaces.

    Raises:
        InvalidInput: it is not six digits.
    """
    code = "".join(text.split())
    if len(code) != _DIGITS or not (code.isascii() and code.isdecimal()):
        raise InvalidInput("An MFA code has six digits", remedy="Enter the code and try again.")
    return code


def no_code(question: MfaQuestion) -> CredentialsMissing:
    """Return the error for a question that the user turned down."""
    return CredentialsMissing(
        "No MFA code was given",
        cause=f"The role of the AWS profile {question.section} asks for a code of "
        f"{question.device}.",
        remedy="Try again and enter the code that the device shows.",
        subject=question.profile,
    )


def may_ask(profile: Profile) -> bool:
    """Whether the source can ask for a code at all; nothing is read."""
    return profile.source in {KeySource.AWS_PROFILE, KeySource.ENVIRONMENT}


def _question(connection: Connection) -> MfaQuestion | None:
    profile = connection.profile
    if not may_ask(profile) or connection.keys is not None:
        return None
    if profile.source is KeySource.ENVIRONMENT and os.environ.get("AWS_ACCESS_KEY_ID"):
        return None  # variables win over a section of AWS's files
    from botocore.session import Session

    section = section_of(profile)
    with translated("config:ListProfiles", "~/.aws/config"):
        device = mfa_device(Session().full_config, section)
    return MfaQuestion(profile.name, section, device) if device else None
