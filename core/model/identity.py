"""The identity of the caller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity of the caller (`sts:GetCallerIdentity`).

    `expires` is only set for temporary credentials; `expiry_known` is False for temporary
    credentials with an unknown expiry.
    """

    account: str
    arn: str
    user: str
    expires: datetime | None = None
    expiry_known: bool = True
