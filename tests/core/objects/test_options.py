"""Options of uploads: checks, parameters, and the form in which they are stored."""

import gzip
import hashlib
import json
from contextlib import contextmanager
from urllib.parse import parse_qsl

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from core.aws.clients import ClientFactory
from core.errors import InvalidInput
from core.model.objects import Verdict
from core.model.upload_options import Checksum, Compression, Encryption, UploadOptions
from core.objects import part_sizes
from core.objects.bucket import Bucket
from core.objects.options import check_options, parameters_of
from core.objects.reading import head, read
from core.objects.writing import upload
from core.paths import cache_dir


@contextmanager
def workspace_bucket(server, name):
    """Yield a bucket of a server, and close its connections."""
    clients = ClientFactory(server.connection(name))
    try:
        yield Bucket(clients, name)
    finally:
        clients.close()


_TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=20)
_OPTIONS = st.builds(
    UploadOptions,
    storage_class=st.sampled_from(("", "STANDARD_IA", "GLACIER_IR")),
    tags=st.dictionaries(_TEXT, _TEXT, max_size=10).map(lambda tags: tuple(tags.items())),
    metadata=st.dictionaries(st.just("origin"), _TEXT).map(lambda pairs: tuple(pairs.items())),
    encryption=st.sampled_from(Encryption),
    checksum=st.sampled_from(Checksum),
    compression=st.sampled_from(Compression),
)


@given(_OPTIONS)
def test_options_survive_json(options):
    stored = json.loads(json.dumps(options.as_dict()))
    assert UploadOptions.from_dict(stored) == options
    assert bool(stored) is not options.is_default


@given(_OPTIONS)
def test_tags_are_encoded_as_a_query(options):
    parameters = parameters_of(check_options(options))
    assert tuple(parse_qsl(parameters.get("Tagging", ""))) == options.tags
    assert ("StorageClass" in parameters) is bool(options.storage_class)
    assert "" not in parameters.values()


@pytest.mark.parametrize(
    "values", [{"checksum": "MD4"}, {"tags": [["only a key"]]}, {"encrypt": "AES256"}, {"tags": 3}]
)
def test_unknown_options_are_not_ignored(values):
    with pytest.raises(InvalidInput):
        UploadOptions.from_dict(values)


@pytest.mark.parametrize(
    "options",
    [
        UploadOptions(storage_class="standard ia"),
        UploadOptions(kms_key="alias/own"),
        UploadOptions(tags=(("", "v"),)),
        UploadOptions(tags=(("aws:x", "v"),)),
        UploadOptions(tags=(("k", "v?"),)),
        UploadOptions(tags=(("k", "1"), ("k", "2"))),
        UploadOptions(tags=(("k" * 129, ""),)),
        UploadOptions(tags=(("k", "v" * 257),)),
        UploadOptions(tags=tuple((str(n), "") for n in range(11))),
        UploadOptions(metadata=(("SHA256", "0"),)),
    ],
)
def test_what_s3_refuses_is_refused_before_the_first_request(options):
    with pytest.raises(InvalidInput) as raised:
        check_options(options)
    assert raised.value.remedy


def test_compressed_files_are_not_compressed_again():
    options = UploadOptions(compression=Compression.GZIP)
    assert options.key_for("a/b.json", "b.json") == "a/b.json.gz"
    assert options.key_for("a/b.json.gz", "b.json.GZ") == "a/b.json.gz"
    assert options.uncompressed().key_for("a/b.json", "b.json") == "a/b.json"
    zstd = UploadOptions(compression=Compression.ZSTD)
    assert zstd.key_for("a/b", "b") == "a/b.zst"


_OPENED = {Compression.GZIP: gzip.decompress, Compression.ZSTD: zstandard.decompress}


@pytest.mark.parametrize("size", [0, 5_000, 9_000_000])
@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
def test_a_file_is_compressed_on_its_way(bucket, tmp_path, compression, size):
    content = hashlib.shake_128(b"seed").digest(size // 2) + bytes(size - size // 2)
    path = tmp_path / "data.json"
    path.write_bytes(content)
    options = UploadOptions(compression=compression, tags=(("origin", "test"),))
    key = options.key_for(f"compressed/{size}.json", path.name)
    written = upload(bucket, key, path, options=options)
    stored, found = read(bucket, key), head(bucket, key)
    assert _OPENED[compression](stored) == content
    assert found.content_type == f"application/{compression.value}"
    assert found.sha256 == written.sha256 == hashlib.sha256(stored).hexdigest()
    assert found.metadata["original-sha256"] == hashlib.sha256(content).hexdigest()
    assert found.metadata["original-size"] == str(size)
    # Equal files have equal objects: neither a time nor a name is stored.
    again = upload(bucket, f"{key}.again", path, options=options)
    assert again.sha256 == written.sha256
    assert list((cache_dir() / "compressed").iterdir()) == []


@pytest.mark.parametrize("size", [10, part_sizes.SINGLE_BYTES + 1])
@pytest.mark.parametrize("checksum", [Checksum.SHA1, Checksum.SHA256, Checksum.CRC32])
def test_options_are_stored_with_the_object(s3_server, s3_bucket, tmp_path, size, checksum):
    path = tmp_path / "f"
    path.write_bytes(bytes(size))
    options = UploadOptions(
        storage_class="STANDARD",
        tags=(("project", "a b+c"), ("stage", "")),
        metadata=(("origin", "test"),),
        checksum=checksum,
    )
    with workspace_bucket(s3_server, s3_bucket) as bucket:
        written = upload(bucket, "f", path, options=options)
        assert head(bucket, "f").metadata["origin"] == "test"
        answer = bucket.client.get_object_tagging(Bucket=s3_bucket, Key="f")
    assert written.verdict is not Verdict.SIZE_ONLY
    found = {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}
    assert found == {"project": "a b+c", "stage": ""}
