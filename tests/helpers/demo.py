"""The embedded AWS for tests: one server for all tests of a process, and plain boto3 clients.

Tests that write use a separate prefix or bucket; those that change the server's settings
or keys start a separate server.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from core.demo import DemoServer
from core.model.connection import AccessKeys


@pytest.fixture(scope="session")
def demo_server() -> Iterator[DemoServer]:
    """The server that all tests of this process share (each worker of xdist has its own)."""
    with DemoServer.start() as server:
        yield server


@pytest.fixture
def demo_prefix() -> str:
    """A prefix that no other test uses."""
    return f"tests/{uuid4().hex}/"


@pytest.fixture
def demo_s3(demo_server: DemoServer) -> Iterator[Any]:
    """A plain boto3 client of the administrator, apart from all of our code."""
    client = plain_client(demo_server, "s3", demo_server.admin)
    yield client
    client.close()


def plain_client(server: DemoServer, service: str, keys: AccessKeys, **config: Any) -> Any:
    """Return a boto3 client that asks once and takes nothing from the environment."""
    import boto3
    from botocore.config import Config

    session = boto3.session.Session(
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key.reveal(),
        aws_session_token=keys.session_token.reveal() if keys.session_token else None,
        region_name="us-east-1",
    )
    values = {"retries": {"total_max_attempts": 1}, "signature_version": "v4", **config}
    if service == "s3":
        values |= {"signature_version": "s3v4", "s3": {"addressing_style": "path"}}
    return session.client(service, endpoint_url=server.endpoint_url, config=Config(**values))
