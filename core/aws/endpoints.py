"""Where a service is reached, and how its client is set up there.

Import cheaply: botocore is loaded only when a client configuration is made.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from core import __version__
from core.model.connection import Profile

#: Seconds to wait for a connection, and for the next bytes of an answer.
CONNECT_SECONDS = 5
READ_SECONDS = 30
#: Connections kept open in one client's pool; more threads than that would wait.
POOL = 32

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def endpoint_for(profile: Profile, service: str) -> str | None:
    """Return the URL of a service: the profile's, else AWS_ENDPOINT_URL[_SERVICE], else AWS's.

    Args:
        profile: the profile in use.
        service: botocore's service name, for example `s3` or `secretsmanager`.
    """
    if profile.endpoint_url:
        return profile.endpoint_url
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    own = "SECRETS_MANAGER" if service == "secretsmanager" else service.upper()
    return os.environ.get(f"AWS_ENDPOINT_URL_{own}") or os.environ.get("AWS_ENDPOINT_URL") or None


def is_loopback(endpoint: str) -> bool:
    """Whether the endpoint is on this machine: no proxy stands between us and it."""
    return urlsplit(endpoint).hostname in _LOOPBACK


def client_config(
    endpoint: str | None, *, signature: str | None = None, addressing: str = ""
) -> Any:
    """Return botocore's configuration for one client.

    Args:
        endpoint: the custom URL, or None for AWS itself. Elsewhere buckets are addressed by
            path by default, and checksums beyond the protocol's first ones are left out: many compatible
            servers refuse them.
        signature: `s3v4` for S3, where the default still presigns with SigV2 in some regions
            and at custom endpoints; None for services that know SigV4 only.
        addressing: the `addressing_style` that the AWS profile sets for S3, if it does.
    """
    from botocore.config import Config

    config = Config(
        signature_version=signature,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=POOL,
        tcp_keepalive=True,
        # One attempt: `core.aws.retries` decides on more, where a cancel reaches the wait.
        retries={"mode": "standard", "total_max_attempts": 1},
        user_agent_extra=f"strongroom/{__version__}",
    )
    if not endpoint:
        return config
    elsewhere = Config(
        s3={"addressing_style": addressing or "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        proxies={} if is_loopback(endpoint) else None,
    )
    return config.merge(elsewhere)
