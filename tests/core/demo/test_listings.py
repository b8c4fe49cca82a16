"""The demo server writes listings faster than moto, with the same content."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from helpers.demo import plain_client

from core.demo import moto_listings

KEYS = [
    "plain",
    "a & b < c > d",
    "quotes \"'",
    "ü/日本/\U0001f600",
    "a+b%20c",
    "tab\tnew\nline",
    "x/" * 200,
]


@pytest.fixture
def bucket(demo_s3, demo_prefix):
    """A versioned bucket with odd keys, two versions of each, and one that is deleted."""
    name = f"listings-{demo_prefix.split('/')[1][:20]}"
    demo_s3.create_bucket(Bucket=name)
    demo_s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for key in KEYS:
        for size in (3, 7):
            demo_s3.put_object(Bucket=name, Key=key, Body=b"x" * size)
    demo_s3.delete_object(Bucket=name, Key="plain")
    return name


def test_versions_of_keys_with_control_characters_are_listed(demo_s3, bucket):
    keys = ["c/\x01", "c/a\x1fb/ +%2B", "c/\x7f"]
    for key in keys:
        demo_s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        demo_s3.delete_object(Bucket=bucket, Key=key)
    found = demo_s3.list_object_versions(Bucket=bucket, Prefix="c/")
    for part in ("Versions", "DeleteMarkers"):
        assert sorted(row["Key"] for row in found[part]) == sorted(keys)
    level = demo_s3.list_object_versions(Bucket=bucket, Prefix="c/a\x1f", Delimiter="/")
    assert level["Prefix"] == "c/a\x1f"
    assert [row["Prefix"] for row in level["CommonPrefixes"]] == ["c/a\x1fb/"]
    pages = demo_s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix="c/", PaginationConfig={"PageSize": 1}
    )
    listed = [row["Key"] for page in pages for row in page.get("DeleteMarkers", ())]
    assert sorted(listed) == sorted(keys)


def test_the_objects_of_a_listing(demo_s3, bucket):
    found = demo_s3.list_objects_v2(Bucket=bucket, FetchOwner=True)
    heads = {key: demo_s3.head_object(Bucket=bucket, Key=key) for key in KEYS[1:]}
    assert [row["Key"] for row in found["Contents"]] == sorted(KEYS[1:])
    for row in found["Contents"]:
        head = heads[row["Key"]]
        assert (row["Size"], row["ETag"], row["StorageClass"]) == (7, head["ETag"], "STANDARD")
        assert row["LastModified"] == head["LastModified"]
        assert row["Owner"]["DisplayName"] == "webfile"


def test_versions_and_delete_markers(demo_s3, bucket):
    found = demo_s3.list_object_versions(Bucket=bucket)
    assert sorted((row["Key"], row["Size"]) for row in found["Versions"]) == sorted(
        (key, size) for key in KEYS for size in (3, 7)
    )
    latest = [row["Key"] for row in found["Versions"] if row["IsLatest"]]
    assert sorted(latest) == sorted(KEYS[1:])
    (marker,) = found["DeleteMarkers"]
    assert (marker["Key"], marker["IsLatest"]) == ("plain", True)
    first = found["Versions"][0]
    body = demo_s3.get_object(Bucket=bucket, Key=first["Key"], VersionId=first["VersionId"])
    assert len(body["Body"].read()) == first["Size"]


def test_pages_of_a_listing_are_complete(demo_server, bucket):
    client = plain_client(demo_server, "s3", demo_server.admin)
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 2}
    )
    assert [row["Key"] for page in pages for row in page["Contents"]] == sorted(KEYS[1:])
    versions = client.get_paginator("list_object_versions").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 3}
    )
    assert sum(len(page.get("Versions", ())) for page in versions) == 2 * len(KEYS)
    client.close()


def test_an_answer_of_another_form_is_an_error():
    """A later moto that names the element otherwise must not lose the objects silently."""
    item = {
        "Key": "k", "LastModified": datetime(2024, 1, 1, tzinfo=UTC), "ETag": '"e"', "Size": 1,
        "StorageClass": "STANDARD",
    }  # fmt: skip
    fast = moto_listings._with_fast_objects(lambda _response, _answer: (200, {}, "<Objects/>"))
    response = SimpleNamespace(data={"Action": "ListObjectsV2"})
    with pytest.raises(RuntimeError, match="ListObjectsV2"):
        fast(response, SimpleNamespace(result={"Contents": [item]}))
