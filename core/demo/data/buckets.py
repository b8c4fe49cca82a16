"""The demo's buckets in moto: settings, objects with their versions, unfinished uploads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from moto.s3.models import FakeDeleteMarker, FakeKey, PublicAccessBlock, s3_backends
from requests.structures import CaseInsensitiveDict

from core.demo.data import candles, logs, market, other_objects, reports, tables, users
from core.demo.data.identities import ACCOUNT
from core.demo.data.sample import START, TEXT, Sample, randomness
from core.model.connection import DEFAULT_BUCKET, DEFAULT_REGION

#: Generators of the objects of the first bucket, one for each kind of data.
STREAMS: tuple[Callable[[], Iterator[Sample]], ...] = (
    candles.ohlcv,
    market.orderbooks,
    market.ticks,
    users.portfolios,
    users.trades,
    reports.reports,
    tables.backups,
    logs.logs,
    other_objects.others,
)
#: A second bucket in another region: requests for it have to be redirected.
ARCHIVE_BUCKET = "tentimecrypto-archive"
ARCHIVE_REGION = "eu-west-1"
_ENCRYPTION = "AES256"
#: Larger than every sample: moto writes larger bodies into temporary files.
_BUFFER_BYTES = 64 * 1024 * 1024

_RULES: list[dict[str, Any]] = [
    {
        "ID": "expire-logs",
        "Status": "Enabled",
        "Filter": {"Prefix": "logs/"},
        "Expiration": {"Days": "365"},
    },
    {
        "ID": "abort-unfinished-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": "7"},
    },
]


def samples() -> Iterator[Sample]:
    """Yield every object version of the first bucket; versions of a key oldest first."""
    for stream in STREAMS:
        yield from stream()


def make_buckets() -> None:
    """Create and fill the buckets.

    The objects of moto are created directly: uploading them over HTTP would take much longer.
    """
    backend = s3_backends[ACCOUNT]["aws"]
    bucket = _bucket(DEFAULT_BUCKET, DEFAULT_REGION)
    bucket.set_lifecycle(_RULES)
    _fill(bucket, samples(), randomness("versions"))
    for number, key in enumerate(("exports/full-2023.tar", "market-data/import/ticks-2023.csv")):
        upload = backend.create_multipart_upload(
            DEFAULT_BUCKET, key, CaseInsensitiveDict(), "STANDARD", {}, None, _ENCRYPTION, ""
        )
        upload.set_part(1, b"%d" % number * (6 * 1024 * 1024))
    archive = _bucket(ARCHIVE_BUCKET, ARCHIVE_REGION)
    note = Sample("2023/README.txt", b"Candles of 2023, moved here in January.\n", START, TEXT)
    _fill(archive, [note], randomness("archive"))


def _bucket(name: str, region: str) -> Any:
    backend: Any = s3_backends[ACCOUNT]["aws"]
    bucket = backend.create_bucket(name, region)
    bucket.versioning_status = "Enabled"
    bucket.creation_date = datetime(2023, 9, 4, 8, 12, tzinfo=UTC)
    bucket.public_access_block = PublicAccessBlock("true", "true", "true", "true")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": _ENCRYPTION}}
    bucket.encryption = {"Rule": rule}
    bucket.ownership_rule = "BucketOwnerEnforced"
    return bucket


def _fill(bucket: Any, found: Iterable[Sample], random: Random) -> None:
    for sample in found:
        version = str(UUID(int=random.getrandbits(128), version=4))
        held = bucket.keys.getlist(sample.key) or []
        made = _marker(held[-1], sample, version) if sample.deleted else None
        bucket.keys.setlist(sample.key, [*held, made or _key(bucket, sample, version)])


def _key(bucket: Any, sample: Sample, version: str) -> FakeKey:
    key = FakeKey(
        sample.key,
        sample.body,
        ACCOUNT,
        bucket.region_name,
        is_versioned=True,
        version_id=version,
        max_buffer_size=_BUFFER_BYTES,
        bucket_name=bucket.name,
        encryption=_ENCRYPTION,
    )
    # moto stores times without a zone, in UTC.
    key.last_modified = sample.modified.replace(tzinfo=None)
    headers = {f"x-amz-meta-{name}": value for name, value in sample.metadata.items()}
    key.set_metadata({"Content-Type": sample.content_type, **headers})
    return key


def _marker(deleted: FakeKey, sample: Sample, version: str) -> FakeDeleteMarker:
    marker = FakeDeleteMarker(deleted)
    marker.last_modified = (sample.modified + timedelta(seconds=1)).replace(tzinfo=None)
    marker._version_id = version  # noqa: SLF001 - moto chooses it at random; there is no public way to set it
    return marker
