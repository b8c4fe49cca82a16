"""Identity of the current credentials, as AWS reports it."""

from __future__ import annotations

from core.aws.clients import ClientFactory
from core.aws.expiry import Expiry
from core.aws.faults import translated
from core.model.connection import KeySource
from core.model.identity import Identity
from core.units import format_duration, format_moment, utc_now
from core.work import Work, default_work


def identity(clients: ClientFactory, *, work: Work | None = None) -> Identity:
    """Return account, ARN and name of the caller (`sts:GetCallerIdentity` needs no permission).

    Raises:
        StorageError: the credentials are missing, invalid or expired, or STS cannot be reached.
    """
    default_work(work).check()
    with translated("sts:GetCallerIdentity", clients.connection.profile.name, work):
        answer = clients.sts().get_caller_identity()
    arn = str(answer["Arn"])
    expiry = clients.credentials_expiry()
    return Identity(
        account=str(answer["Account"]),
        arn=arn,
        # The ARN of the root user ends in `:root`, without a slash.
        user=arn.rpartition("/")[2] or arn.rpartition(":")[2],
        expires=expiry.at,
        expiry_known=expiry.known,
    )


_SOURCES = {
    KeySource.KEYRING: "the system keyring",
    KeySource.SESSION: "memory",
    KeySource.AWS_PROFILE: "the AWS profile {section}",
    KeySource.ENVIRONMENT: "the environment",
    KeySource.ROLE: "this machine's role",
}


def identity_text(clients: ClientFactory, who: Identity) -> str:
    """Return one line with the identity, the source of the keys and their expiry."""
    profile = clients.connection.profile
    source = _SOURCES[profile.source].format(section=profile.aws_profile)
    method = clients.credentials_method()
    way = "" if method in {"", "explicit"} else f" ({method})"
    return f"{who.arn}; keys from {source}{way}; {_end(who, clients.credentials_expiry())}"


def _end(who: Identity, expiry: Expiry) -> str:
    if who.expires is None:
        return "no end known" if expiry.known else "temporary, end unknown"
    left = (who.expires - utc_now()).total_seconds()
    when = format_moment(who.expires)
    return f"until {when} ({format_duration(left)} left)" if left > 0 else f"ended {when}"
