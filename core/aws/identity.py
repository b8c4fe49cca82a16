"""Who AWS says we are."""

from __future__ import annotations

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.model.connection import Identity
from core.work import Work, default_work


def identity(clients: ClientFactory, *, work: Work | None = None) -> Identity:
    """Return account, ARN and name of the caller; `sts:GetCallerIdentity` needs no permission.

    Raises:
        StorageError: the credentials are missing, invalid or expired, or STS is out of reach.
    """
    default_work(work).check()
    with translated("sts:GetCallerIdentity", clients.connection.profile.name):
        answer = clients.sts().get_caller_identity()
    arn = str(answer["Arn"])
    return Identity(
        account=str(answer["Account"]),
        arn=arn,
        user=arn.rpartition("/")[2] or arn.rpartition(":")[2],
        expires=clients.credentials_expire(),
    )
