"""A production profile is read-only on the command line unless --unlock is given."""

import json

import pytest

from core.errors import ErrorKind
from core.local.profiles import ProfileStore
from core.model.connection import KeySource, Profile, ProfileColour

REFUSED = ErrorKind.READ_ONLY.value


@pytest.fixture
def prod(demo_server):
    ProfileStore().save(
        Profile(
            "prod",
            KeySource.ENVIRONMENT,
            endpoint_url=demo_server.endpoint_url,
            colour=ProfileColour.RED,
        )
    )
    return ("--profile", "prod")


def test_changes_need_unlock(command, prod, demo_s3, demo_prefix, tmp_path):
    path, key = tmp_path / "a.txt", f"{demo_prefix}a.txt"
    path.write_text("text")
    refused = command(*prod, "put", str(path), key, code=REFUSED)
    assert "prod is read-only" in refused.err
    assert "--unlock" in refused.err
    assert demo_s3.list_objects_v2(Bucket="tentimecrypto", Prefix=demo_prefix)["KeyCount"] == 0
    command(*prod, "--unlock", "put", str(path), key)
    assert demo_s3.list_objects_v2(Bucket="tentimecrypto", Prefix=demo_prefix)["KeyCount"] == 1


def test_links_to_upload_need_unlock_and_links_to_read_do_not(command, prod, demo_prefix):
    key = f"{demo_prefix}a.txt"
    assert "PUT" not in command(*prod, "link", key, "--put", code=REFUSED).out
    assert "X-Amz-Signature" in command(*prod, "link", key, "--put", "--unlock").out
    assert "X-Amz-Signature" in command(*prod, "link", key).out


def test_reading_needs_nothing_and_the_permission_check_says_what_it_did_not_try(command, prod):
    assert "market-data/" in command(*prod, "ls").out
    rows = json.loads(command(*prod, "check", "--contract", "--json").out)
    tried = {row["action"]: (row["ok"], row["detail"]) for row in rows}
    assert tried["s3:ListBucket"][0] is True
    ok, detail = tried["s3:PutObject"]
    assert ok is None
    assert "read-only" in detail
    ok, _detail = tried["secretsmanager:CreateSecret"]
    assert ok is None
