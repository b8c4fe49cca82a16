"""Arguments of scripts that Python would accept with another meaning are refused."""

from array import array
from pathlib import Path

import pytest
from helpers.moto_bucket import moto_bucket

from core.errors import InvalidInput
from core.storage.crypto_data_manager import CryptoDataManager
from core.storage.s3_storage_service import S3StorageService


@pytest.fixture(scope="module")
def s3():
    with moto_bucket() as made:
        yield S3StorageService(clients=made.clients)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (5, "neither text nor bytes"),
        ([1, 2], "neither text nor bytes"),
        ({"a": 1}, "neither text nor bytes"),
        (None, "neither text nor bytes"),
        (Path("a"), "neither text nor bytes"),
        ("\udcff", "not valid Unicode"),
    ],
)
def test_only_text_and_bytes_are_stored(s3, data, cause):
    with pytest.raises(InvalidInput, match=cause):
        s3.upload_data(data, "data")
    assert not s3.object_exists("data")


@pytest.mark.parametrize(
    "data", [b"ab", bytearray(b"ab"), memoryview(b"a-b-")[::2], array("B", [97, 98]), "ab"]
)
def test_everything_with_bytes_is_stored(s3, data):
    s3.upload_data(data, "stored")
    assert s3.get_object_data("stored") == b"ab"


@pytest.mark.parametrize("path", ["", "new/"])
def test_a_path_of_no_file_is_refused(s3, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    s3.upload_data("x", "stored")
    with pytest.raises(InvalidInput, match="is not the path of a file"):
        s3.download_file("stored", path)
    with pytest.raises(InvalidInput, match="is not the path of a file"):
        s3.upload_file(path, "other")
    assert list(tmp_path.iterdir()) == []


def test_negative_numbers_are_not_an_empty_answer(s3):
    with pytest.raises(InvalidInput, match="max_keys is negative"):
        s3.list_objects(max_keys=-1)
    with pytest.raises(InvalidInput, match="days_back is negative"):
        CryptoDataManager(s3).get_latest_market_data("BTC-USD", "trades", days_back=-1)
    assert s3.list_objects(max_keys=0) == []


@pytest.mark.parametrize(
    ("values", "summary"),
    [
        ({"metadata": {"Team": "a", "team": "b"}}, "'team' cannot be stored twice"),
        ({"content_type": "text/ü"}, "The content type cannot be stored"),
        ({"content_type": "text/plain\n"}, "The content type cannot be stored"),
    ],
)
def test_headers_that_no_server_accepts_are_refused_and_not_the_keys(s3, tmp_path, values, summary):
    (tmp_path / "a").write_text("x")
    with pytest.raises(InvalidInput, match=summary):
        s3.upload_data("x", "headers", **values)
    with pytest.raises(InvalidInput, match=summary):
        s3.upload_file(tmp_path / "a", "headers", **values)
    assert not s3.object_exists("headers")
