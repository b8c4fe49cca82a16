"""Failures of a proxy name what is wrong with it, and never its password."""

import socket

import pytest
from botocore import exceptions as boto
from urllib3.exceptions import LocationParseError, ProxyError

from core import errors
from core.aws.faults import translate

PROXY = "http://ada:proxy-canary@proxy.example:3128"


@pytest.mark.parametrize(
    ("url", "inner", "text"),
    [
        (PROXY, OSError("Tunnel connection failed: 407 Required"), "proxy.example:3128 requires"),
        (PROXY, OSError("Tunnel connection failed: 403 Forbidden"), "with HTTP status 403"),
        (PROXY, socket.gaierror(-2, "Name or service not known"), "cannot be resolved (DNS)"),
        (PROXY, ConnectionRefusedError(111, "refused"), "proxy.example:3128 cannot be reached"),
        ("http://socks5://127.0.0.1:9", socket.gaierror(-2, "not known"), "such as SOCKS"),
    ],
)
def test_a_failure_of_the_proxy_names_it_and_the_reason(url, inner, text):
    failure = ProxyError("Unable to connect to proxy", inner)
    failure.__cause__ = inner
    found = translate(
        boto.ProxyConnectionError(proxy_url=url, error=failure), "s3:GetObject", "s3://b"
    )
    assert isinstance(found, errors.Offline)
    assert text in found.cause
    assert "HTTP_PROXY if the endpoint begins with http://" in found.remedy
    assert "proxy-canary" not in f"{found.cause} {found.details}"


@pytest.mark.parametrize(
    "inner", [LocationParseError("http://p:99999"), ValueError("Invalid IPv6 URL")]
)
def test_an_invalid_address_of_a_proxy_is_not_a_server_that_does_not_listen(monkeypatch, inner):
    error = boto.HTTPClientError(error=inner)
    monkeypatch.setenv("HTTPS_PROXY", "http://p:99999")
    assert translate(error, "s3:GetObject").cause == "The address of the proxy is not a valid URL."
    monkeypatch.delenv("HTTPS_PROXY")
    assert "proxy" not in translate(error, "s3:GetObject").cause
