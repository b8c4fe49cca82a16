"""The profile and bucket of a transfer, which is never sent to another bucket."""

from __future__ import annotations

from core.workspace import Workspace
from gui.context import Context
from gui.tabs.uploads.batch import Batch

NO_BUCKET = "Connect to a bucket first."
DOWNLOAD = "transfer.download"


def profile_and_bucket(workspace: Workspace) -> tuple[str, str]:
    """Return the profile and bucket of a workspace."""
    return workspace.profile.name, workspace.profile.bucket


def reason_not_to_start(context: Context, batch: Batch | None = None) -> str:
    """Return why a transfer cannot be started now, or an empty text.

    Args:
        context: the current connection, and whether it is read-only.
        batch: a batch that was started before; None for a new upload.
    """
    workspace = context.workspace
    if workspace is None:
        return NO_BUCKET
    if batch is not None and batch.profile_and_bucket not in {
        ("", ""),
        profile_and_bucket(workspace),
    }:
        return f"This belongs to profile {batch.profile_and_bucket[0]}, bucket {batch.profile_and_bucket[1]}. Switch to it first."
    return "" if batch is not None and batch.operation == DOWNLOAD else context.locked_reason
