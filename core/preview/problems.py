"""Problems in data: findings, a collector with a limit, and a summary line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from itertools import islice


class ProblemKind(Enum):
    """The kinds of findings, causes before their consequences and notes last.

    The value is the name of the kind in the singular and the plural.
    """

    TRUNCATED = ("truncated file", "truncated files")
    BROKEN = ("broken place", "broken places")
    PACKING = ("packing fault", "packing faults")
    ENCODING = ("invalid character", "invalid characters")
    HIGH_BELOW_LOW = ("candle with high below low", "candles with high below low")
    OUTSIDE_RANGE = ("candle outside its high and low", "candles outside their high and low")
    NEGATIVE = ("negative amount", "negative amounts")
    CROSSED = ("crossed book", "crossed books")
    BAD_NUMBER = ("bad number", "bad numbers")
    BAD_TIME = ("bad time", "bad times")
    BAD_ROW = ("unreadable row", "unreadable rows")
    RAGGED = ("row of another length", "rows of another length")
    DUPLICATE = ("duplicate", "duplicates")
    OUT_OF_ORDER = ("row out of order", "rows out of order")
    DUPLICATE_KEY = ("duplicate name", "duplicate names")
    GAP = ("empty interval", "empty intervals")
    LIMIT = ("limit reached", "limits reached")
    NOTE = ("note", "notes")


#: Kinds that are no fault of the data: what is normal for a feed, and what a preview leaves out.
QUIET_KINDS = frozenset({ProblemKind.GAP, ProblemKind.LIMIT, ProblemKind.NOTE})
#: Kinds of which a few are shown in their own words: each says something else.
_OWN_TEXTS = frozenset(
    {ProblemKind.TRUNCATED, ProblemKind.BROKEN, ProblemKind.PACKING}
    | {ProblemKind.LIMIT, ProblemKind.NOTE}
)
#: How many findings of these kinds are shown in their own words.
_FEW = 3
#: The note on an object of which only the first bytes were fetched.
BEGINNING = "only the beginning of the object is shown"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding.

    `row` counts from 0 in the rows of the first representation (candles, trades, table rows, lines)
    and is what a click goes to; `line` counts from 1 in the text; `start` and `end` are the bounds
    of a time range; `amount` is how many rows or intervals the finding stands for.
    """

    kind: ProblemKind
    text: str
    row: int | None = None
    line: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    amount: int = 1


@dataclass(slots=True)
class Findings:
    """Collects problems; counts all of them and stores the first `cap` of each kind."""

    cap: int = 200
    counts: Counter[ProblemKind] = field(default_factory=Counter)
    _stored: dict[ProblemKind, list[Problem]] = field(default_factory=dict)

    def add(self, problem: Problem) -> None:
        """Add one finding."""
        self.counts[problem.kind] += problem.amount
        stored = self._stored.setdefault(problem.kind, [])
        if len(stored) < self.cap:
            stored.append(problem)

    def note(self, kind: ProblemKind, text: str, *, row: int | None = None) -> None:
        """Add a finding with only a text and, if known, a row."""
        self.add(Problem(kind, text, row=row))

    def add_all(self, kind: ProblemKind, problems: Iterable[Problem], amount: int) -> None:
        """Add many findings of one kind, which represent `amount` rows or intervals together.

        Only findings within the limit are created.
        """
        if not amount:
            return
        self.counts[kind] += amount
        stored = self._stored.setdefault(kind, [])
        stored += islice(problems, max(0, self.cap - len(stored)))

    def merge(self, other: Findings, *kinds: ProblemKind) -> None:
        """Add the findings of `other`, all of them or those of `kinds`."""
        for kind, problems in other._stored.items():
            if not kinds or kind in kinds:
                self.counts[kind] += other.counts[kind]
                stored = self._stored.setdefault(kind, [])
                stored += problems[: self.cap - len(stored)]

    def problems(self) -> tuple[Problem, ...]:
        """Return what was stored: kind by kind, each in the order of discovery."""
        return tuple(problem for kind in ProblemKind for problem in self._stored.get(kind, ()))

    @property
    def total(self) -> int:
        """The number of all findings, including those that are not stored."""
        return self.counts.total()


def summary(problems: tuple[Problem, ...], counts: Counter[ProblemKind]) -> str:
    """Return one line with each kind once; a kind that was found once has its own text.

    >>> summary((Problem(ProblemKind.DUPLICATE, "1 duplicate at 18:00"),), Counter())
    '1 duplicate at 18:00'
    """
    parts = []
    for kind in ProblemKind:
        found = [problem for problem in problems if problem.kind is kind]
        amount = sum(problem.amount for problem in found)
        shown = _FEW if kind in _OWN_TEXTS else 1
        # Not all findings are stored, so the stored ones may be fewer than the counted ones.
        if 0 < len(found) <= shown and counts[kind] <= amount:
            parts += [problem.text for problem in found]
        elif found:
            parts.append(f"{max(counts[kind], amount):,} {kind.value[1]}")
    return " · ".join(parts)


def left_out(problems: tuple[Problem, ...], counts: Mapping[ProblemKind, int]) -> tuple[str, ...]:
    """Return `and 300 more duplicates` for each kind of which only some are stored."""
    stored: Counter[ProblemKind] = Counter()
    for problem in problems:
        stored[problem.kind] += problem.amount
    rest = {kind: counts.get(kind, 0) - stored[kind] for kind in ProblemKind}
    return tuple(
        f"and {amount:,} more {kind.value[amount != 1]}"
        for kind, amount in rest.items()
        if amount > 0
    )
