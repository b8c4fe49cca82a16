"""Proof that the target of a copy is another object than its source.

A move removes its source, and a copy may replace its target: if both are one object, its content is
lost. The texts of the addresses do not show it: one bucket can be reached by several endpoints and
names, and some servers store `a//b` as `a/b`. So the servers are asked.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from enum import Enum, auto
from unicodedata import normalize
from urllib.parse import unquote_plus

from core.errors import AccessDenied, InvalidInput, NotFound, StorageError
from core.objects.bucket import Bucket
from core.objects.probes import stored_probe
from core.objects.reading import head
from core.transfer.selection import folder_of
from core.units import format_counted
from core.work import Work

#: Ends of names of access points, which are further names of a bucket. Source: S3 user guide,
#: "Bucket naming rules": no bucket of a user has such a name.
_ALIASES = ("-s3alias", "--ol-s3", ".mrap", "--xa-s3", "-opl-s3")
#: The times of an object at two addresses never differ by as much.
_OTHER_TIME = timedelta(seconds=60)


class Place(Enum):
    """Whether two addresses reach one folder of one bucket."""

    SAME = auto()
    OTHER = auto()
    UNKNOWN = auto()


class Targets:
    """The targets of one copy or move, and what is known about their places; for several threads.

    Most copies need no request, and those to another server two for the run: the first target does
    not exist, although its source does. Only if it exists, an object of one byte is stored beside
    it and looked for beside the source. If that shows nothing, because a missing key is denied, the
    states of the objects may: different contents, or times that differ.
    """

    def __init__(self, source: Bucket, bucket: Bucket, work: Work) -> None:
        self._source, self._bucket, self._work = source, bucket, work
        self._lock = threading.Lock()
        self._places: dict[tuple[str, str], Place] = {}
        #: Why it is not known whether places differ, and the permission that would show it.
        self._reason = self._missing = ""
        #: Whether both have the same connection and bucket.
        self.in_place = source.clients is bucket.clients and source.name == bucket.name
        self._by_names = _differ_by_name(source, bucket)

    def refuse_overlap(self, keys: Sequence[str], targets: Sequence[str]) -> None:
        """Refuse objects that would be copied and replaced, also in a bucket with two addresses.

        Raises:
            InvalidInput: the targets of some objects are themselves objects to copy.
            StorageError: a server did not answer.
        """
        both = {*keys} & {*targets}
        if not both or self._by_names:
            return
        if self.in_place or self._place_of(min(both), min(both)) is Place.SAME:
            refuse_overlap(self._bucket, keys, targets)

    def check(self, key: str, target: str) -> bool:
        """Check that a target is another object than its source, or does not exist.

        Returns:
            Whether that is proven. If not, the copy must not replace an object: if the target then
            exists, see `unproven`.

        Raises:
            InvalidInput: it is the source, or it exists and may be the source.
            StorageError: a server did not answer.
        """
        if self.in_place:
            self._check_keys(key, target)
            return True
        place = Place.OTHER if self._by_names else self._place_of(key, target)
        if place is Place.SAME:
            self._check_keys(key.removeprefix(folder_of(key)), target.removeprefix(folder_of(target)),
                             (key, target))  # fmt: skip
        return place is not Place.UNKNOWN or self._is_other(key, target)

    def _is_other(self, key: str, target: str) -> bool:
        """Return whether a target is another object, of whose folder that is not known.

        Raises:
            InvalidInput: it exists, and may be the source.
        """
        try:
            exists = self._exists(self._bucket, target)
        except AccessDenied:
            return False  # it does not exist, or may not be read
        if exists and not self._differ(key, target):
            raise self.unproven(key, target)
        if exists or self._exists(self._source, key):
            # What shows it of one object shows it of its folder.
            with self._lock:
                self._places[_without_common_end(key, target)] = Place.OTHER
        return True

    def merged(self, targets: Sequence[str]) -> set[int]:
        """Return the numbers of targets that the server may store as one object.

        The first one of each such group is not among them.
        """
        if self._bucket.clients.endpoint_url is None:
            return set()
        spellings = [_spelling(target) for target in targets]
        if len({*spellings}) == len(spellings):
            return set()
        counts: Counter[str] = Counter()
        found = set()
        for number, spelling in enumerate(spellings):
            if counts[spelling]:
                found.add(number)
            counts[spelling] += 1
        return found

    def seem_same(self, key: str) -> bool:
        """Return whether both buckets show the same object under a key; nothing is stored.

        A replica can look the same: only the copy itself proves the difference.
        """
        if self.in_place or self._by_names:
            return self.in_place
        return self._look_alike(key, key)

    def _check_keys(self, name: str, other: str, keys: tuple[str, str] | None = None) -> None:
        """Check two keys of one place: other keys are other objects, unless only the spelling differs."""
        key, target = keys or (name, other)
        if name == other:
            raise InvalidInput(
                f"{key} cannot be copied to itself",
                cause=f"{self._bucket.subject(target)} is the same object.",
                remedy="Choose another key or another bucket.",
                subject=self._bucket.subject(target),
            )
        # S3 itself distinguishes all keys.
        if self._bucket.clients.endpoint_url is None or _spelling(name) != _spelling(other):
            return
        if self._look_alike(key, target):
            raise self.unproven(key, target)

    def _look_alike(self, key: str, target: str) -> bool:
        """Return whether the target exists, and has the ETag, size, time and version of the source."""
        try:
            found = head(self._bucket, target, work=self._work)
        except NotFound:
            return False
        ours = head(self._source, key, work=self._work)
        return (ours.etag, ours.size, ours.modified, ours.version_id) == (
            found.etag,
            found.size,
            found.modified,
            found.version_id,
        )

    def _exists(self, bucket: Bucket, key: str) -> bool:
        try:
            head(bucket, key, work=self._work)
        except NotFound:
            return False
        return True

    def _place_of(self, key: str, target: str) -> Place:
        """Return whether the folders of a source and of its target are one; asked once for each pair."""
        pair = _without_common_end(key, target)
        with self._lock:
            if pair not in self._places:
                self._places[pair] = self._asked(key, target)
            return self._places[pair]

    def _asked(self, key: str, target: str) -> Place:
        # Without the right to list, a missing key is denied, too: then the probe decides.
        with suppress(AccessDenied):
            # In this order: a source that was removed just now would look like a missing target.
            if not self._exists(self._bucket, target) and self._exists(self._source, key):
                return Place.OTHER
        try:
            with stored_probe(self._bucket, folder_of(target), self._work) as name:
                seen = self._is_seen(folder_of(key) + name)
        except StorageError as error:
            self._work.check()
            if error.retryable:
                raise
            self._reason = (
                self._reason or f"An object that would show it cannot be stored: {error.summary}."
            )
            seen = None
        if seen is None:
            # Then only targets that do not exist are written.
            return Place.OTHER if self._differ(key, target) else Place.UNKNOWN
        return Place.SAME if seen else Place.OTHER

    def _is_seen(self, key: str) -> bool | None:
        """Return whether the source has a probe; None if it denies missing keys."""
        try:
            return self._exists(self._source, key)
        except AccessDenied:
            place = self._source.subject()
            self._missing = f"s3:ListBucket on {place}"
            self._reason = (
                f"s3:ListBucket is missing on {place}: without it, the server answers for a missing "
                "key as for a forbidden one."
            )
            return None

    def _differ(self, key: str, target: str) -> bool:
        """Return whether two objects of one name show by their state that their folders differ."""
        if key.removeprefix(folder_of(key)) != target.removeprefix(folder_of(target)):
            return False
        try:
            # The target twice: an object that is replaced between the requests differs from itself.
            found = [
                head(bucket, name, work=self._work)
                for bucket, name in (
                    (self._bucket, target),
                    (self._source, key),
                    (self._bucket, target),
                )
            ]
        except (AccessDenied, NotFound):
            return False
        before, ours, after = ((each.etag, each.size) for each in found)
        if before != after or found[0].modified != found[2].modified:
            return False
        # Two programs that show the files of one disk may round the time of one object differently.
        return before != ours or abs(found[0].modified - found[1].modified) >= _OTHER_TIME

    def unproven(self, key: str, target: str) -> InvalidInput:
        """Return the error about a target that exists and may be the source."""
        grant = f"Ask an administrator to grant {self._missing}. " if self._missing else ""
        other = "Choose a target that does not exist, or compare both objects yourself."
        reason = f" {self._reason}" if self._reason else ""
        return InvalidInput(
            f"{key} and its target may be the same object",
            cause=f"{self._bucket.subject(target)} exists, and the servers do not show that it is "
            f"another object.{reason}",
            remedy=f"{grant}Otherwise c{other[1:]}" if grant else other,
            subject=self._bucket.subject(target),
        )


def refuse_overlap(bucket: Bucket, keys: Sequence[str], targets: Sequence[str]) -> None:
    """Refuse a plan in which an object is both copied and replaced: its result depends on the order.

    Raises:
        InvalidInput: a key is also a target.
    """
    both = {*keys} & {*targets}
    if not both:
        return
    if tuple(keys) == tuple(targets):
        raise InvalidInput(
            "The objects already have these keys",
            cause="The new keys are the present ones.",
            remedy="Choose another folder or another bucket.",
            subject=bucket.subject(min(both)),
        )
    raise InvalidInput(
        f"{format_counted(len(both), 'object')} would be copied and replaced by another copy",
        cause=f"The source and the target overlap, for example at {min(both)}.",
        remedy="Choose a target outside the source.",
        subject=bucket.subject(min(both)),
    )


def _differ_by_name(source: Bucket, bucket: Bucket) -> bool:
    """Return whether the names of two buckets of AWS prove that they are not one bucket."""
    if source.clients.endpoint_url is not None or bucket.clients.endpoint_url is not None:
        return False
    names = (source.name, bucket.name)
    alias = any(":" in name or name.endswith(_ALIASES) for name in names)
    return names[0] != names[1] and not alias


def _without_common_end(key: str, target: str) -> tuple[str, str]:
    """Return two keys without the parts at their ends that are equal: what a move changes."""
    ours, theirs = key.split("/"), target.split("/")
    while ours and theirs and ours[-1] == theirs[-1]:
        ours.pop()
        theirs.pop()
    return "/".join(ours), "/".join(theirs)


def _spelling(key: str) -> str:
    """Return one text for all keys that some server stores as one object.

    Servers on file systems ignore empty and relative parts, upper and lower case, forms of Unicode,
    or dots and spaces at the end of a name; others decode a key twice.
    """
    text = key if key.isascii() else normalize("NFKC", key)
    if "%" in text or "+" in text:
        text = unquote_plus(text)
    parts: list[str] = []
    for part in text.casefold().replace("\\", "/").split("/"):
        if part == "..":
            del parts[-1:]
        elif name := part.strip(". "):
            parts.append(name)
    return "/".join(parts)
