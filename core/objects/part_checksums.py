"""Which servers verify the CRC32 of the parts of an upload.

AWS does. Of other servers, some ignore the header, and a few refuse it; all support Content-MD5,
which takes six times as long to compute. A server is tested once, with a part whose checksum is
wrong.
"""

from __future__ import annotations

import base64
from typing import Any
from weakref import WeakKeyDictionary

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.model.upload_options import Checksum
from core.objects.bucket import Bucket
from core.objects.sending import Integrity
from core.work import Work

#: Connection -> whether its server verifies the checksum.
# Weak, so that a closed connection does not stay in memory.
_found: WeakKeyDictionary[ClientFactory, bool] = WeakKeyDictionary()
#: A part, and a CRC32 that it does not have.
_BYTES, _WRONG = b"0", base64.b64encode(bytes(4)).decode()


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


def chosen(
    bucket: Bucket, checksum: Checksum, where: dict[str, Any], unsent: int | None, work: Work
) -> Integrity:
    """Return how the parts of an upload are verified; the server is tested if it is unknown.

    Args:
        bucket: the bucket.
        checksum: the user's choice.
        where: botocore's parameters of the upload: `Bucket`, `Key` and `UploadId`.
        unsent: the number of a part that has yet to be sent; None if there is none.
        work: cancel and retry budget.

    Raises:
        Cancelled: the work was cancelled.
    """
    if checksum is not Checksum.DEFAULT:
        return Integrity(checksum.value.lower())
    if is_verified(bucket) is None and unsent is not None:
        _test(bucket, {**where, "PartNumber": unsent}, work)
    return Integrity("crc32" if is_verified(bucket) else "md5")


def confirm(bucket: Bucket, *, returned: bool) -> None:
    """Use another hash from now on if the server has not returned the checksum of a part.

    It may have refused the test for another reason.
    """
    if not returned and bucket.clients.endpoint_url is not None:
        record_verified(bucket, verified=False)


def _test(bucket: Bucket, where: dict[str, Any], work: Work) -> None:
    """Send a part with a wrong checksum, which a part of the file replaces if it is accepted.

    Ceph RGW completes no upload with other parts, and SeaweedFS lists a replaced part with its
    former size: so the number is one that is sent anyway, and no part with a right checksum is
    sent first.
    """
    # Without retries: a refused checksum counts as damaged in transit, and would be repeated.
    client = bucket.client_once
    with translated("s3:UploadPart", bucket.subject(where["Key"]), work):
        try:
            client.upload_part(Body=_BYTES, ChecksumCRC32=_WRONG, **where)
        except client.exceptions.ClientError as error:
            # Any other error shows nothing: then the next upload tests again.
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 400:
                record_verified(bucket, verified=True)
        else:
            record_verified(bucket, verified=False)
