"""The range of data to collect, checked, and the prefixes that contain its objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core.errors import InvalidInput
from core.layout.key_checks import check_segment
from core.layout.kinds import Kind, kind
from core.preview.candles import step_of
from core.units import as_utc, iso_utc

#: Kinds that can be collected. Backups and logs have their own commands.
COLLECTED = ("ohlcv", "trades", "orderbook", "user_trades", "portfolio", "analytics")
#: An object has the time of its first or last row, and usually the rows of one request: exchanges
#: return about this many candles at once.
_ROWS_OF_A_FILE = 100
_LEAST_MARGIN = {
    "ohlcv": timedelta(days=1),
    "trades": timedelta(days=1),
    # Trades of users are saved once a month in the layout of the contract.
    "user_trades": timedelta(days=31),
}
_DAY = timedelta(days=1)
_MOST_SECONDS = 3_660 * 86_400
_PATTERN = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Request:
    """A range of data: objects of one kind, of some names, with rows from `start` to before `end`.

    Attributes:
        kind: the id of the kind, one of `COLLECTED`.
        names: the symbols, users or report types, without patterns.
        timeframe: the timeframe of candles, for example `1h`; empty for other kinds.
        start: the first moment of the rows, in UTC.
        end: the first moment after the rows.
        margin: how much earlier and later than the range the times in the objects' keys may be.
    """

    kind: str
    names: tuple[str, ...]
    timeframe: str
    start: datetime
    end: datetime
    margin: timedelta

    @property
    def first(self) -> datetime:
        """The earliest time in the key of an object that may contain rows of the range."""
        return shifted(self.start, -self.margin)

    @property
    def last(self) -> datetime:
        """The time in keys from which on objects are not read."""
        return shifted(self.end, self.margin)


def request_of(
    kind_id: str,
    names: Sequence[str],
    timeframe: str = "",
    start: str = "",
    end: str = "",
    margin: float | None = None,
) -> Request:
    """Return a request from texts, as they are typed.

    Args:
        kind_id: one of `COLLECTED`.
        names: the symbols, users or report types; patterns such as `BTC-*` are allowed here.
        timeframe: the timeframe of candles.
        start: a date or time (ISO 8601, UTC).
        end: a date, which belongs to the range, or the time at which the range ends.
        margin: the seconds of that of `Request`; by default enough for the usual number of rows in
            an object.

    Raises:
        InvalidInput: a value is missing, unknown or contradictory.
    """
    found = _known(kind_id)
    _check_names(found, names, timeframe)
    first, last = moment_of_text("from", start), moment_of_text("to", end, inclusive=True)
    if first >= last:
        raise InvalidInput(
            "The range is empty",
            cause=f"It would begin at {start} and end at {end}.",
            remedy="Choose an end that is after the beginning.",
        )
    return Request(
        kind_id, tuple(dict.fromkeys(names)), timeframe, first, last,
        usual_margin(kind_id, timeframe) if margin is None else _duration(margin),
    )  # fmt: skip


def _duration(seconds: float) -> timedelta:
    if not 0 <= seconds <= _MOST_SECONDS:
        raise InvalidInput(f"The margin {seconds} is out of range", remedy="Use 0 to 3,660 days.")
    return timedelta(seconds=seconds)


def is_pattern(name: str) -> bool:
    """Return whether a name has characters of a pattern, such as `BTC-*`."""
    return not _PATTERN.isdisjoint(name)


def usual_margin(kind_id: str, timeframe: str) -> timedelta:
    """Return how far the rows of an object usually are from the time in its key."""
    interval = timedelta(seconds=step_of(timeframe)) if timeframe else timedelta()
    return max(_LEAST_MARGIN.get(kind_id, timedelta(hours=1)), interval * _ROWS_OF_A_FILE)


def moment_of_text(name: str, text: str, *, inclusive: bool = False) -> datetime:
    """Return the moment that a date or time names, in UTC.

    Args:
        name: the option, for the error.
        text: ISO 8601; without a zone it is UTC.
        inclusive: whether a date without time means its end.

    Raises:
        InvalidInput: the text is no date or time.
    """
    text = text.strip()
    try:
        if len(text) == len("2024-01-15"):
            day = datetime.combine(date.fromisoformat(text), time(), UTC)
            return shifted(day, _DAY) if inclusive else day
        return as_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{text!r} is no date or time" if text else f"The range has no {name}",
            remedy=f"Give {name} as 2024-01-15 or as 2024-01-15T10:00:00Z (UTC).",
        ) from None


def day_text(moment: datetime) -> str:
    """Return the day of a moment in UTC, as `request_of` reads it."""
    return iso_utc(moment)[: len("2024-01-15")]


def prefix_of(found: Kind, name: str, timeframe: str = "") -> str:
    """Return the prefix of a name's objects, up to the folder of the year."""
    values = {found.names[0]: name, "timeframe": timeframe}
    return found.template.partition("{Y}")[0].format(**values)


def _known(kind_id: str) -> Kind:
    if kind_id not in COLLECTED:
        raise InvalidInput(
            f"{kind_id!r} cannot be collected",
            remedy=f"Use {', '.join(COLLECTED[:-1])} or {COLLECTED[-1]}.",
        )
    return kind(kind_id)


def _check_names(found: Kind, names: Sequence[str], timeframe: str) -> None:
    label = found.names[0].replace("_", " ")
    if not names:
        raise InvalidInput(
            f"The {label} is missing", remedy=f"Name at least one {label}, or a pattern such as *."
        )
    for name in names:
        check_segment(label, name)
    if "timeframe" in found.names:
        if not timeframe:
            raise InvalidInput(
                "The timeframe is missing",
                cause=f"{found.title} are stored by timeframe.",
                remedy="Name a timeframe, for example 1m.",
            )
        check_segment("timeframe", timeframe)
    elif timeframe:
        raise InvalidInput(f"{found.title} have no timeframe", remedy="Omit the timeframe.")


def shifted(moment: datetime, by: timedelta) -> datetime:
    """Add a duration; a result outside the calendar is its nearest end."""
    try:
        return moment + by
    except OverflowError:
        return (
            datetime(9999, 12, 31, tzinfo=UTC)
            if by > timedelta()
            else datetime(1, 1, 1, tzinfo=UTC)
        )
