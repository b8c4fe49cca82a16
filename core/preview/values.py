"""Frozen values of previews, ready for display, with exact numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from core.preview.numbers import exact_copy
from core.preview.problems import Problem, ProblemKind, left_out, summary
from core.preview.releasing import hand_over
from core.preview.series import Candle, CandleSeries

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.preview.series import Floats, Moments

#: Quantities in a `Heat` have this many degrees for each side.
DEGREES = 127


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing candles between two existing ones: `after` and `before` are their positions."""

    after: int
    before: int
    missing: int


@dataclass(frozen=True, slots=True)
class Candles:
    """Candles in order of time. `step` is their distance in seconds, 0 when it is unknown."""

    symbol: str
    timeframe: str
    candles: Sequence[Candle]
    gaps: tuple[Gap, ...] = ()
    step: int = 0
    label: str = "Chart"

    @property
    def series(self) -> CandleSeries:
        """The candles as columns, for drawing and comparing."""
        made = self.candles
        return made if isinstance(made, CandleSeries) else CandleSeries.of(made)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candles of several symbols, to be compared by their change in percent."""

    symbols: tuple[Candles, ...]
    label: str = "Compare"


@dataclass(frozen=True, slots=True)
class Panes:
    """Candles of several symbols or timeframes, one chart below the other."""

    charts: tuple[Candles, ...]
    label: str = "Charts"


@dataclass(frozen=True, slots=True)
class Level:
    """One price level of an order book."""

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """An order book: bids from the highest, asks from the lowest.

    `floats` has the prices and quantities of both sides as doubles, shape (2, n), for drawing: they
    are created here, not in the thread that draws.
    """

    symbol: str
    when: datetime | None
    bids: Sequence[Level]
    asks: Sequence[Level]
    label: str = "Depth"
    floats: tuple[Floats, Floats] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # The only way to set a field of a frozen class.
        object.__setattr__(self, "floats", (_floats_of(self.bids), _floats_of(self.asks)))


def _floats_of(levels: Sequence[Level]) -> Floats:
    import numpy as np

    numbers = (float(value) for level in levels for value in (level.price, level.quantity))
    return np.fromiter(numbers, float, 2 * len(levels)).reshape(len(levels), 2).T


@dataclass(frozen=True, slots=True)
class Heat:
    """Quantities by price and time.

    Attributes:
        low: the lowest price, the lower edge of the last row.
        high: the highest price, the upper edge of the first row.
        cells: 0 where there are no orders, 1 to `DEGREES` for bids, and the degree plus `DEGREES`
            for asks, in proportion to the square root of the quantity; shape (rows, columns).
        best: the best bid and the best ask of each column, NaN without any; shape (2, columns).
        most: the quantity of the highest degree.
    """

    low: float
    high: float
    cells: NDArray[np.uint8]
    best: Floats
    most: float


@dataclass(frozen=True, slots=True)
class BookHistory:
    """Order books of one symbol in order of time.

    `times` has their times in microseconds since 1970, shape (n,). `books` may create each book on
    access; `heat` has the quantities of all of them.
    """

    symbol: str
    times: Moments
    books: Sequence[Book]
    heat: Heat
    label: str = "Replay"


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades in order of time, for drawing.

    `times` are microseconds since 1970, shape (n,); `floats` price and quantity as doubles, shape
    (2, n); `sells` which trades were sells of the taker, `unknown` which have no side; `written`
    price and quantity of each trade as written; `ids` a number for the id of each trade, 0 without
    one, shape (n,).
    """

    symbol: str
    times: Moments
    floats: Floats
    sells: NDArray[np.bool_]
    unknown: NDArray[np.bool_]
    written: Sequence[tuple[str, str]]
    ids: Moments
    label: str = "Volume"


@dataclass(frozen=True, slots=True)
class Holding:
    """An asset of a portfolio; `value` in US dollars, None if unknown."""

    symbol: str
    quantity: Decimal | None
    value: Decimal | None
    average: Decimal | None = None
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Holdings:
    """A portfolio: its assets from the most to the least valuable. `total` as written."""

    user: str
    when: datetime | None
    holdings: tuple[Holding, ...]
    total: Decimal | None = None
    label: str = "Holdings"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text; `numeric` marks columns of numbers, `more` means that rows are omitted.

    `rows` may create each row on access; `cell` creates a single cell. `signs` is the column whose
    texts (buy and sell, or levels) are coloured, or "". `types` are the types of the columns:
    those of the file if it has any (`declared`), else those of the first rows (see
    `core.preview.column_types`). `semicolons` means that these separate the cells of the file, as
    programs write that use decimal commas.
    """

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numeric: tuple[bool, ...]
    more: bool = False
    signs: str = ""
    label: str = "Table"
    types: tuple[str, ...] = ()
    declared: bool = False
    semicolons: bool = False

    def __del__(self) -> None:
        hand_over(self.rows)

    def cell(self, row: int, column: int) -> str:
        """Return the text of one cell."""
        make = getattr(self.rows, "cell", None)
        return str(make(row, column)) if make else self.rows[row][column]


@dataclass(frozen=True, slots=True)
class Tree:
    """A JSON value, which must not be changed.

    `value` is what was read: dict, list, str, bool, None, and numbers in the forms that
    `core.preview.numbers` knows.
    """

    value: Any
    label: str = "JSON"

    def __del__(self) -> None:
        hand_over(self.value)

    @property
    def root(self) -> Any:
        """A copy of the value in which every number is a `Number`; large ones take a while."""
        return exact_copy(self.value)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of text without terminal escapes; `levels` has one letter per line for logs.

    `longest` is the number of letters of the longest line: it is counted here, not in the thread
    that draws.
    """

    lines: tuple[str, ...]
    levels: str = ""
    more: bool = False
    label: str = "Text"
    longest: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        longest = max(map(len, self.lines), default=0)
        # The only way to set a field of a frozen class.
        object.__setattr__(self, "longest", longest)

    def __del__(self) -> None:
        hand_over(self.lines)


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes of a picture; nothing is decoded here. `width` 0 when the header is not read."""

    form: str
    data: bytes = field(repr=False)
    width: int = 0
    height: int = 0
    label: str = "Picture"


@dataclass(frozen=True, slots=True)
class HexDump:
    """The first bytes, to be shown as hexadecimal beside their letters."""

    data: bytes = field(repr=False)
    more: bool = False
    label: str = "Bytes"


Representation = (
    Candles
    | Comparison
    | Panes
    | Book
    | BookHistory
    | Trades
    | Holdings
    | Table
    | Tree
    | Lines
    | Picture
    | HexDump
)


@dataclass(frozen=True, slots=True)
class Preview:
    """The preview of one object.

    `representations` are the ways to see it, the best first; never empty.
    `title` and `count` are the heading of the view ("BTC-USD · 1h", "64 candles"). `packed` is the
    compression format. `complete` is False if only the beginning was read.
    """

    key: str
    title: str
    count: str
    representations: tuple[Representation, ...]
    problems: tuple[Problem, ...] = ()
    counts: Mapping[ProblemKind, int] = field(default_factory=dict)
    packed: str = ""
    complete: bool = True

    @property
    def empty(self) -> bool:
        """Whether the object has no bytes."""
        first = self.representations[0]
        return isinstance(first, Lines) and not first.lines and not first.more

    @property
    def problems_left_out(self) -> tuple[str, ...]:
        """Texts with the number of further findings for each kind."""
        return left_out(self.problems, self.counts)

    @property
    def problem_texts(self) -> str:
        """One line with all problems, causes first, or empty."""
        return summary(self.problems, Counter(self.counts))
