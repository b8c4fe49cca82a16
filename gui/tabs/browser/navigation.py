"""Navigation to a location that was typed, pasted or sent: a key, a folder or an address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject

from core.aws.buckets import bucket_brief
from core.errors import InvalidInput, StorageError
from core.layout.places import parse_place
from core.objects.bucket import Bucket
from core.objects.level import list_level
from core.work import Work
from gui.tabs.base import Tab
from gui.tabs.browser.listing import Listing, parent_of


@dataclass(frozen=True, slots=True)
class Destination:
    """A resolved location: the folder to show, the key to select, and what does not exist."""

    prefix: str
    select: str = ""
    missing: str = ""


class Navigation(QObject):
    """Resolves a text in the bucket, and shows the folder or object."""

    def __init__(self, tab: Tab, listing: Listing, arrive: Callable[[str, str], object]) -> None:
        super().__init__(tab)
        self._tab, self._listing, self._arrive = tab, listing, arrive

    def go(self, text: str) -> None:
        """Go to a key, a prefix with or without its slash, an address, or an ARN."""
        try:
            place = parse_place(text)
        except InvalidInput as error:
            self._tab.show_error(error)
            return
        bucket = self._listing.bucket
        if bucket is None:
            return
        if place.bucket and place.bucket != bucket.name:
            self._find_bucket(place.bucket, text)
            return
        if not (place.key or place.literal):
            self._show(Destination(""))
            return
        self._tab.run(
            f"Go to {place.key}",
            lambda work: find_destination(bucket, place.key, work, literal=place.literal),
            self._show,
            # The listing of that folder then shows the failure in its place.
            failed=lambda _error: self._show(destination_by_form(place.key)),
            latest="browser/go", quiet=True,
        )  # fmt: skip

    def _find_bucket(self, name: str, text: str) -> None:
        """Offer to open the bucket of a location in another bucket, if the keys can read it."""
        bucket = self._listing.bucket
        if bucket is not None:
            clients = bucket.clients
            self._tab.run(
                f"Find the bucket {name}", lambda work: bucket_brief(clients, name, work=work),
                lambda _found: self._offer(name, text),
                failed=lambda error: self._report_unreachable(name, error),
                latest="browser/go", quiet=True,
            )  # fmt: skip

    def _offer(self, name: str, text: str) -> None:
        self._tab.banner.show_warning(
            f"This place is in another bucket: {name}.",
            "All tabs then show that bucket, with the keys of the current profile.",
            action=("Open that bucket", lambda: self._open(name, text)),
        )

    def _report_unreachable(self, name: str, error: StorageError) -> None:
        why = (f"{error.summary}.", error.cause, error.remedy)
        self._tab.banner.show_warning(
            f"This place is in another bucket: {name}. This profile cannot open it.",
            " ".join(part for part in why if part),
            action=("Choose another profile", self._tab.choose_profile),
        )

    def _open(self, name: str, text: str) -> None:
        context = self._tab.context
        context.switch_bucket(name)
        context.go("browser", text)

    def go_to_nearest(self, prefix: str) -> None:
        """Show the innermost existing folder above a prefix."""
        bucket = self._listing.bucket
        if bucket is not None:
            self._tab.run(
                "Find the nearest folder", lambda work: nearest_folder(bucket, prefix, work),
                lambda found: self._show(Destination(found)), latest="browser/go", quiet=True,
            )  # fmt: skip

    def _show(self, found: Destination) -> None:
        self._arrive(found.prefix, found.select)
        if found.missing:
            self._tab.banner.show_warning(f"There is no object or folder {found.missing}.")


def find_destination(bucket: Bucket, key: str, work: Work, *, literal: str = "") -> Destination:
    """Return the location of a key or prefix; one or two LIST requests if it exists.

    An object has priority over a folder of the same name, which is listed beside it.

    Args:
        bucket: the bucket.
        key: the key or prefix.
        work: cancel token.
        literal: another spelling, with spaces or a star, that has priority if it exists.

    Raises:
        StorageError: the bucket cannot be listed there.
    """
    if literal:
        found = find_destination(bucket, literal, work)
        if not found.missing and (found.select or _exists(bucket, literal, work)):
            return found
    if not key or key.endswith("/"):
        return Destination(key)
    # The key as prefix: the object itself is the first of its results.
    if any(row.key == key for row in list_level(bucket, key, work=work).objects):
        return Destination(parent_of(key), key)
    if _exists(bucket, f"{key}/", work):
        return Destination(f"{key}/")
    return Destination(nearest_folder(bucket, key, work), missing=key)


def nearest_folder(bucket: Bucket, key: str, work: Work) -> str:
    """Return the innermost existing folder above a key or prefix; empty for the bucket.

    Raises:
        StorageError: the bucket cannot be listed there.
    """
    prefix = parent_of(key)
    while prefix and not _exists(bucket, prefix, work):
        prefix = parent_of(prefix)
    return prefix


def destination_by_form(key: str) -> Destination:
    """Return the location that the form of a key implies, without a request."""
    return Destination(key) if key.endswith("/") else Destination(parent_of(key), key)


def _exists(bucket: Bucket, prefix: str, work: Work) -> bool:
    work.check()
    # S3 has no request for the existence of a folder; listing one key is the cheapest answer.
    page = list_level(bucket, prefix, page_size=1, work=work)
    return bool(page.folders or page.objects)
