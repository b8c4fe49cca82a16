"""Records which actions the profiles of this program use, for a policy that allows no more.

Not seen: what holders of our links do with them, and what other programs do with the same keys.
"""

from __future__ import annotations

from core.aws.actions import action_of
from core.aws.clients import USE_OBSERVERS
from core.local.used_actions import UsedActions

#: botocore's names of services, and how policies call them; all others are the same.
_SERVICES = {"secrets-manager": "secretsmanager", "monitoring": "cloudwatch"}


def record_use(used: UsedActions | None = None) -> None:
    """Note every request of this process from now on; a program does so, a script need not."""
    book = used or UsedActions()

    def note(profile: str, service: str, operation: str) -> None:
        book.note(profile, action_of(f"{_SERVICES.get(service, service)}:{operation}"))

    USE_OBSERVERS[:] = [note]
