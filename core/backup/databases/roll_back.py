"""The end of a `Database.change` that is rolled back on purpose."""

from __future__ import annotations

from core.errors import StorageError


class RollBack(Exception):  # noqa: N818 - not an error: it ends the transaction of a drill
    """Raised at the end of a `Database.change` that must not be committed.

    `failure` is what has prevented the removal of something that the block has created; None after
    a complete removal. It concerns engines that do not create tables in a transaction.
    """

    failure: StorageError | None = None
