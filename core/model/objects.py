"""Objects of a bucket as listings and heads tell them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One object of a listing. `size` in bytes, `modified` aware UTC, `etag` without quotes."""

    key: str
    size: int
    modified: datetime
    etag: str = ""
    storage_class: str = "STANDARD"


@dataclass(frozen=True, slots=True)
class LevelPage:
    """One page of one folder: sub-prefixes (ending in `/`) and objects directly below `prefix`.

    `token` continues the listing; None on the last page. `fetched` is when it was asked for.
    """

    prefix: str
    folders: tuple[str, ...]
    objects: tuple[ObjectRow, ...]
    token: str | None
    fetched: datetime


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a HEAD of one object tells."""

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


@dataclass(frozen=True, slots=True)
class Written:
    """The truthy result of a write: where the bytes now are. `size` in bytes."""

    key: str
    etag: str
    size: int
    version_id: str | None = None
    sha256: str | None = None
