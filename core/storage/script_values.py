"""Results in the shapes that the earlier scripts use: dicts and strings that also have attributes.

Window and command line use the frozen dataclasses of `core.model`; these types are for scripts
alone, see `resources/docs/moving-from-the-earlier-scripts.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Self

from core.layout import ParsedKey
from core.model.secrets import SecretInfo

#: How far ahead of this machine's clock a stamp may be before it is reported: clocks differ.
CLOCK_TOLERANCE = timedelta(minutes=1)


class ListedSecret(dict[str, Any]):
    """One entry of `SecretsManager.list_secrets`: AWS's fields under AWS's names and under ours.

    `Name`, `ARN`, `Description`, `CreatedDate`, `LastChangedDate`, `Tags` and whatever else
    ListSecrets answered stand beside `name`, `arn`, `description`, `created`, `last_changed`,
    `last_accessed` and `deleted`; each is an item and an attribute. Dates are aware datetimes, as
    boto3 returns them: write JSON with `json.dumps(entry, default=str)`.
    """

    def __init__(self, entry: Mapping[str, Any], info: SecretInfo) -> None:
        super().__init__(
            dict(entry),
            Name=info.name,
            ARN=info.arn,
            Description=info.description,
            name=info.name,
            arn=info.arn,
            description=info.description,
            created=info.created,
            last_changed=info.changed,
            last_accessed=info.accessed,
            deleted=info.deleted,
        )

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class StoredFile(str):
    """One object of `CryptoDataManager.list_user_data_files`: its key, with what a listing knows.

    Attributes (and items, by name): `key`, `size` in bytes, `last_modified` (aware datetime),
    `etag`.
    """

    __slots__ = ("etag", "last_modified", "size")
    size: int
    last_modified: datetime
    etag: str

    def __new__(cls, key: str, size: int, last_modified: datetime, etag: str) -> Self:
        """Make one from the fields of a listing."""
        made = super().__new__(cls, key)
        made.size, made.last_modified, made.etag = size, last_modified, etag
        return made

    def __reduce__(self) -> tuple[type[StoredFile], tuple[str, int, datetime, str]]:
        """Let copies and pickles carry the attributes."""
        return (StoredFile, (self.key, self.size, self.last_modified, self.etag))

    @property
    def key(self) -> str:
        """The key as a plain string."""
        return str.__str__(self)

    def __getitem__(self, index: Any) -> Any:
        if index in ("key", "size", "last_modified", "etag"):
            return getattr(self, index)
        return super().__getitem__(index)


class FutureStampWarning(UserWarning):
    """The newest object's stamp is later than this machine's time: it was not written in UTC."""


class _Stamped:
    """Where a document came from.

    `key` is its object, `moment` the stamp in the key (UTC), `stamp_in_future` whether that
    stamp was more than a minute ahead of this machine's clock when it was read.
    """

    key: str
    moment: datetime
    stamp_in_future: bool


class MarketDocument(dict[str, Any], _Stamped):
    """A document of `get_latest_market_data`: the dict that `json.loads` gives, and its stamp."""


class MarketRows(list[Any], _Stamped):
    """The same for a document that is a bare list."""


def market_value(value: Any, found: ParsedKey, now: datetime) -> Any:
    """Return `value` as a dict or list that knows its stamp; any other JSON value as it is."""
    made: MarketDocument | MarketRows
    if isinstance(value, dict):
        made = MarketDocument(value)
    elif isinstance(value, list):
        made = MarketRows(value)
    else:
        return value
    made.key, made.moment = found.key, found.moment
    made.stamp_in_future = in_future(found, now)
    return made


def in_future(found: ParsedKey, now: datetime) -> bool:
    """Whether the stamp of a key is ahead of `now` by more than clocks may differ."""
    return found.moment - now > CLOCK_TOLERANCE
