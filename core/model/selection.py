"""What a run is asked to back up, and what it left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Skipped:
    """A table that a run skipped although it was requested; `problem` is the reason.

    `locked` is whether another session locked it, so that another run may succeed.
    """

    table: str
    problem: str
    remedy: str = ""
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """The requested tables and rows of a run.

    Without `tables` all tables are requested: those that match a pattern of `include`, if there is
    one, and no pattern of `exclude`. `where` contains SQL conditions by table.
    """

    tables: tuple[str, ...] | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def scope(self) -> str:
        """The tables, for lists and messages."""
        if self.tables:
            return ", ".join(self.tables)
        found = f"tables like {', '.join(self.include)}" if self.include else "all tables"
        return f"{found} except {', '.join(self.exclude)}" if self.exclude else found
