"""Links just made, and the ledger of all links, as rows of tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from PySide6.QtCore import QObject

from core.links.ledger import Entry
from core.links.make import Link
from core.objects.presign import path_warning
from core.units import format_moment, format_remaining, utc_now
from gui.models.columns import CellText
from gui.models.roles import PILL_ROLE, TONE_ROLE
from gui.models.text_rows import TextRows
from gui.widgets.labels import shown

Row = tuple[tuple[Any, ...], tuple[CellText, ...]]


class MadeModel(TextRows):
    """The links of the last act; their URLs are not shown, only copied."""

    heads = ("Object", "For", "Ends", "Test")
    mono = 0
    _TEST = 3

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.links: tuple[Link, ...] = ()
        self._tests: dict[str, tuple[str, str]] = {}

    def show(self, links: Sequence[Link]) -> None:
        """Show links that were just made; a warning stands where a test's outcome will."""
        self.links = tuple(links)
        self._tests = {link.key: (_warned(link), "warning") for link in links if link.warnings}
        self._fill()

    def set_test(self, key: str, words: str, tone: str) -> None:
        """Show what trying the link of `key` gave."""
        self._tests[key] = (words, tone)
        self._fill()

    def _fill(self) -> None:
        self._replace([self._row(link) for link in self.links], self.links)

    def _row(self, link: Link) -> Row:
        words = self._tests.get(link.key, ("", ""))[0]
        ends = partial(_until, link.expires, known=link.expiry_known)
        texts = (shown(link.key), _purpose(link.method), ends, shown(words))
        return (link.key, link.method, link.expires, words), texts

    def _drawn(self, row: int, column: int, role: int) -> Any:
        tested = self._tests.get(self.thing(row).key)
        if role == PILL_ROLE and column == self._TEST and tested:
            return tested[1]
        return super()._drawn(row, column, role)


class LedgerModel(TextRows):
    """All links ever made here, newest first; a link that has ended is muted."""

    heads = ("Object", "For", "State", "Ends in", "Made by", "Signed with")
    mono = 0
    ages = True
    _STATE = 2

    def show(self, entries: Sequence[Entry]) -> None:
        """Show the ledger as it is now."""
        now = utc_now()
        self._replace([_ledger_row(entry, now) for entry in entries], entries)

    def entry(self, row: int) -> Entry:
        """Return the entry of a row."""
        entry: Entry = self.thing(row)
        return entry

    def _drawn(self, row: int, column: int, role: int) -> Any:
        if role == PILL_ROLE and column == self._STATE:
            tone = "good" if self.entry(row).expiry_known else "warning"
            return tone if self.entry(row).alive() else "neutral"
        if role == TONE_ROLE and not self.entry(row).alive():
            return "muted"
        return super()._drawn(row, column, role)


def _ledger_row(entry: Entry, now: datetime) -> Row:
    left = (entry.expires - now).total_seconds()
    place = f"{entry.bucket}/{entry.key}"
    texts = (
        shown(place),
        _purpose(entry.method),
        partial(_state, entry),
        partial(_left, entry),
        shown(entry.made_by),
        shown(entry.access_key_id),
    )
    return (place, entry.method, left > 0, left, entry.made_by, entry.access_key_id), texts


def _warned(link: Link) -> str:
    """Return a link's warnings in a few words: the banner has room for whole sentences."""
    missing = "no object now" if link.exists is False else ""
    path = "not for browsers" if path_warning(link.key) else ""
    return ", ".join(filter(None, (missing, path)))


def _purpose(method: str) -> str:
    return {"GET": "download", "PUT": "upload"}.get(method, method)


def _left(entry: Entry) -> str:
    """Return the time that is left; afterwards when it ended."""
    if not entry.alive():
        return format_moment(entry.expires)
    longest = "" if entry.expiry_known else "at most "
    return f"{longest}{format_remaining(entry.expires)}"


def _state(entry: Entry) -> str:
    if not entry.alive():
        return "ended"
    return "alive" if entry.expiry_known else "end unknown"


def _until(moment: datetime, *, known: bool = True) -> str:
    when = format_moment(moment)
    return when if known else f"unknown: at most {when}"
