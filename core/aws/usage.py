"""Record of the actions that each profile uses, from which a minimal policy is derived.

Requests with presigned URLs and requests of other programs with the same keys are not recorded.
"""

from __future__ import annotations

from core.aws.actions import action_of
from core.aws.clients import USE_OBSERVERS
from core.local.used_actions import UsedActions

#: Services whose names in policies differ from botocore's.
_SERVICES = {"secrets-manager": "secretsmanager", "monitoring": "cloudwatch"}


def record_use(used: UsedActions | None = None) -> None:
    """Record every request of this process from now on; the programs do this, scripts need not."""
    book = used or UsedActions()

    def note(profile: str, service: str, operation: str) -> None:
        book.note(profile, action_of(f"{_SERVICES.get(service, service)}:{operation}"))

    USE_OBSERVERS[:] = [note]
