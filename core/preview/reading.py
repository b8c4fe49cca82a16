"""Input and output of the readers of formats."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.preview.limits import Deadline, Limits
from core.preview.problems import Findings
from core.preview.values import Representation


@dataclass(frozen=True, slots=True)
class Reading:
    """The state of reading one preview. `name` is the key without packing suffixes.

    `complete` is False when only the beginning of the object (or of what was packed) is available;
    `truncated` is True when the last row may be incomplete, because reading stopped in the middle
    of it. `packed` is the compression format that was removed. With `first_only` the first
    representation is enough.
    """

    key: str
    name: str
    content_type: str
    limits: Limits
    deadline: Deadline
    findings: Findings = field(default_factory=Findings)
    complete: bool = True
    truncated: bool = False
    packed: str = ""
    first_only: bool = False

    def next_deadline(self) -> Deadline:
        """Return the deadline of the step after reading."""
        return self.deadline.more(self.limits.more_seconds)

    @property
    def filename(self) -> str:
        """The last segment of the name."""
        return self.name.rstrip("/").rsplit("/", 1)[-1]

    def ends(self, *suffixes: str) -> bool:
        """Return whether the name ends in one of `suffixes`, ignoring case."""
        return self.name.lower().endswith(suffixes)


@dataclass(frozen=True, slots=True)
class Content:
    """Result of a reader: title, count as text, and the views, best first."""

    title: str
    count: str
    representations: tuple[Representation, ...]


def counted(count: int, noun: str, *, more: bool = False) -> str:
    """Return `64 candles`, `1 row`, or `50,000+ rows` when there are `more` than were read."""
    plural = "" if count == 1 and not more else "s"
    return f"{count:,}{'+' if more else ''} {noun}{plural}"
