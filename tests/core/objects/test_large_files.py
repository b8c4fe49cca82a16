"""Large files on real servers: sent in parts, received in ranges, verified in both directions."""

import random
from contextlib import contextmanager

import pytest

from core.aws.clients import ClientFactory
from core.errors import AlreadyExists
from core.model.objects import Verdict
from core.objects import fetching, part_checksums, ranges
from core.objects.bucket import Bucket
from core.objects.fetching import _FEWEST_RANGES
from core.objects.reading import download, head
from core.objects.writing import upload

SIZE = 21_000_001
#: Keys whose addresses need an encoding.
KEY = "large/é ü;+%/a=b&c.bin"


@contextmanager
def opened(server, name):
    """Yield a bucket of a server, and close its connections."""
    clients = ClientFactory(server.connection(name))
    try:
        yield Bucket(clients, name)
    finally:
        clients.close()


@pytest.fixture(scope="module")
def content():
    return random.Random(5).randbytes(SIZE)


def test_a_large_file_is_verified_in_both_directions(s3_server, s3_bucket, content, tmp_path):
    path, back = tmp_path / "sent", tmp_path / "received"
    path.write_bytes(content)
    direct = []
    with opened(s3_server, s3_bucket) as bucket:
        written = upload(bucket, KEY, path, only_new=True)
        verifies = s3_server.name == "seaweed"
        assert written.verdict is (Verdict.CRC if verifies else Verdict.MD5)
        assert part_checksums.is_verified(bucket) is verifies
        found = head(bucket, KEY)
        assert (found.size, found.sha256) == (SIZE, written.sha256)
        sent = ranges.DirectRequests.succeeded
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                ranges.DirectRequests, "succeeded", lambda self: direct.append(sent(self))
            )
            got = download(bucket, KEY, back, expected_size=SIZE, expected_etag=found.etag)
        assert (got.sha256, got.verdict) == (written.sha256, Verdict.SHA256)
        assert back.read_bytes() == content
        with pytest.raises(AlreadyExists):
            upload(bucket, KEY, path, only_new=True)
        assert "Uploads" not in bucket.client.list_multipart_uploads(Bucket=s3_bucket)
    # All ranges were received without botocore.
    assert len(direct) == -(-SIZE // ranges.RANGE_BYTES)
    assert SIZE > _FEWEST_RANGES * fetching.RANGE_BYTES
