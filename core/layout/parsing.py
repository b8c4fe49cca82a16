"""Parsing of keys by the data contract; other keys are ordinary objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from core.layout.kinds import KINDS, Kind
from core.layout.timestamps import parse_timestamp

#: Kinds by the beginning of their keys, which identifies most keys.
_BY_PREFIX: tuple[tuple[str, str, Kind], ...] = tuple(
    # Portfolios and trades of users share the prefix user-data/; the folder after the user differs.
    (kind.prefix, {"portfolio": "/portfolio/", "user_trades": "/trades/"}.get(kind.id, ""), kind)
    for kind in KINDS
)


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """A key of the contract: its kind, its names (`symbol`, `user_id` …) and its moment (UTC)."""

    key: str
    kind: Kind
    names: dict[str, str] = field(hash=False)
    moment: datetime
    gzipped: bool

    def get(self, name: str) -> str:
        """Return one of the names, or an empty text."""
        return self.names.get(name, "")

    @property
    def symbol(self) -> str:
        """The symbol, or an empty text."""
        return self.get("symbol")

    @property
    def timeframe(self) -> str:
        """The timeframe, or an empty text."""
        return self.get("timeframe")


def parse(key: str) -> ParsedKey | None:
    """Parse a key of the contract; return None for an ordinary object."""
    found = _kind_by_prefix(key)
    match = found.pattern.fullmatch(key) if found else None
    if found is None or match is None:
        return None
    moment = parse_timestamp(match["ts"])
    # A pattern also matches impossible times, for example 30 February.
    if moment is None:
        return None
    names = {name: match[name] for name in found.names}
    return ParsedKey(key, found, names, moment, bool(match["gz"]))


def kind_of(key: str) -> str:
    """Return the id of the kind by the key's beginning alone, or `other`; fast, for statistics."""
    found = _kind_by_prefix(key)
    return found.id if found else "other"


def _kind_by_prefix(key: str) -> Kind | None:
    for prefix, middle, kind in _BY_PREFIX:
        if key.startswith(prefix) and middle in key:
            return kind
    return None
