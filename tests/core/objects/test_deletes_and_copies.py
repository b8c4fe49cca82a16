"""A deletion or a copy counts only if the server confirms it."""

import re

import pytest
from helpers.object_server import bucket_at
from helpers.stub_server import XML, Reply, StubServer

from core.errors import Cancelled, StorageError
from core.objects import copying, deleting, reading, writing
from core.work import CancelToken, Work


@pytest.mark.parametrize("said", ["", "<Deleted><Key>a</Key></Deleted>"])
def test_a_key_that_the_answer_does_not_mention_is_not_deleted(said):
    body = f'<?xml version="1.0"?><DeleteResult>{said}</DeleteResult>'.encode()
    with (
        StubServer(lambda _asked: Reply(200, {**XML, "x-amz-request-id": "1"}, body)) as server,
        bucket_at(server.url) as bucket,
    ):
        report = deleting.delete_many(bucket, ["a", "b"])
    deleted, failed = [d.key for d in report.deleted], [f.key for f in report.failed]
    assert sorted(deleted + failed) == ["a", "b"]
    assert deleted == (["a"] if said else [])
    assert report.failed[0].message


def test_a_copy_has_everything_of_its_source(bucket):
    writing.put(bucket, "source", b"content", metadata={"kind": "test"}, content_type="text/plain")
    written = copying.copy(bucket, "source", "copy")
    assert (written.key, written.size) == ("copy", 7)
    assert reading.read(bucket, "copy") == b"content"
    assert reading.head(bucket, "copy").metadata == {"kind": "test"}


@pytest.mark.parametrize("answer", [Reply(200), Reply(200, XML, b"<CopyObjectResult/>")])
def test_an_answer_that_confirms_no_copy_is_an_error(answer):
    found = {"ETag": '"0"', "Last-Modified": "Wed, 25 Nov 2026 16:00:00 GMT"}

    def server(asked):
        return answer if asked.method == "PUT" else Reply(200, {**found, "x-amz-id": "1"}, b"x")

    with (
        StubServer(server) as stub,
        bucket_at(stub.url) as bucket,
        pytest.raises(StorageError),
    ):
        copying.copy(bucket, "a", "b")


def _outcomes(*errors, deleted=()):
    rows = [f"<Deleted><Key>{key}</Key></Deleted>" for key in deleted]
    rows += [
        f"<Error><Key>{key}</Key><Code>{code}</Code><Message>m</Message></Error>"
        for key, code in errors
    ]
    body = f'<?xml version="1.0"?><DeleteResult>{"".join(rows)}</DeleteResult>'
    return Reply(200, {**XML, "x-amz-request-id": "1"}, body.encode())


def _asked_keys(asked):
    return re.findall(r"<Key>([^<]*)</Key>", asked.body.decode())


class _CancelledInPauses(CancelToken):
    def wait(self, _seconds):
        self.cancel()
        self.check()


@pytest.mark.parametrize("second", ["deleted", "failed again", "denied request", "cancelled"])
def test_a_temporary_failure_is_repeated_once_for_its_keys_only(second):
    requests = []
    token = _CancelledInPauses() if second == "cancelled" else CancelToken()

    def server(asked):
        if asked.method != "POST":
            return Reply(200, {"x-amz-request-id": "1"})
        requests.append(_asked_keys(asked))
        if len(requests) == 1:
            return _outcomes(
                ("b", "InternalError"), ("c", "AccessDenied"), ("d", "SlowDown"), deleted="a"
            )
        if second == "denied request":
            return Reply(403, XML, b"<Error><Code>AccessDenied</Code></Error>")
        failed = [] if second == "deleted" else [("b", "InternalError")]
        return _outcomes(*failed, deleted="bd" if second == "deleted" else "d")

    with StubServer(server) as stub, bucket_at(stub.url) as bucket:
        if second in {"denied request", "cancelled"}:
            with pytest.raises(StorageError) as caught:
                deleting.delete_many(bucket, [*"abcd"], work=Work(token))
            report = caught.value.partial
        else:
            report = deleting.delete_many(bucket, [*"abcd"])
    assert requests == ([[*"abcd"]] if second == "cancelled" else [[*"abcd"], ["b", "d"]])
    deleted = {"deleted": "abd", "failed again": "ad"}.get(second, "a")
    assert "".join(sorted(each.key for each in report.deleted)) == deleted
    failed = sorted(each.key for each in report.failed)
    assert failed == sorted({*"abcd"} - {*deleted})


def test_a_cancel_waits_for_the_answer_that_names_the_delete_markers():
    token = CancelToken()

    def server(asked):
        if asked.method != "POST":
            return Reply(200, {"x-amz-request-id": "1"})
        token.cancel()
        body = b"<DeleteResult><Deleted><Key>a</Key><DeleteMarker>true</DeleteMarker>"
        body += b"<DeleteMarkerVersionId>m</DeleteMarkerVersionId></Deleted></DeleteResult>"
        return Reply(200, {**XML, "x-amz-request-id": "1"}, body)

    keys = ["a"] + [f"k{number}" for number in range(2_000)]
    with (
        StubServer(server) as stub,
        bucket_at(stub.url) as bucket,
        pytest.raises(Cancelled) as cancelled,
    ):
        deleting.delete_many(bucket, keys, work=Work(token))
    report = cancelled.value.partial
    assert [(each.key, each.marker) for each in report.deleted] == [("a", "m")]
    assert len(report.failed) == 999
