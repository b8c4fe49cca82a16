"""Large files on real servers: sent in parts, received in ranges, verified in both directions."""

import random
from contextlib import contextmanager

import pytest

from core.aws.clients import ClientFactory
from core.errors import AlreadyExists, Cancelled
from core.local import partial_downloads
from core.model.objects import Verdict
from core.objects import fetching, part_checksums, ranges
from core.objects.bucket import Bucket
from core.objects.fetching import _FEWEST_RANGES
from core.objects.reading import download, head
from core.objects.writing import upload
from core.work import CancelToken, Work

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


def test_a_download_that_was_paused_continues_unless_the_object_was_replaced(
    s3_server, s3_bucket, content, tmp_path, monkeypatch
):
    monkeypatch.setattr(ranges, "RANGE_BYTES", 1 << 20)
    monkeypatch.setattr(ranges, "IN_FLIGHT", 1)
    monkeypatch.setattr(partial_downloads, "_RECORD_SECONDS", 0)
    back, reused = tmp_path / "received", []

    def pause_at_half(progress):
        if progress.done > SIZE // 2:
            token.pause()

    def fetch(work):
        return download(bucket, KEY, back, expected_size=SIZE, resumable=True, work=work)

    with opened(s3_server, s3_bucket) as bucket:
        for body in (content, content[::-1]):
            back.unlink(missing_ok=True)
            bucket.client.put_object(Bucket=s3_bucket, Key=KEY, Body=content)
            token = CancelToken()
            with pytest.raises(Cancelled):
                fetch(Work(token, pause_at_half))
            assert not back.exists()
            if body != content:
                bucket.client.put_object(Bucket=s3_bucket, Key=KEY, Body=body)
            seen = []
            fetch(Work(report=lambda progress, seen=seen: seen.append(progress.reused)))
            assert back.read_bytes() == body
            reused.append(seen[-1])
    assert reused[0] > SIZE // 4
    assert reused[1] == 0
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
