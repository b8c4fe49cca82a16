"""A permanent delete spares what was stored after its plan was shown."""

from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from core.aws.clients import ClientFactory
from core.errors import AccessDenied, NoSuchBucket
from core.objects.bucket import Bucket
from core.objects.deleting import Deleted, delete_many, delete_unchanged
from core.objects.reading import read
from core.objects.unchanged import _common_folder, replaced_keys
from core.objects.writing import put
from core.work import Work


@pytest.fixture
def bucket(s3_server, s3_bucket):
    clients = ClientFactory(s3_server.connection(s3_bucket))
    yield Bucket(clients, s3_bucket)
    clients.close()


def listed(client, bucket):
    rows = client.list_objects_v2(Bucket=bucket.name).get("Contents", ())
    return sorted(row["Key"] for row in rows)


@pytest.mark.parametrize("count", [4, 120])
def test_an_object_that_was_replaced_since_it_was_listed_stays(bucket, s3_client, count):
    keys = [f"a/{number}" for number in range(count)]
    etags = [put(bucket, key, key.encode()).etag for key in keys]
    put(bucket, "a/1", b"of another client")
    s3_client.delete_object(Bucket=bucket.name, Key="a/2")
    report = delete_many(bucket, keys, etags=etags)
    assert [(each.key, each.code) for each in report.failed] == [("a/1", "PreconditionFailed")]
    assert "it was not deleted" in report.failed[0].message
    assert sorted(each.key for each in report.deleted) == sorted({*keys} - {"a/1"})
    assert read(bucket, "a/1") == b"of another client"
    assert listed(s3_client, bucket) == ["a/1"]


def test_objects_that_arrive_in_a_folder_are_named_and_stay(bucket, s3_client):
    keys = [f"a/{number}" for number in range(3)]
    for key in keys:
        put(bucket, key, b"x")
    outcomes = []

    def store(part):
        outcomes.append(part)
        put(bucket, "a/arrived", b"new")

    report = delete_many(bucket, keys, folders=["a/"], ended=store)
    assert report.arrived == ("a/arrived",)
    assert (len(report.deleted), len(outcomes)) == (3, 1)
    assert listed(s3_client, bucket) == ["a/arrived"]


class _Aws:
    """The client and the connection of S3 itself, which compares the ETag within the request."""

    endpoint_url = None

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def for_bucket(self, _name, **_more):
        return self

    def delete_objects(self, **arguments):
        self.asked += arguments["Delete"]["Objects"]
        return self.answer


def test_s3_compares_the_etag_itself(monkeypatch):
    rows = [("b", "PreconditionFailed"), ("c", "NoSuchKey"), ("d", "AccessDenied")]
    errors = [{"Key": key, "Code": code, "Message": "m"} for key, code in rows]
    aws = _Aws({"Deleted": [{"Key": "a"}, {"Key": "e"}], "Errors": errors})
    denied = AccessDenied("no list")
    monkeypatch.setattr("core.objects.unchanged.list_pages", Mock(side_effect=denied))
    report = delete_many(Bucket(aws, "b"), [*"abcde"], etags=["1", '"2"', "3", "4", ""])
    assert aws.asked == [
        {"Key": "a", "ETag": '"1"'},
        {"Key": "b", "ETag": '"2"'},
        {"Key": "c", "ETag": '"3"'},
        {"Key": "d", "ETag": '"4"'},
        {"Key": "e"},
    ]
    # An object that is already gone is what the delete was for.
    assert [each.key for each in report.deleted] == ["a", "c", "e"]
    assert [(each.key, each.code) for each in report.failed] == [
        ("b", "PreconditionFailed"), ("d", "AccessDenied"),
    ]  # fmt: skip
    assert "s3:GetObject" in report.failed[1].message


class _Refusing(_Aws):
    """S3 answers so if the key of a conditional request has no object, or the bucket is gone."""

    def delete_object(self, **arguments):
        self.asked.append(arguments["IfMatch"])
        body = {"Error": {"Code": self.answer}, "ResponseMetadata": {"HTTPStatusCode": 404}}
        raise ClientError(body, "DeleteObject")


def test_an_object_that_is_gone_counts_as_deleted_and_a_bucket_does_not():
    """Also the second attempt of a deletion whose first answer was lost is answered so."""
    aws = _Refusing("NoSuchKey")
    assert delete_unchanged(Bucket(aws, "b"), "a", "e") == Deleted("a")
    assert aws.asked == ['"e"']
    with pytest.raises(NoSuchBucket):
        delete_unchanged(Bucket(_Refusing("NoSuchBucket"), "b"), "a", "e")


class _Unreadable(_Aws):
    """S3 for a user who may list and delete, but not read."""

    def delete_objects(self, **arguments):
        objects = arguments["Delete"]["Objects"]
        self.asked.append(objects)
        denied = [each["Key"] for each in objects if "ETag" in each]
        errors = [{"Key": key, "Code": "AccessDenied", "Message": "m"} for key in denied]
        return {"Deleted": [each for each in objects if "ETag" not in each], "Errors": errors}


def test_objects_that_may_only_be_listed_are_compared_with_the_listing(monkeypatch):
    etags = {"a": "1", "ab": "x", "b": "other"}

    def pages(_bucket, prefix, **_more):
        keys = [key for key in etags if key.startswith(prefix)]
        yield SimpleNamespace(keys=keys, etags=[f'"{etags[key]}"' for key in keys])

    monkeypatch.setattr("core.objects.unchanged.list_pages", pages)
    aws = _Unreadable({})
    report = delete_many(Bucket(aws, "b"), ["a", "b", "c"], etags=["1", "2", "3"])
    assert [len(each) for each in aws.asked] == [3, 2]
    # `c` is gone already.
    assert [each.key for each in report.deleted] == ["a", "c"]
    assert [(each.key, each.code) for each in report.failed] == [("b", "PreconditionFailed")]


def test_nothing_is_deleted_if_the_objects_cannot_be_compared(bucket, s3_client, monkeypatch):
    etag = put(bucket, "a", b"x").etag

    def deny(*_arguments, **_more):
        raise AccessDenied("denied")

    monkeypatch.setattr("core.objects.unchanged.head", deny)
    with pytest.raises(AccessDenied):
        delete_many(bucket, ["a"], etags=[etag])
    assert listed(s3_client, bucket) == ["a"]


def test_only_known_etags_are_compared(bucket):
    assert replaced_keys(bucket, {"none": "", "gone": "1"}, Work()) == set()
    assert _common_folder("a/b/1", "a/b/2") == "a/b/"
    assert _common_folder("a/b/1", "a/c") == "a/"
    assert _common_folder("a", "b") == ""
