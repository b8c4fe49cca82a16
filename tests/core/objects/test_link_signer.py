"""Many links are signed exactly like single ones."""

import datetime as dt

import botocore.auth
import pytest
from helpers.object_server import bucket_at
from hypothesis import given
from hypothesis import strategies as st

from core.aws.clients import ClientFactory
from core.errors import InvalidInput, StorageError
from core.objects import link_signer
from core.objects.link_signer import presign_many
from core.objects.presign import presign
from core.redaction import redacted

KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(
    lambda key: not key.startswith("/")
)


@pytest.fixture(scope="module", params=["https://s3.example.com", "", "http://127.0.0.1:9000"])
def place(request):
    """A bucket with path-style or virtual-hosted addresses; nothing is requested from it."""
    with bucket_at(request.param or None, "a-bucket") as bucket:
        yield bucket


@pytest.fixture(scope="module", autouse=True)
def _moment():
    """Sign everything at one moment, so that equal links are equal texts."""
    now = dt.datetime(2026, 11, 28, 1, 2, 3, tzinfo=dt.UTC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientFactory, "bucket_region", lambda *_, **__: "eu-central-1")
        patch.setattr(botocore.auth, "get_current_datetime", lambda **_: now.replace(tzinfo=None))
        yield


@pytest.fixture
def slow_keys(monkeypatch):
    """Return the keys that were signed one by one."""
    keys = []

    def signed(bucket, key, **more):
        keys.append(key)
        return presign(bucket, key, **more)

    monkeypatch.setattr(link_signer, "presign", signed)
    return keys


def _plain(link):
    return link.url.reveal(), link.method, link.requested_seconds, link.warning


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("GET", None),
        ("PUT", None),
        ("GET", {"ResponseContentDisposition": 'attachment; filename="a ü&b.csv"'}),
        ("GET", {"ResponseContentType": "text/csv", "VersionId": "null"}),
    ],
)
@given(keys=st.lists(KEYS, min_size=2, max_size=4))
def test_every_link_is_the_one_that_botocore_signs(place, method, parameters, keys):
    options = {"method": method, "expires": 600, "parameters": parameters}
    found = [_plain(link) for link in presign_many(place, keys, **options)]
    assert found == [_plain(presign(place, key, **options)) for key in keys]


def test_only_the_first_link_is_signed_by_botocore(place, slow_keys):
    keys = [f"market/{number}.json" for number in range(20)]
    assert len(list(presign_many(place, keys))) == 20
    assert slow_keys == keys[:1]


def test_signed_headers_are_signed_by_botocore(place, slow_keys):
    options = {"method": "PUT", "parameters": {"ContentType": "text/csv", "ACL": "private"}}
    keys = ["a", "b", "c"]
    links = [_plain(link) for link in presign_many(place, keys, **options)]
    assert slow_keys == keys
    assert links == [_plain(presign(place, key, **options)) for key in keys]


def test_links_are_masked_without_a_search_for_each_of_them(place, monkeypatch):
    monkeypatch.setattr("core.redaction._known", known := set())
    urls = [link.url.reveal() for link in presign_many(place, ["a", "b", "c"], expires=60)]
    assert not known.intersection(urls[1:])
    for url in urls:
        signature = url.partition("X-Amz-Signature=")[2][:64]
        assert len(signature) == 64
        assert signature not in redacted(f"GET {url} failed")


def test_an_invalid_key_is_refused_like_by_a_single_link(place):
    links = presign_many(place, ["good", ""])
    next(links)
    with pytest.raises(InvalidInput):
        next(links)
    with pytest.raises(StorageError):
        list(presign_many(place, ["good"], expires=8 * 86400))
