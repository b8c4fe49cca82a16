"""Objects of a bucket, as returned by listings and HeadObject."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """An object in a listing; `size` in bytes, `modified` aware UTC, `etag` without quotes."""

    key: str
    size: int
    modified: datetime
    etag: str = ""
    storage_class: str = "STANDARD"


@dataclass(frozen=True, slots=True)
class LevelPage:
    """One page of one folder: sub-prefixes (ending in `/`) and objects directly below `prefix`.

    `token` is the start of the next page; None on the last page. `fetched` is the request time.
    """

    prefix: str
    folders: tuple[str, ...]
    objects: tuple[ObjectRow, ...]
    token: str | None
    fetched: datetime


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """The result of HeadObject."""

    key: str
    size: int
    modified: datetime
    etag: str
    content_type: str
    storage_class: str
    metadata: dict[str, str] = field(default_factory=dict)
    version_id: str | None = None
    encryption: str | None = None
    content_encoding: str | None = None
    sha256: str | None = None
