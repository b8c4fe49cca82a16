"""Of several conditional writers of one key on the demo server exactly one succeeds."""

import threading

import pytest
from botocore.exceptions import ClientError
from helpers.demo import plain_client
from helpers.s3_servers import demo_as_s3

from core.aws.clients import ClientFactory
from core.errors import AlreadyExists
from core.objects import parts, writing
from core.objects.bucket import Bucket

ONLY_NEW = {"IfNoneMatch": "*"}
ROUNDS, WRITERS = 20, 3
ODD = "a//b/ü+%25&<'>\n/.bin"


@pytest.fixture(params=[False, True], ids=["plain", "versioned"])
def bucket(demo_s3, demo_prefix, request):
    """A new bucket, without and with versions."""
    name = f"conditions-{demo_prefix.split('/')[1][:20]}"
    demo_s3.create_bucket(Bucket=name)
    if request.param:
        demo_s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@pytest.fixture
def clients(demo_server):
    """A client for each writer, so that none waits for the connection of another."""
    made = [plain_client(demo_server, "s3", demo_server.admin) for _ in range(WRITERS)]
    yield made
    for client in made:
        client.close()


def put(client, where, body):
    return lambda **condition: client.put_object(**where, Body=body, **condition)


def copy(client, where, body):
    source = f"{where['Key']}-source-{body.decode()}"
    client.put_object(Bucket=where["Bucket"], Key=source, Body=body)
    from_there = {"Bucket": where["Bucket"], "Key": source}
    return lambda **condition: client.copy_object(**where, CopySource=from_there, **condition)


def complete(client, where, body):
    upload = client.create_multipart_upload(**where)["UploadId"]
    part = client.upload_part(**where, UploadId=upload, PartNumber=1, Body=body)
    joined = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    return lambda **condition: client.complete_multipart_upload(
        **where, UploadId=upload, MultipartUpload=joined, **condition
    )


WRITES = pytest.mark.parametrize("prepare", [put, copy, complete], ids=lambda way: way.__name__)


def code_of(write, **condition):
    """Return the error code that a write ends with, or nothing."""
    try:
        write(**condition)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


def raced(writes, **condition):
    """Start writes at the same moment and return the code of each."""
    start, codes = threading.Barrier(len(writes)), [""] * len(writes)

    def run(number, write):
        start.wait()
        codes[number] = code_of(write, **condition)

    threads = [threading.Thread(target=run, args=each) for each in enumerate(writes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes


@WRITES
def test_of_writers_at_the_same_moment_exactly_one_wins(demo_s3, bucket, clients, prepare):
    for number in range(ROUNDS):
        where = {"Bucket": bucket, "Key": f"key-{number}"}
        bodies = [letter.encode() for letter in "abc"]
        writes = [
            prepare(client, where, body) for client, body in zip(clients, bodies, strict=True)
        ]
        codes = raced(writes, **ONLY_NEW)
        assert sorted(codes) == ["", "PreconditionFailed", "PreconditionFailed"]
        assert demo_s3.get_object(**where)["Body"].read() == bodies[codes.index("")]
        versions = demo_s3.list_object_versions(Bucket=bucket, Prefix=where["Key"])["Versions"]
        assert [each["Key"] for each in versions].count(where["Key"]) == 1


def test_of_different_writers_exactly_one_wins(demo_s3, bucket, clients):
    for number in range(ROUNDS):
        where = {"Bucket": bucket, "Key": f"key-{number}"}
        each = zip((put, copy, complete), clients, (b"a", b"b", b"c"), strict=True)
        codes = raced([prepare(client, where, body) for prepare, client, body in each], **ONLY_NEW)
        assert sorted(codes) == ["", "PreconditionFailed", "PreconditionFailed"]
        assert demo_s3.get_object(**where)["Body"].read() == b"abc"[codes.index("") :][:1]


def test_a_write_without_a_condition_is_not_lost_in_between(demo_s3, bucket, clients):
    for number in range(ROUNDS):
        where = {"Bucket": bucket, "Key": f"key-{number}"}
        conditional, plain = put(clients[0], where, b"new"), put(clients[1], where, b"any")
        raced([lambda write=conditional: write(**ONLY_NEW), plain])
        assert demo_s3.get_object(**where)["Body"].read() == b"any"


@WRITES
@pytest.mark.parametrize("key", ["plain", ODD])
def test_an_existing_object_is_never_overwritten(demo_s3, bucket, prepare, key):
    where = {"Bucket": bucket, "Key": key}
    write = prepare(demo_s3, where, b"new")
    assert code_of(write, **ONLY_NEW) == ""
    other = prepare(demo_s3, where, b"other")
    with pytest.raises(ClientError) as caught:
        other(**ONLY_NEW)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert caught.value.response["Error"]["Code"] == "PreconditionFailed"
    assert demo_s3.get_object(**where)["Body"].read() == b"new"
    demo_s3.delete_object(**where)
    assert code_of(other, **ONLY_NEW) == ""
    assert demo_s3.get_object(**where)["Body"].read() == b"other"


@WRITES
def test_an_object_is_replaced_only_if_its_etag_is_the_one_given(demo_s3, bucket, prepare):
    where = {"Bucket": bucket, "Key": ODD}
    write = prepare(demo_s3, where, b"new")
    assert code_of(write, IfMatch='"0"') == "NoSuchKey"
    etag = demo_s3.put_object(**where, Body=b"old")["ETag"]
    assert code_of(write, IfMatch='"0"') == "PreconditionFailed"
    assert demo_s3.get_object(**where)["Body"].read() == b"old"
    assert code_of(write, IfMatch=etag) == ""
    assert demo_s3.get_object(**where)["Body"].read() == b"new"


@WRITES
def test_an_etag_as_the_condition_of_a_new_object_is_not_implemented(demo_s3, bucket, prepare):
    write = prepare(demo_s3, {"Bucket": bucket, "Key": "key"}, b"new")
    assert code_of(write, IfNoneMatch='"0"') == "NotImplemented"


def test_the_same_upload_completed_again_is_no_conflict(demo_s3, bucket):
    write = complete(demo_s3, {"Bucket": bucket, "Key": "key"}, b"new")
    assert code_of(write, **ONLY_NEW) == ""
    assert code_of(write, **ONLY_NEW) == ""


@pytest.mark.parametrize("size", [100, 1_100], ids=["one request", "parts"])
def test_of_two_uploads_of_ours_exactly_one_wins(
    demo_server, demo_s3, bucket, tmp_path, monkeypatch, size
):
    monkeypatch.setattr(writing, "SINGLE_BYTES", 1000)
    monkeypatch.setattr(parts, "part_size", lambda _size: 5 << 20)
    clients = ClientFactory(demo_as_s3(demo_server).connection(bucket))
    place = Bucket(clients, bucket)
    for number in range(5):
        found = [None, None]

        def write(index, key=f"key-{number}", found=found):
            path = tmp_path / f"{key}-{index}"
            path.write_bytes(str(index).encode() * size)
            try:
                found[index] = writing.upload(place, key, path, only_new=True).race_free
            except AlreadyExists:
                found[index] = "exists"

        raced([lambda index=index: write(index) for index in range(2)])
        assert sorted(found, key=str) == [True, "exists"]
        stored = demo_s3.get_object(Bucket=bucket, Key=f"key-{number}")["Body"].read()
        assert stored == str(found.index(True)).encode() * size
    clients.close()
