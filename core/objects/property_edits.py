"""A change of properties that applies to many objects, and what it makes of each of them."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import InvalidInput
from core.model.upload_options import Pairs, UploadOptions
from core.objects.options import check_header, check_options
from core.objects.properties import HEADERS, PROTECTED, ObjectProperties, PropertyValues
from core.objects.writing import check_metadata


@dataclass(frozen=True, slots=True)
class PropertyEdit:
    """What to change; properties that it does not name stay as they are.

    Attributes:
        storage_class: the new storage class; empty for no change.
        headers: new values of names of `HEADERS`; an empty value removes the header.
        metadata: names and values that are added or replaced.
        removed_metadata: names that are removed.
        tags: keys and values that are added or replaced.
        removed_tags: keys that are removed.
    """

    storage_class: str = ""
    headers: Pairs = ()
    metadata: Pairs = ()
    removed_metadata: tuple[str, ...] = ()
    tags: Pairs = ()
    removed_tags: tuple[str, ...] = ()

    @property
    def copies(self) -> bool:
        """Whether objects are copied onto themselves: S3 changes only tags in place."""
        return bool(self.storage_class or self.headers or self.metadata or self.removed_metadata)

    @property
    def retags(self) -> bool:
        """Whether tags are changed."""
        return bool(self.tags or self.removed_tags)

    def values_for(self, found: ObjectProperties) -> PropertyValues:
        """Return the class, headers and metadata of an object after the change."""
        headers = {**found.headers, **dict(self.headers)}
        removed = {name.lower() for name in self.removed_metadata}
        metadata = {n: v for n, v in found.metadata.items() if n.lower() not in removed}
        metadata.update({name.lower(): value for name, value in self.metadata})
        return PropertyValues(
            self.storage_class or found.storage_class,
            tuple((name, value) for name, value in headers.items() if value),
            tuple(metadata.items()),
        )

    def tags_for(self, before: Pairs) -> Pairs:
        """Return the tags of an object after the change."""
        left = {name: value for name, value in before if name not in self.removed_tags}
        return tuple({**left, **dict(self.tags)}.items())


def check_edit(edit: PropertyEdit) -> PropertyEdit:
    """Check a change for what S3 refuses for every object, and return it.

    Raises:
        InvalidInput: it changes nothing, a value is not valid, or a name is both set and removed.
    """
    if not edit.copies and not edit.retags:
        raise InvalidInput("There is nothing to change", remedy="Enter a value first.")
    options = UploadOptions(edit.storage_class, tags=edit.tags, metadata=edit.metadata)
    check_options(options)
    for name, value in edit.headers:
        if name not in HEADERS:
            raise InvalidInput(
                f"{name} is not a header that can be changed",
                cause=f"S3 stores {', '.join(HEADERS)}.",
                remedy="Use one of these names.",
            )
        check_header(name, value)
    names = [name.lower() for name, _ in edit.metadata]
    check_metadata(dict(edit.metadata))
    _refuse_twice("metadata", [*names, *(name.lower() for name in edit.removed_metadata)])
    _refuse_twice("tags", [*(name for name, _ in edit.tags), *edit.removed_tags])
    hashes = sorted(PROTECTED & {name.lower() for name in edit.removed_metadata})
    if hashes:
        raise InvalidInput(
            f"The metadata {hashes[0]} cannot be removed",
            cause="It states a hash of the content, with which downloads are compared.",
            remedy="Leave it as it is.",
        )
    return edit


def _refuse_twice(what: str, names: list[str]) -> None:
    """Refuse a name that has two values, or is both set and removed."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidInput(
            f"The {what} name {twice[0]} twice",
            cause="A name is either set to one value or removed.",
            remedy="Name it once.",
        )
