"""Versions and delete markers with the id "null", of buckets without or with suspended versioning."""

import pytest

from core.aws.clients import ClientFactory
from core.objects.bucket import Bucket
from core.objects.deleting import delete, delete_many, delete_unchanged
from core.objects.in_place import restore_version
from core.objects.properties import read_properties
from core.objects.reading import read
from core.objects.versioning import versioning
from core.objects.writing import put


@pytest.fixture
def bucket(s3_server, s3_bucket):
    clients = ClientFactory(s3_server.connection(s3_bucket))
    yield Bucket(clients, s3_bucket)
    clients.close()


def switch(client, bucket, status):
    state = {"Status": status}
    client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration=state)


def test_a_delete_while_versioning_is_suspended_is_permanent(bucket, s3_client):
    switch(s3_client, bucket, "Enabled")
    switch(s3_client, bucket, "Suspended")
    assert versioning(bucket) is False
    for key in ("a", "b", "c"):
        put(bucket, key, b"1")
    etag = put(bucket, "c", b"2").etag
    found = [delete(bucket, "a"), *delete_many(bucket, ["b"]).deleted]
    found.append(delete_unchanged(bucket, "c", etag))
    assert "null" not in [each.marker for each in found]


def test_the_marker_null_restores_nothing():
    class Client:
        def delete_object(self, **_arguments):
            return {"DeleteMarker": True, "VersionId": "null"}

        def delete_objects(self, **_arguments):
            row = {"Key": "a", "DeleteMarker": True, "DeleteMarkerVersionId": "null"}
            return {"Deleted": [row]}

    class Clients:
        endpoint_url = None

        def for_bucket(self, _name, **_more):
            return Client()

    bucket = Bucket(Clients(), "b")
    assert delete(bucket, "a").marker is None
    assert delete_unchanged(bucket, "a", "e").marker is None
    assert [each.marker for each in delete_many(bucket, ["a"]).deleted] == [None]


def test_the_version_from_before_versioning_is_restored(bucket, s3_client):
    put(bucket, "k", b"old", metadata={"is": "old"})
    switch(s3_client, bucket, "Enabled")
    put(bucket, "k", b"newer", metadata={"is": "new"})
    rows = s3_client.list_object_versions(Bucket=bucket.name)["Versions"]
    assert [row["VersionId"] for row in rows if not row["IsLatest"]] == ["null"]
    assert read_properties(bucket, "k", version_id="null").metadata == {"is": "old"}
    restore_version(bucket, "k", "null")
    assert read(bucket, "k") == b"old"
    assert len(s3_client.list_object_versions(Bucket=bucket.name)["Versions"]) == 3
