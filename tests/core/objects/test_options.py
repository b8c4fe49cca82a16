"""Options of uploads: checks, parameters, and the form in which they are stored."""

import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.model.upload_options import Checksum, Compression, Encryption, UploadOptions
from core.objects.options import check_options, parameters_of

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
