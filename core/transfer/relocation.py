"""Plans of copies and moves: the objects, their new keys, existing objects, and the price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import InvalidInput
from core.layout.key_checks import check_key
from core.model.name_filter import NameFilter
from core.objects.bucket import Bucket
from core.transfer.other_object import refuse_overlap
from core.transfer.plan import existing_objects
from core.transfer.selection import EVERY_NAME, Matching, SelectedObjects, select_objects
from core.units import format_cost, format_counted
from core.work import Work

#: US dollars for a thousand requests in S3 Standard. Source: https://aws.amazon.com/s3/pricing,
#: us-east-1, 2025. Other regions and contracts differ; DELETE is free.
_COPY_PRICE, _HEAD_PRICE = 0.005, 0.0004
#: HEAD requests for each copy: of the source before it, and of both to verify it.
_HEADS = 2


@dataclass(frozen=True, slots=True)
class Relocation:
    """Objects and the keys of their copies as columns of equal length.

    `sizes` are in bytes. The ETag of an object that was chosen by its key only may be empty.
    `existing` has the numbers of the objects whose new keys already exist.
    """

    keys: tuple[str, ...]
    targets: tuple[str, ...]
    sizes: tuple[int, ...]
    etags: tuple[str, ...]
    existing: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """The total size in bytes."""
        return sum(self.sizes)

    @property
    def requests(self) -> int:
        """The number of requests that cost something, if all objects are small."""
        return (1 + _HEADS) * len(self.keys)

    @property
    def cost(self) -> float:
        """The price of the requests in US dollars, without traffic between regions."""
        return len(self.keys) * (_COPY_PRICE + _HEADS * _HEAD_PRICE) / 1000

    @property
    def price_text(self) -> str:
        """The requests and their price as one phrase, for example `about 60 requests, 0.02 USD`."""
        requests = format_counted(self.requests, "request")
        return f"about {requests}, {format_cost(self.cost)}"

    def new_prefix(self, folder: str) -> str:
        """Return the prefix under which the objects of a folder of the plan are afterwards."""
        for key, target in zip(self.keys, self.targets, strict=True):
            if key.startswith(folder):
                return target.removesuffix(key.removeprefix(folder))
        return folder

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the operations `transfer.copy` and `transfer.move`."""
        return {
            "keys": list(self.keys),
            "targets": list(self.targets),
            "sizes": list(self.sizes),
            "etags": list(self.etags),
        }


def keys_in_folder(keys: Sequence[str], folder: str, target: str) -> tuple[str, ...]:
    """Return the keys of objects in another folder.

    Args:
        keys: keys that begin with `folder`.
        folder: the prefix of the folder that they are in; names below it stay the same.
        target: the prefix of the other folder, empty or with a final slash.
    """
    return tuple(target + key.removeprefix(folder) for key in keys)


def plan_relocation(  # noqa: PLR0913 - one plan; all but the first three by name
    source: Bucket,
    bucket: Bucket,
    work: Work,
    *,
    keys: Sequence[str],
    targets: Sequence[str],
    sizes: Sequence[int],
    etags: Sequence[str],
) -> Relocation:
    """Return the plan of a copy or move; only the keys of the copies are inspected.

    Args:
        source: the bucket of the objects.
        bucket: the bucket of the copies.
        work: cancel token and progress.
        keys: the objects.
        targets: the keys of their copies.
        sizes: their sizes in bytes.
        etags: their listed ETags, empty where it is not known.

    Raises:
        InvalidInput: a new key is not valid, is that of another copy, or is itself an object of
            the plan.
        StorageError: the keys of the copies could not be inspected.
    """
    for target in targets:
        check_key(target)
    same_place = (source.clients.endpoint_url, source.name) == (
        bucket.clients.endpoint_url,
        bucket.name,
    )
    if same_place:
        refuse_overlap(bucket, keys, targets)
    if len({*targets}) < len(targets):
        raise InvalidInput(
            "Several objects would get the same key",
            remedy="Choose objects of one folder, or another target.",
            subject=bucket.subject(),
        )
    found, _others = existing_objects(bucket, targets, work)
    existing = tuple(number for number, target in enumerate(targets) if target in found)
    return Relocation(tuple(keys), tuple(targets), tuple(sizes), tuple(etags), existing)


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """The objects to copy, and the keys of their copies in the same order."""

    objects: SelectedObjects
    bucket: str
    targets: tuple[str, ...]

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the operation `transfer.copy`."""
        return {
            "keys": list(self.objects.keys),
            "targets": list(self.targets),
            "sizes": list(self.objects.sizes),
            "etags": list(self.objects.etags),
        }


def plan_copy(  # noqa: PLR0913 - one plan; all but the first three by name
    source: Bucket,
    bucket: Bucket,
    work: Work,
    *,
    text: str,
    target: str,
    recursive: bool = False,
    names: NameFilter = EVERY_NAME,
    matching: Matching = Matching.EITHER,
) -> CopyPlan:
    """Return which objects a copy would write; the keys of the copies are not inspected.

    Args:
        source: the bucket of the objects.
        bucket: the bucket of the copies.
        work: cancel token and progress.
        text: a key, a pattern, or with `recursive` a prefix; see `select_objects`.
        target: a key for one object; a prefix that ends with `/`, or is empty, to which the names
            of the objects are appended.
        recursive: whether `text` is a prefix.
        names: selects objects by their names.
        matching: whether a text with `*`, `?` or `[` is a key or a pattern.

    Raises:
        NotFound: there is no object.
        InvalidInput: several objects would get one key, or a target is itself copied.
        StorageError: the objects could not be listed.
    """
    found = select_objects(
        source, work, texts=[text], recursive=recursive, names=names, matching=matching
    )
    folder = not target or target.endswith("/")
    if not folder and (len(found.keys) > 1 or recursive):
        raise InvalidInput(
            f"{target} is not a prefix",
            cause=f"{format_counted(len(found.keys), 'object')} would get the same key.",
            remedy="End the target with a slash.",
            subject=bucket.subject(target),
        )
    targets = tuple(check_key(target + name) if folder else check_key(target)
                    for name in found.names)  # fmt: skip
    if source == bucket:
        refuse_overlap(bucket, found.keys, targets)
    return CopyPlan(found, bucket.name, targets)
