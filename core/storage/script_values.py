"""Results for earlier scripts: dicts and strings that also have attributes.

The window and the command line use the frozen dataclasses of `core.model`; these types are for
scripts only, see `resources/docs/moving-from-the-earlier-scripts.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Self

from core.layout.parsing import ParsedKey
from core.model.secrets import SecretInfo

#: Clock difference up to which a timestamp in the future is not reported.
CLOCK_TOLERANCE = timedelta(minutes=1)


class ListedSecret(dict[str, Any]):
    """Entry of `SecretsManager.list_secrets`, with AWS's and Strongroom's field names.

    It has all fields of ListSecrets (`Name`, `ARN`, `Description`, `CreatedDate`,
    `LastChangedDate`, `Tags`, …) and also `name`, `arn`, `description`, `created`, `last_changed`,
    `last_accessed` and `deleted`; each is an item and an attribute. Dates are aware datetimes, as
    boto3 returns them: write JSON with `json.dumps(entry, default=str)`.
    """

    def __init__(self, entry: Mapping[str, Any], info: SecretInfo) -> None:
        # AWS omits empty fields such as Description, which scripts read without a default.
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
    """Object in `CryptoDataManager.list_user_data_files`: its key, with size, time and ETag.

    Attributes (and items, by name): `key`, `size` in bytes, `last_modified` (aware datetime),
    `etag`.
    """

    __slots__ = ("etag", "last_modified", "size")
    size: int
    last_modified: datetime
    etag: str

    def __new__(cls, key: str, size: int, last_modified: datetime, etag: str) -> Self:
        """Create it from the fields of a listing."""
        made = super().__new__(cls, key)
        made.size, made.last_modified, made.etag = size, last_modified, etag
        return made

    def __reduce__(self) -> tuple[type[StoredFile], tuple[str, int, datetime, str]]:
        """Include the attributes in copies and pickles."""
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
    """The timestamp of the newest object is in the future: it was not written in UTC."""


class _Stamped:
    """Origin of a document.

    `key` is its object, `moment` the timestamp in the key (UTC), `stamp_in_future` whether that
    timestamp was more than a minute ahead of this machine's clock when it was read.
    """

    key: str
    moment: datetime
    stamp_in_future: bool


class MarketDocument(dict[str, Any], _Stamped):
    """Result of `get_latest_market_data`: the dict of `json.loads`, with its timestamp."""


class MarketRows(list[Any], _Stamped):
    """Result of `get_latest_market_data` if the document is a list."""


def market_value(value: Any, found: ParsedKey, now: datetime) -> Any:
    """Return a dict or list with its timestamp; any other JSON value is returned unchanged."""
    made: MarketDocument | MarketRows
    if isinstance(value, dict):
        made = MarketDocument(value)
    elif isinstance(value, list):
        made = MarketRows(value)
    else:
        # A number or text cannot have attributes.
        return value
    made.key, made.moment = found.key, found.moment
    made.stamp_in_future = is_in_future(found, now)
    return made


def is_in_future(found: ParsedKey, now: datetime) -> bool:
    """Return whether the timestamp of a key is ahead of `now` by more than the tolerance."""
    return found.moment - now > CLOCK_TOLERANCE
