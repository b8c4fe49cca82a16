"""The options of an upload apply to each of its files, small and large."""

import gzip
from types import SimpleNamespace

import pytest
from helpers.moto_bucket import moto_bucket

from core.errors import InvalidInput
from core.model.upload_options import UploadOptions
from core.objects.reading import head, read
from core.transfer.plan import plan_upload
from core.transfer.upload import upload
from core.transfer.values import SAME, IfExists


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket() as made:
        yield made


def columns(folder, **bodies):
    for name, body in bodies.items():
        (folder / name).write_bytes(body)
    return {
        "paths": [str(folder / name) for name in bodies],
        "keys": list(bodies),
        "sizes": [len(body) for body in bodies.values()],
    }


def test_every_file_has_the_storage_class_the_tags_and_the_metadata(bucket, tmp_path):
    options = UploadOptions("STANDARD_IA", tags=(("a", "b"),), metadata=(("origin", "test"),))
    files = columns(tmp_path, small=b"1", large=bytes(17 << 20))
    report = upload(SimpleNamespace(bucket=bucket), **files, options=options.as_dict())
    assert report.done == (0, 1)
    for key in ("small", "large"):
        found = head(bucket, key)
        assert (found.storage_class, found.metadata["origin"]) == ("STANDARD_IA", "test")
        tags = bucket.client.get_object_tagging(Bucket=bucket.name, Key=key)["TagSet"]
        assert tags == [{"Key": "a", "Value": "b"}]


@pytest.mark.parametrize("options", [{"storage_class": "a b"}, {"colour": "red"}])
def test_options_that_are_not_valid_are_refused_before_anything_is_sent(bucket, tmp_path, options):
    files = columns(tmp_path, refused=b"1")
    with pytest.raises(InvalidInput):
        upload(SimpleNamespace(bucket=bucket), **files, options=options)
    assert "Contents" not in bucket.client.list_objects_v2(Bucket=bucket.name, Prefix="refused")


def test_a_compressed_file_is_compared_with_its_original(bucket, tmp_path):
    place, options = SimpleNamespace(bucket=bucket), {"compression": "gzip"}
    folder = tmp_path / "packed"
    folder.mkdir()
    (folder / "same.csv").write_bytes(b"a,b\n" * 100)
    (folder / "other.csv").write_bytes(b"a,b\n" * 100)

    def sent():
        plan = plan_upload(place, paths=[str(folder)], options=options)
        return upload(place, **plan.arguments(IfExists.IF_DIFFERENT), options=options)

    assert len(sent().done) == 2
    (folder / "other.csv").write_bytes(b"b,a\n" * 100)
    report = sent()
    assert (len(report.done), report.skipped) == (1, ((1, SAME),))
    assert gzip.decompress(read(bucket, "packed/other.csv.gz")) == b"b,a\n" * 100
