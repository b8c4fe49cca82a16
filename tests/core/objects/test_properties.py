"""Properties of objects are read, changed and restored on every S3 server; nothing else changes."""

import hashlib
import os
from dataclasses import replace

import pytest
from helpers.s3_servers import make_bucket

from core.aws.clients import ClientFactory
from core.errors import Archived, Conflict, InvalidInput, NotFound
from core.objects import in_place, multipart_copy
from core.objects.bucket import Bucket
from core.objects.deleting import delete
from core.objects.in_place import restore_version
from core.objects.properties import (
    PropertyValues,
    change_properties,
    change_tags,
    property_changes,
    read_properties,
    undo_change,
)
from core.objects.reading import head, read
from core.objects.versions import list_versions
from core.objects.writing import put

ENABLED = {"Status": "Enabled"}
KEY = "a/ü &+.json"
SHA256 = hashlib.sha256(b"{}").hexdigest()


@pytest.fixture
def bucket(s3_server, s3_client):
    name = make_bucket(s3_client)
    s3_client.put_bucket_versioning(Bucket=name, VersioningConfiguration=ENABLED)
    clients = ClientFactory(s3_server.connection(name))
    yield Bucket(clients, name)
    clients.close()


@pytest.fixture
def plain(bucket, s3_client):
    return replace(bucket, name=make_bucket(s3_client))


def stored(client, bucket, data=b"{}", key=KEY):
    client.put_object(
        Bucket=bucket.name, Key=key, Body=data, ContentType="application/json",
        Metadata={"symbol": "BTC-USD", "sha256": hashlib.sha256(data).hexdigest()}, Tagging="team=a&level=2%20b",
        CacheControl="no-cache", ContentLanguage="de",
    )  # fmt: skip
    return read_properties(bucket, key)


def test_all_properties_are_read(bucket, s3_client):
    found = stored(s3_client, bucket)
    assert found.headers == {
        "Content-Type": "application/json", "Cache-Control": "no-cache", "Content-Language": "de",
    }  # fmt: skip
    assert found.metadata == {"symbol": "BTC-USD", "sha256": SHA256}
    assert found.tags == (("level", "2 b"), ("team", "a"))
    assert (found.size, found.storage_class, found.legal_hold) == (2, "STANDARD", False)
    assert found.version_id
    with pytest.raises(NotFound):
        read_properties(bucket, "none")


def wanted_of(found):
    metadata = {**found.metadata, "symbol": "ETH-USD", "note": "x"}
    headers = {**found.headers, "Content-Type": "text/plain", "Content-Disposition": "attachment"}
    del headers["Content-Language"]
    return PropertyValues("STANDARD", tuple(headers.items()), tuple(metadata.items()))


def test_a_change_replaces_what_was_changed_and_nothing_else(bucket, s3_client):
    before = stored(s3_client, bucket)
    wanted = wanted_of(before)
    assert [each.name for each in property_changes(before.editable, wanted)] == [
        "Content-Type", "Content-Language", "metadata symbol", "Content-Disposition",
        "metadata note",
    ]  # fmt: skip
    now = change_properties(bucket, KEY, before, wanted)
    assert not property_changes(now.editable, wanted)
    assert now.tags == before.tags
    assert now.etag == before.etag
    assert now.version_id != before.version_id
    assert read(bucket, KEY) == b"{}"
    undo_change(bucket, KEY, now)
    assert read_properties(bucket, KEY) == before
    with pytest.raises(Conflict, match="cannot be undone"):
        undo_change(bucket, KEY, now)


def test_without_versions_the_object_itself_is_changed(plain, s3_client):
    before = stored(s3_client, plain)
    now = change_properties(plain, KEY, before, wanted_of(before))
    assert now.metadata["symbol"] == "ETH-USD"
    assert now.tags == before.tags
    assert read(plain, KEY) == b"{}"
    with pytest.raises(Conflict, match="cannot be undone"):
        undo_change(plain, KEY, now)


def test_a_large_object_is_copied_in_parts_onto_itself(bucket, s3_client, monkeypatch):
    monkeypatch.setattr(in_place, "SINGLE_BYTES", 1 << 20)
    monkeypatch.setattr(multipart_copy, "PART_BYTES", 5 << 20)
    data = os.urandom(11 << 20)
    before = stored(s3_client, bucket, data, "a/large")
    now = change_properties(bucket, "a/large", before, wanted_of(before))
    assert now.metadata["note"] == "x"
    assert now.tags == before.tags
    assert now.size == len(data)
    assert s3_client.get_object(Bucket=bucket.name, Key="a/large")["Body"].read() == data


@pytest.mark.parametrize("versions", [True, False])
def test_a_change_of_another_client_is_never_replaced(bucket, plain, s3_client, versions):
    place = bucket if versions else plain
    before = stored(s3_client, place)
    put(place, KEY, b"other")
    with pytest.raises(Conflict, match="changed by another client"):
        change_properties(place, KEY, before, wanted_of(before))
    assert read(place, KEY) == b"other"
    with pytest.raises(Conflict, match="tags"):
        change_tags(place, KEY, before.tags, (("a", "b"),))


def test_tags_are_replaced_and_read_back(bucket, s3_client):
    before = stored(s3_client, bucket)
    assert change_tags(bucket, KEY, before.tags, (("x", "1"),)) == (("x", "1"),)
    assert change_tags(bucket, KEY, (("x", "1"),), ()) == ()
    with pytest.raises(InvalidInput):
        change_tags(bucket, KEY, (), (("aws:x", "1"),))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"metadata": (("sha256", "1" * 64),)}, "hashes"),
        ({"metadata": ()}, "hashes"),
        ({"metadata": (("sha256", SHA256), ("A", "1"), ("a", "2"))}, "same name"),
        ({"headers": (("Cache-Control", "a\nb"),)}, "Cache-Control"),
        ({"storage_class": "cold"}, "storage class"),
    ],
)
def test_values_that_cannot_be_stored_are_refused(bucket, s3_client, values, message):
    before = stored(s3_client, bucket)
    with pytest.raises(InvalidInput, match=message):
        change_properties(bucket, KEY, before, replace(before.editable, **values))
    assert len(list_versions(bucket, KEY)) == 1


def test_a_former_version_is_restored_with_its_properties(bucket, s3_client):
    before = stored(s3_client, bucket, b"first")
    put(bucket, KEY, b"second")
    delete(bucket, KEY)
    written = restore_version(bucket, KEY, before.version_id)
    assert read(bucket, KEY) == b"first"
    now = read_properties(bucket, KEY)
    assert (now.metadata, now.tags, now.headers) == (before.metadata, before.tags, before.headers)
    versions = list_versions(bucket, KEY)
    assert len(versions) == 4
    assert versions[0].version_id == written.version_id
    assert {each.etag for each in versions if not each.marker} >= {before.etag}
    with pytest.raises(NotFound):
        restore_version(bucket, KEY, "0" * len(before.version_id))


@pytest.mark.parametrize("s3_server", ["demo"], indirect=True)
def test_an_archived_version_is_not_copied(bucket, s3_client):
    s3_client.put_object(Bucket=bucket.name, Key=KEY, Body=b"x", StorageClass="GLACIER")
    version = head(bucket, KEY).version_id
    with pytest.raises(Archived):
        restore_version(bucket, KEY, version)
