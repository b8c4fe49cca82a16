"""A bucket on moto, and the same bucket through a proxy that damages answers."""

from contextlib import contextmanager

import pytest
from helpers.fault_proxy import FaultProxy
from helpers.moto_bucket import moto_bucket
from helpers.object_server import KEY_ID, SECRET, bucket_at
from helpers.s3_servers import S3Server

from core.work import CancelToken


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    """Retries come at once; a cancel is noticed as ever."""
    monkeypatch.setattr(CancelToken, "wait", lambda token, _seconds: token.check())


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket() as made:
        yield made


@pytest.fixture
def damaged(bucket):
    """Return a context: the bucket through a proxy with rules, and the proxy."""

    @contextmanager
    def through(*rules):
        server = S3Server("moto", bucket.clients.endpoint_url, KEY_ID, SECRET)
        with FaultProxy(server, *rules) as proxy, bucket_at(proxy.url, bucket.name) as other:
            yield other, proxy

    return through
