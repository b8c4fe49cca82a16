"""Uploads choose a KMS key, and copies in the same bucket retain it."""

import os
from dataclasses import replace
from types import SimpleNamespace

import pytest

from core.model.upload_options import Encryption, UploadOptions
from core.objects import copying, in_place, multipart_copy, reading
from core.objects.part_sizes import SINGLE_BYTES
from core.objects.properties import change_properties, read_properties
from core.transfer.upload import upload

KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SIZES = {"small": 10, "large": SINGLE_BYTES + 1}


@pytest.fixture(scope="module")
def contents(bucket, tmp_path_factory):
    """Upload a file in one request and one in parts; return the bytes of both."""
    folder = tmp_path_factory.mktemp("kms")
    made = {name: os.urandom(size) for name, size in SIZES.items()}
    for name, data in made.items():
        (folder / name).write_bytes(data)
    options = UploadOptions(encryption=Encryption.KMS, kms_key=KMS_KEY)
    report = upload(
        SimpleNamespace(bucket=bucket), paths=[str(folder / name) for name in made], keys=[*made],
        sizes=[*SIZES.values()], options=options.as_dict(),
    )  # fmt: skip
    assert report.done == (0, 1)
    return made


def check_encrypted(bucket, key, data):
    found = read_properties(bucket, key)
    assert (found.encryption, found.kms_key) == ("aws:kms", KMS_KEY)
    assert reading.read(bucket, key) == data


@pytest.mark.parametrize("name", SIZES)
def test_an_upload_is_encrypted_with_the_chosen_key(bucket, contents, name):
    check_encrypted(bucket, name, contents[name])


@pytest.mark.parametrize("name", SIZES)
def test_a_copy_retains_the_key(bucket, contents, name, monkeypatch):
    monkeypatch.setattr(copying, "SINGLE_BYTES", 1 << 20)
    monkeypatch.setattr(multipart_copy, "PART_BYTES", 5 << 20)
    copying.copy(bucket, name, f"{name}.copy")
    check_encrypted(bucket, f"{name}.copy", contents[name])


@pytest.mark.parametrize("name", SIZES)
def test_a_change_of_properties_retains_the_key(bucket, contents, name, monkeypatch):
    monkeypatch.setattr(in_place, "SINGLE_BYTES", 1 << 20)
    monkeypatch.setattr(multipart_copy, "PART_BYTES", 5 << 20)
    before = read_properties(bucket, name)
    wanted = replace(
        before.editable, headers=(*before.editable.headers, ("Cache-Control", "no-cache"))
    )
    after = change_properties(bucket, name, before, wanted)
    assert after.headers["Cache-Control"] == "no-cache"
    check_encrypted(bucket, name, contents[name])


def test_a_copy_in_another_bucket_has_the_encryption_of_that_bucket(bucket, contents):
    # Its users need not have the permissions of the source's key.
    other = replace(bucket, name=f"{bucket.name}-other")
    bucket.client.create_bucket(Bucket=other.name)
    copying.copy(other, "small", "small", source=bucket)
    assert read_properties(other, "small").kms_key == ""
    assert reading.read(other, "small") == contents["small"]
