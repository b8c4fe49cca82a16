"""A link shows its real expiry and warns of whatever prevents it from working."""

from datetime import timedelta

import pytest
from helpers.aws import connection
from helpers.moto_bucket import moto_bucket

from core.aws.clients import ClientFactory
from core.aws.expiry import Expiry
from core.errors import AccessDenied, Cancelled, CredentialsExpired, InvalidInput, Offline
from core.links.ledger import Ledger
from core.links.make import actual_lifetime, make_links
from core.objects import writing
from core.objects.bucket import Bucket
from core.objects.presign import path_warning
from core.storage.s3_storage_service import S3StorageService
from core.units import format_moment, utc_now
from core.work import CancelToken, Work

WEEK = 7 * 86400


@pytest.fixture
def bucket():
    with moto_bucket() as made:
        writing.put(made, "there", b"content")
        yield made


@pytest.fixture
def unreachable():
    """A bucket of which nothing can be asked."""
    clients = ClientFactory(connection(endpoint_url="http://127.0.0.1:9"))
    yield Bucket(clients, "bucket")
    clients.close()


@pytest.fixture
def ends(bucket, monkeypatch):
    """Set what the credentials say of their end."""

    def set_to(expiry):
        monkeypatch.setattr(ClientFactory, "credentials_expiry", lambda _self: expiry)

    return set_to


def seconds_in(link):
    return int(link.url.reveal().split("X-Amz-Expires=")[1].split("&")[0])


def test_permanent_credentials_sign_for_seven_days(bucket):
    (link,) = make_links(bucket, ["there"], seconds=WEEK)
    assert seconds_in(link) == WEEK
    assert (link.expiry_known, link.limited_by, link.exists, link.warnings) == (True, "", True, ())
    assert link.expiry_text == format_moment(link.expires)


def test_a_link_ends_with_the_session_that_signs_it(bucket, ends, tmp_path):
    session_ends = utc_now() + timedelta(hours=1)
    ends(Expiry(temporary=True, at=session_ends))
    ledger = Ledger(tmp_path)
    (link,) = make_links(bucket, ["there"], seconds=WEEK, ledger=ledger)
    assert link.expires <= session_ends
    assert 3590 <= seconds_in(link) <= 3600
    assert "end in" in link.limited_by
    assert ledger.read().entries[0].expires == link.expires
    assert make_links(bucket, ["there"], seconds=60)[0].limited_by == ""


@pytest.mark.parametrize(("asked", "most"), [(WEEK, 36 * 3600), (3600, 3600)])
def test_an_unknown_end_is_never_a_promise(bucket, ends, tmp_path, asked, most):
    ends(Expiry(temporary=True))
    ledger = Ledger(tmp_path)
    (link,) = make_links(bucket, ["there"], seconds=asked, ledger=ledger)
    assert seconds_in(link) == most
    assert not link.expiry_known
    assert link.expiry_text == f"{format_moment(link.expires)} at the latest"
    assert "temporary" in link.limited_by
    (entry,) = ledger.read().entries
    assert (entry.expiry_known, entry.expires) == (False, link.expires)
    life = actual_lifetime(bucket, asked)
    assert (life.known, life.limited_by) == (False, link.limited_by)


def test_credentials_that_have_ended_sign_nothing(bucket, ends, tmp_path):
    ends(Expiry(temporary=True, at=utc_now() - timedelta(seconds=1)))
    ledger = Ledger(tmp_path)
    with pytest.raises(CredentialsExpired):
        make_links(bucket, ["there"], ledger=ledger)
    assert ledger.read().entries == ()


@pytest.mark.parametrize(
    "seconds",
    [0, -1, WEEK + 1, 10**5000, True, False, 60.0, 1.5, float("nan"), "60", "", None, [60], b"60"],
    ids=lambda seconds: type(seconds).__name__,
)
def test_a_life_that_s3_does_not_allow_is_refused_with_the_limit(unreachable, seconds):
    bucket = unreachable
    service = S3StorageService(clients=bucket.clients, bucket_name=bucket.name)
    for call in (
        lambda: make_links(bucket, ["there"], seconds=seconds),
        lambda: actual_lifetime(bucket, seconds),
        lambda: service.generate_presigned_url("there", expiration=seconds),
    ):
        with pytest.raises(InvalidInput) as refused:
            call()
        assert "604,800 (7 days)" in refused.value.cause


@pytest.mark.parametrize("method", ["PATCH", "", None, 1])
def test_a_method_that_has_no_links_is_refused(unreachable, method):
    with pytest.raises(InvalidInput, match="cannot be created"):
        make_links(unreachable, ["there"], method=method)


def test_a_missing_object_is_warned_of_where_the_link_needs_it(bucket):
    for method, exists in (("GET", False), ("HEAD", False), ("PUT", None), ("DELETE", None)):
        (link,) = make_links(bucket, ["missing"], method=method)
        assert link.exists is exists
        assert any("no object" in warning for warning in link.warnings) == (exists is False)


@pytest.mark.parametrize("error", [AccessDenied, Offline])
def test_where_no_one_may_ask_it_is_unknown_and_the_link_is_made(bucket, monkeypatch, error):
    def refuse(*_arguments, **_more):
        raise error("refused")

    monkeypatch.setattr("core.links.existence.head", refuse)
    (link,) = make_links(bucket, ["missing"])
    assert (link.exists, link.warnings) == (None, ())


def test_a_cancel_and_expired_credentials_are_no_unknown(bucket, monkeypatch):
    work = Work(CancelToken())
    work.token.cancel()
    with pytest.raises(Cancelled):
        make_links(bucket, ["missing"], work=work)

    def ended(*_arguments, **_more):
        raise CredentialsExpired("ended")

    monkeypatch.setattr("core.links.existence.head", ended)
    with pytest.raises(CredentialsExpired):
        make_links(bucket, ["missing"])


def test_keys_that_browsers_resolve_are_warned_of(bucket):
    keys = ["../a", "a/./b", "a/../b", "a/..", ".", "./a"]
    for method in ("GET", "PUT"):
        for link in make_links(bucket, keys, method=method):
            assert any("--path-as-is" in warning for warning in link.warnings), link.key


@pytest.mark.parametrize("key", ["a/b", "a.b", "..a/b", "a/...", "a//b", ".hidden", "a/.b"])
def test_other_dots_are_no_reason_to_warn(key):
    assert path_warning(key) == ""


def test_of_very_many_objects_the_first_are_asked_for(bucket, monkeypatch):
    monkeypatch.setattr("core.links.make._HEADS", 2)
    links = make_links(bucket, ["missing"] * 3)
    assert [link.exists for link in links] == [False, False, None]
