"""Clients follow the region of their bucket, sign with version 4, and refuse foreign answers."""

import logging
import threading

import pytest
from helpers.aws import CANARY, KEY_ID, connection
from helpers.stub_server import XML, Reply, StubServer

from core import errors
from core.aws import clients as clients_module
from core.aws.clients import ClientFactory
from core.aws.endpoints import endpoint_for
from core.aws.faults import translated
from core.model.connection import KeySource, Profile

EMPTY_LIST = b"""<?xml version="1.0"?><ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"""


@pytest.fixture
def factory():
    made = []

    def make(url, **profile):
        made.append(ClientFactory(connection(endpoint_url=url, **profile)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def in_region(region, status=200):
    return lambda _request: Reply(status, {"x-amz-bucket-region": region})


@pytest.mark.parametrize("status", [200, 400, 403])
def test_the_bucket_s_region_is_found_followed_remembered_and_said_once(factory, caplog, status):
    caplog.set_level(logging.INFO)
    with StubServer(in_region("eu-central-1", status)) as server:
        clients = factory(server.url)
        assert clients.for_bucket("tentimecrypto").meta.region_name == "eu-central-1"
        assert clients.followed("tentimecrypto") == "eu-central-1"
        first = len(server.requests)  # botocore itself repeats the HEAD after a 400
        assert clients.for_bucket("tentimecrypto").meta.region_name == "eu-central-1"
        assert 1 <= first == len(server.requests) <= 2
    said = [r for r in caplog.records if "Bucket is in a different region" in r.getMessage()]
    assert len(said) == 1
    assert CANARY not in caplog.text


def test_a_bucket_at_home_is_followed_nowhere(factory):
    with StubServer(in_region("us-east-1")) as server:
        clients = factory(server.url)
        assert clients.for_bucket("b").meta.region_name == "us-east-1"
        assert clients.followed("b") is None


@pytest.mark.parametrize("status", [403, 405])
def test_a_refused_head_without_a_region_does_not_stop_reading_and_writing(factory, status):
    with StubServer(lambda _request: Reply(status)) as server:
        assert factory(server.url).for_bucket("b").meta.region_name == "us-east-1"


def test_a_missing_bucket_is_named_and_not_remembered(factory):
    with StubServer(lambda _request: Reply(404)) as server:
        clients = factory(server.url)
        for _ in range(2):
            with pytest.raises(errors.NoSuchBucket):
                clients.for_bucket("nowhere")
        assert len(server.requests) == 2


def test_requests_are_signed_with_version_4_and_bear_our_name(factory):
    with StubServer(in_region("us-east-1")) as server:
        clients = factory(server.url)
        clients.for_bucket("b")
        asked = server.requests[0]
        assert asked.path == "/b"  # addressed by path at a custom endpoint
        assert asked.headers["authorization"].startswith("AWS4-HMAC-SHA256")
        assert "strongroom/" in asked.headers["user-agent"]
        url = clients.s3().generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
        assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url


def test_once_really_means_once_and_the_other_class_retries(factory):
    with StubServer(lambda _request: Reply(500, XML)) as server:
        clients = factory(server.url)
        for once, attempts in ((True, 1), (False, 4)):
            server.requests.clear()
            with pytest.raises(Exception, match="500"):
                clients.s3(once=once).list_buckets()
            assert len(server.requests) == attempts


def test_a_web_page_with_status_200_is_refused(factory):
    page = Reply(200, {"Content-Type": "text/html"}, b"<html><body>Sign in</body></html>")
    with StubServer(lambda _request: page) as server:
        client = factory(server.url).s3()
        with pytest.raises(errors.NotAnS3Answer), translated("s3:GetObject", "s3://b/k"):
            client.get_object(Bucket="b", Key="k")


def test_a_stored_web_page_is_read_like_any_object(factory):
    headers = {"Content-Type": "text/html", "ETag": '"x"', "x-amz-request-id": "1"}
    with StubServer(lambda _request: Reply(200, headers, b"<html></html>")) as server:
        body = factory(server.url).s3().get_object(Bucket="b", Key="k")["Body"]
        assert body.read() == b"<html></html>"


def test_observers_see_each_request_in_the_calling_thread(factory, monkeypatch):
    seen = []
    observer = lambda service, operation: seen.append((service, operation, threading.get_ident()))  # noqa: E731 - a name for the list below
    monkeypatch.setattr(clients_module, "REQUEST_OBSERVERS", [observer])
    with StubServer(lambda _request: Reply(200, XML, EMPTY_LIST)) as server:
        factory(server.url).s3().list_objects_v2(Bucket="b")
    assert seen == [("s3", "ListObjectsV2", threading.get_ident())]


def test_clients_are_made_once_also_by_many_threads(factory):
    clients = factory("http://127.0.0.1:9")
    found = []
    threads = [threading.Thread(target=lambda: found.append(clients.s3())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(client) for client in found}) == 1
    assert clients.s3(once=True) is not clients.s3()
    assert clients.secrets() is clients.secrets()


def test_after_close_a_call_is_cancelled_not_failed():
    clients = ClientFactory(connection(endpoint_url="http://127.0.0.1:9"))
    clients.s3()
    clients.close()
    with pytest.raises(errors.Cancelled):
        clients.s3()


def test_frozen_keys_are_ours_and_show_nothing(factory):
    clients = factory("http://127.0.0.1:9")
    keys = clients.frozen_keys()
    assert (keys.access_key_id, keys.secret_access_key.reveal()) == (KEY_ID, CANARY)
    assert keys.session_token is None
    assert clients.credentials_expire() is None
    assert CANARY not in f"{keys!r} {clients!r} {clients.connection!r}"


@pytest.mark.parametrize("url", ["localhost:9000", "ftp://localhost"])
@pytest.mark.parametrize("service", ["s3", "secrets"])
def test_an_endpoint_that_is_no_url_is_refused_in_text(factory, url, service):
    with pytest.raises(errors.InvalidInput, match="Invalid endpoint"):
        getattr(factory(url), service)()


def test_endpoints_come_from_the_profile_then_from_the_environment(monkeypatch):
    profile = Profile("p", KeySource.ENVIRONMENT)
    assert endpoint_for(profile, "s3") is None
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://all")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://secrets")
    assert endpoint_for(profile, "s3") == "http://all"
    assert endpoint_for(profile, "secretsmanager") == "http://secrets"
    own = Profile("p", KeySource.ENVIRONMENT, endpoint_url="http://own")
    assert endpoint_for(own, "secretsmanager") == "http://own"
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert endpoint_for(profile, "s3") is None


def test_a_proxy_does_not_stand_before_this_machine(factory, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with StubServer(in_region("us-east-1")) as server:
        factory(server.url).for_bucket("b")
        assert server.requests
