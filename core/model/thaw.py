"""Values of the retrieval of archived backups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ThawReport:
    """The state of the objects of a backup in archive classes, and what a retrieval costs.

    `archived`, `requested` and `readable` count its objects; `size` is that of the archived ones in
    bytes. `cost` is in US dollars for the archived objects at the list prices named by `prices`,
    `duration` the time that AWS states. `until` is when the first readable copy ends. `sent` is the
    number of requests that were sent.
    """

    backup_id: str
    table: str
    classes: tuple[str, ...]
    archived: int
    requested: int
    readable: int
    size: int
    mode: str
    days: int
    cost: float
    duration: str
    prices: str
    until: datetime | None = None
    sent: int = 0

    @property
    def ready(self) -> bool:
        """Whether every object can be read."""
        return not self.archived and not self.requested
