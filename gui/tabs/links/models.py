"""Table models of the links just created and of the list of all links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from PySide6.QtCore import QObject

from core.links.existence import NEED_OBJECT
from core.links.ledger import Entry
from core.links.make import FORM, Link, expiry_text
from core.objects.presign import path_warning
from core.units import format_age, format_count, format_counted, format_remaining, utc_now
from gui.models.columns import CellText
from gui.models.roles import PILL_ROLE, TONE_ROLE
from gui.models.text_rows import TextRows
from gui.widgets.labels import shown

#: Columns that are hidden in a narrow table of all links.
MADE_BY, SIGNED_WITH = 4, 5
_Place = tuple[str, str, str]
_NO_OBJECT = (
    "No object has this key: the link returns 404 until the object exists. Checked when the "
    "list was loaded or the object changed."
)
_NOT_CHECKED = (
    "Whether the object exists is checked only for the newest links of the current profile, and "
    "only if its permissions allow it."
)
_VERSION = (
    "This link is for the version {version}. It works until that version is deleted permanently, also "
    "while the object is in the trash."
)
Row = tuple[tuple[Any, ...], tuple[CellText, ...]]


class NewLinksModel(TextRows):
    """The links just created; their URLs are never shown, only copied."""

    heads = ("Object", "Purpose", "Expires", "Test")
    mono = 0
    ages = True
    _TEST = 3

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.links: tuple[Link, ...] = ()
        self._tests: dict[str, tuple[str, str]] = {}

    def show(self, links: Sequence[Link]) -> None:
        """Show new links; a warning is shown until the result of a test replaces it."""
        self.links = tuple(links)
        self._tests = {link.key: (_warned(link), "warning") for link in links if link.warnings}
        self._replace([self._row(link) for link in self.links], self.links)

    def set_test(self, key: str, result: str, tone: str) -> None:
        """Show the result of testing the link of `key`."""
        self._tests[key] = (result, tone)
        # Not a reset, which would clear the selection: “Copy” would then copy all links.
        for row, link in enumerate(self._items):
            if link.key == key:
                self._rows[row] = self._row(link)
                self.dataChanged.emit(self.index(row, 0), self.index(row, self._TEST))

    def _row(self, link: Link) -> Row:
        result = self._tests.get(link.key, ("", ""))[0]
        ends = partial(expiry_text, link.expires, known=link.expiry_known)
        texts = (shown(link.key), _purpose(link.method), ends, shown(result))
        return (link.key, link.method, link.expires, result), texts

    def _drawn(self, row: int, column: int, role: int) -> Any:
        tested = self._tests.get(self.item(row).key)
        if role == PILL_ROLE and column == self._TEST and tested:
            return tested[1]
        return super()._drawn(row, column, role)


class LedgerModel(TextRows):
    """All links ever created on this computer, newest first; expired links are muted.

    A download link is shown as active only after `show_existence` has reported its object.
    """

    heads = ("Object", "Purpose", "State", "Expires in", "Profile", "Signed with")
    mono = 0
    ages = True
    _STATE, _ENDS = 2, 3

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # By profile, bucket and key: the list has the links of all profiles, but only the objects
        # of the connected one can be checked.
        self._exists: dict[_Place, bool | None] = {}

    def show_existence(self, made_by: str, bucket: str, found: Mapping[str, bool | None]) -> None:
        """Show which objects of a profile's bucket exist; None means unknown."""
        self._exists |= {(made_by, bucket, key): exists for key, exists in found.items()}
        if self._rows:  # an index of row -1 would be invalid
            self.dataChanged.emit(
                self.index(0, self._STATE), self.index(len(self._rows) - 1, self._STATE)
            )

    def keys_to_check(self, made_by: str, bucket: str, limit: int) -> list[str]:
        """Return the keys of the active download links of a profile's bucket, newest first."""
        keys = (
            entry.key
            for entry in self._items
            if (entry.made_by, entry.bucket) == (made_by, bucket)
            and entry.method in NEED_OBJECT
            and not entry.version_id
            and entry.alive()
        )
        # Without duplicates: several links to one object need one request.
        return list(islice(dict.fromkeys(keys), limit))

    def show(self, entries: Sequence[Entry]) -> None:
        """Show the links that are stored now."""
        now = utc_now()
        rows = [_ledger_row(entry, now, partial(self._state, entry)) for entry in entries]
        self._replace(rows, entries)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All links, newest first."""
        return tuple(self._items)

    def entry(self, row: int) -> Entry:
        """Return the entry of a row."""
        entry: Entry = self.item(row)
        return entry

    def _state(self, entry: Entry) -> str:
        return self._state_of(entry)[0]

    def _state_of(self, entry: Entry) -> tuple[str, str, str]:
        """Return the state of a link as one or two words, its tone, and its explanation."""
        if not entry.alive():
            return "expired", "neutral", "This link has expired and can no longer be used."
        # An upload link needs no object.
        exists: bool | None = True
        unknown = _NOT_CHECKED
        if entry.version_id:
            exists, unknown = None, _VERSION.format(version=entry.version_id)
        elif entry.method in NEED_OBJECT:
            exists = self._exists.get((entry.made_by, entry.bucket, entry.key))
        if exists is False:
            return "no object", "warning", _NO_OBJECT
        if not entry.expiry_known:
            return "expiry unknown", "warning", "The credentials that signed it may expire earlier."
        return ("active", "good", "") if exists else ("not checked", "neutral", unknown)

    def _tooltip(self, row: int, column: int) -> str:
        """Return the explanation of the state, the time of expiry, or the access key."""
        entry = self.entry(row)
        return {
            self._STATE: self._state_of(entry)[2],
            self._ENDS: expiry_text(entry.expires, known=entry.expiry_known),
            MADE_BY: f"Signed with {entry.access_key_id}",
        }.get(column, "")

    def _drawn(self, row: int, column: int, role: int) -> Any:
        if role == PILL_ROLE and column == self._STATE:
            return self._state_of(self.entry(row))[1]
        if role == TONE_ROLE and not self.entry(row).alive():
            return "muted"
        return super()._drawn(row, column, role)


def _ledger_row(entry: Entry, now: datetime, state: CellText) -> Row:
    left = (entry.expires - now).total_seconds()
    version = f" (version {entry.version_id})" if entry.version_id else ""
    place = f"{entry.bucket}/{entry.key}{version}"
    # Functions instead of texts are called for each paint: states and remaining times change.
    texts = (
        shown(place),
        _purpose(entry.method),
        state,
        partial(_left, entry),
        shown(entry.made_by),
        shown(entry.access_key_id),
    )
    return (place, entry.method, left > 0, left, entry.made_by, entry.access_key_id), texts


def warning_text(warned: int, links: Sequence[Link]) -> str:
    """Return the warning about `warned` of several new links, and how many were not checked."""
    missing = sum(link.exists is False for link in links)
    unknown = sum(link.exists is None and link.method in NEED_OBJECT for link in links)
    parts = [f"{format_count(missing)} without an object"]
    parts += [f"{format_count(unknown)} not checked"] if unknown else []
    return (
        f"{format_count(warned)} of {format_counted(len(links), 'link')} may not work "
        f"({', '.join(parts)}): see the Test column."
    )


def _warned(link: Link) -> str:
    """Return a link's warnings in a few words; the banner has the complete sentences."""
    missing, path = link.exists is False, bool(path_warning(link.key))
    if missing and path:
        return "no object now, not for browsers"
    if missing:
        return "no object now"
    return "not for browsers" if path else ""


def _purpose(method: str) -> str:
    return {"GET": "download", "PUT": "upload", FORM: "upload form"}.get(method, method)


def _left(entry: Entry) -> str:
    """Return the time until the link expires, or how long ago it expired."""
    if not entry.alive():
        return f"expired {format_age(entry.expires)}"
    left = format_remaining(entry.expires)
    return left if entry.expiry_known else f"at most {left}"
