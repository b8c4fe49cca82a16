"""Which servers verify the CRC32 of the parts of an upload.

AWS does. Of other servers, some ignore the header, and a few refuse it; all support Content-MD5, which
takes six times as long to compute. A server is tested once, with a part whose checksum is wrong.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any
from weakref import WeakKeyDictionary

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.aws.limits import PART_COUNT
from core.model.upload_options import Checksum
from core.objects.bucket import Bucket
from core.objects.sending import Integrity
from core.work import Work

#: Connection -> whether its server verifies the checksum.
# Weak, so that a closed connection does not stay in memory.
_found: WeakKeyDictionary[ClientFactory, bool] = WeakKeyDictionary()
#: The content of a part that tests the server.
_BYTES = b"0"


def is_verified(bucket: Bucket) -> bool | None:
    """Return whether the server verifies the CRC32 of a part, or None if it is unknown."""
    if bucket.clients.endpoint_url is None:
        return True
    return _found.get(bucket.clients)


def record_verified(bucket: Bucket, *, verified: bool) -> None:
    """Record whether the server verifies the CRC32 of a part."""
    _found[bucket.clients] = verified


def declared(bucket: Bucket, checksum: Checksum) -> dict[str, str]:
    """Return the parameter that declares the checksum of the parts when an upload is created."""
    if checksum is not Checksum.DEFAULT:
        return {"ChecksumAlgorithm": checksum.value}
    return {} if is_verified(bucket) is False else {"ChecksumAlgorithm": "CRC32"}


def chosen(bucket: Bucket, checksum: Checksum, where: dict[str, Any], work: Work) -> Integrity:
    """Return how the parts of an upload are verified; the server is tested if it is unknown.

    Args:
        bucket: the bucket.
        checksum: the user's choice.
        where: botocore's parameters of a new upload: `Bucket`, `Key` and `UploadId`.
        work: cancel and retry budget.

    Raises:
        Cancelled: the work was cancelled.
    """
    if checksum is not Checksum.DEFAULT:
        return Integrity(checksum.value.lower())
    if is_verified(bucket) is None:
        _test(bucket, where, work)
    return Integrity("crc32" if is_verified(bucket) else "md5")


def _test(bucket: Bucket, where: dict[str, Any], work: Work) -> None:
    """Send a part with a wrong checksum, and one with the right checksum.

    Their number is the last that S3 allows: they replace no part of an upload that is continued,
    and what the completion does not name is discarded.
    """
    # Without retries: a refused checksum counts as damaged in transit, and would be repeated.
    client = bucket.client_once
    with translated("s3:UploadPart", bucket.subject(where["Key"]), work):
        try:
            _send(client, where, zlib.crc32(_BYTES) ^ 1)
        except client.exceptions.ClientError as error:
            # Any other error shows nothing: then the next upload tests again.
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 400:
                return
        else:
            record_verified(bucket, verified=False)
            return
        # It may have been refused for another reason: only a server that returns the checksum
        # has understood it.
        try:
            answer = _send(client, where, zlib.crc32(_BYTES))
        except client.exceptions.ClientError:
            answer = {}
    record_verified(bucket, verified=bool(answer.get("ChecksumCRC32")))


def _send(client: Any, where: dict[str, Any], crc32: int) -> dict[str, Any]:
    text = base64.b64encode(crc32.to_bytes(4, "big")).decode()
    answer: dict[str, Any] = client.upload_part(
        Body=_BYTES, PartNumber=PART_COUNT, ChecksumCRC32=text, **where
    )
    return answer
