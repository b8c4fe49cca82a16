"""The account-wide block of public access, which applies to every bucket of the account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.aws.identity import identity
from core.errors import Cancelled, NotFound, StorageError
from core.work import Work, default_work


@dataclass(frozen=True, slots=True)
class AccountBlock:
    """Block settings of the account: empty if there are none, None if they cannot be read.

    Servers other than AWS (`on_aws` is False) have no such settings.
    """

    settings: Mapping[str, bool] | None
    on_aws: bool

    def get(self, name: str) -> bool | None:
        """Return whether a setting is enabled, or None if it is unknown."""
        return None if self.settings is None else bool(self.settings.get(name))


def account_block(clients: ClientFactory, *, work: Work | None = None) -> AccountBlock:
    """Return the settings of the account; requires `s3:GetAccountPublicAccessBlock`.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    work = default_work(work)
    if clients.endpoint_url is not None:
        return AccountBlock({}, on_aws=False)
    try:
        # The API of the account is called with its number, which only STS reports.
        account = identity(clients, work=work).account
        with translated("s3:GetAccountPublicAccessBlock", f"account {account}", work):
            answer = clients.s3_account().get_public_access_block(AccountId=account)
    except Cancelled:
        raise
    except NotFound:
        return AccountBlock({}, on_aws=True)
    except StorageError:  # denied or unreachable: the judgement states what could not be read
        return AccountBlock(None, on_aws=True)
    return AccountBlock(answer.get("PublicAccessBlockConfiguration", {}), on_aws=True)
