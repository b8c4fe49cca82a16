"""Endpoints of the AWS services, and the configuration of their clients.

Importing this module is fast: botocore is only imported to create a configuration.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from core.model.connection import Profile
from core.version import __version__

#: Seconds to wait for a connection, and for the next bytes of an answer.
CONNECT_SECONDS = 5
READ_SECONDS = 30
#: Size of a client's connection pool; more threads than that would have to wait.
POOL = 32

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def endpoint_for(profile: Profile, service: str) -> str | None:
    """Return the custom URL of a service, or None for AWS.

    The profile has priority over AWS_ENDPOINT_URL_SERVICE and AWS_ENDPOINT_URL.

    Args:
        profile: the profile in use.
        service: botocore's service name, for example `s3` or `secretsmanager`.
    """
    return profile.endpoint_url or endpoint_of_environment(service)


def endpoint_of_environment(service: str) -> str | None:
    """Return the URL of a service that the environment specifies, or None for AWS.

    Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints".

    Args:
        service: botocore's service name, for example `s3` or `secretsmanager`.
    """
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    own = "SECRETS_MANAGER" if service == "secretsmanager" else service.upper()
    return os.environ.get(f"AWS_ENDPOINT_URL_{own}") or os.environ.get("AWS_ENDPOINT_URL") or None


def default_endpoint_text() -> str:
    """Return what a profile without an endpoint uses, as text: AWS, or a URL of the environment."""
    url = endpoint_of_environment("s3")
    return f"{url} (set in the environment)" if url else "AWS"


def is_loopback(endpoint: str) -> bool:
    """Return whether the endpoint is on this machine, so that no proxy is used."""
    return urlsplit(endpoint).hostname in _LOOPBACK


def client_config(
    endpoint: str | None, *, signature: str | None = None, addressing: str = ""
) -> Any:
    """Return botocore's configuration for one client.

    Args:
        endpoint: the custom URL, or None for AWS. With a custom URL, buckets are addressed by path
            by default and newer checksums are left out, which many compatible servers refuse.
        signature: `s3v4` for S3, where botocore still presigns with SigV2 by default in some
            regions and at custom endpoints; None for services that only support SigV4.
        addressing: the `addressing_style` of the AWS profile for S3, if it is set.
    """
    from botocore.config import Config

    config = Config(
        signature_version=signature,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=POOL,
        tcp_keepalive=True,
        # One attempt: `core.aws.retries` handles retries, so that a cancel ends the pauses.
        retries={"mode": "standard", "total_max_attempts": 1},
        user_agent_extra=f"strongroom/{__version__}",
    )
    if not endpoint:
        return config
    elsewhere = Config(
        # A bucket name in the host needs a DNS entry and a certificate for each bucket, which few
        # other servers have.
        s3={"addressing_style": addressing or "path"},
        # By default botocore sends newer checksums, which many other servers refuse.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        proxies={} if is_loopback(endpoint) else None,
    )
    return config.merge(elsewhere)
