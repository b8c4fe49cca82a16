"""The S3 servers that tests talk to, behind one interface.

The embedded server (moto) accepts requests that AWS refuses and its answers have one form only.
SeaweedFS and Ceph RGW are independent implementations: what they agree on is S3.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from core.demo import DemoServer
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.redaction import Secret

#: Servers of `make test`, and the one that only `make referee` adds.
ALWAYS, REFEREE = ("demo", "seaweed"), ("rgw",)
#: Set to the names of the servers to run on, separated by commas; see `make referee`.
CHOICE = "S3_SERVERS"


def chosen_servers() -> tuple[str, ...]:
    """Return the names of the servers that this run talks to."""
    names = os.environ.get(CHOICE, "")
    return tuple(names.split(",")) if names else ALWAYS


_DEMO_LACKS = (
    ("parts of an object", "moto does not tell how large the parts of a finished upload were"),
)


def heavy_servers() -> tuple[str, ...]:
    """Return the servers of long tests: `make test` takes the one that is not our own."""
    return chosen_servers() if os.environ.get(CHOICE) else ("seaweed",)


@dataclass(frozen=True)
class S3Server:
    """A running server with its administrator's keys.

    `lacks` names S3 features that the server does not implement, each with what it does instead.
    `created` is called with the name of each bucket that a plain client has created.
    """

    name: str
    endpoint_url: str
    access_key_id: str
    secret_access_key: str
    lacks: tuple[tuple[str, str], ...] = ()
    created: Callable[[str], None] | None = None

    @property
    def port(self) -> int:
        """The TCP port on the loopback."""
        return int(self.endpoint_url.rpartition(":")[2])

    def require(self, feature: str) -> None:
        """Skip the test, with a reason that `make referee` counts, if the server lacks a feature."""
        reason = dict(self.lacks).get(feature)
        if reason:
            pytest.skip(f"not supported by this server ({self.name}): {feature}: {reason}")

    def client(self, endpoint_url: str = "", **config: Any) -> Any:
        """Return a plain boto3 client: it is independent of Strongroom's code."""
        import boto3
        from botocore.config import Config

        session = boto3.session.Session(
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            region_name="us-east-1",
        )
        values = {
            "signature_version": "s3v4",
            "s3": {"addressing_style": "path"},
            "retries": {"total_max_attempts": 3},
            "connect_timeout": 5,
            "read_timeout": 30,
        }
        url = endpoint_url or self.endpoint_url
        client = session.client("s3", endpoint_url=url, config=Config(**(values | config)))
        if self.created:
            _report_buckets(client, self.created)
        return client

    def connection(self, bucket: str, endpoint_url: str = "") -> Connection:
        """Return the connection that our own code uses."""
        profile = Profile(
            self.name,
            KeySource.SESSION,
            endpoint_url=endpoint_url or self.endpoint_url,
            bucket=bucket,
        )
        return Connection(profile, AccessKeys(self.access_key_id, Secret(self.secret_access_key)))

    def environment(self, home: Path, endpoint_url: str = "") -> dict[str, str]:
        """Return the environment of a command line with a separate home."""
        stored = {
            name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ
        }
        return {
            **stored,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "HOME": str(home),
            "STRONGROOM_HOME": str(home / "strongroom"),
            "AWS_ENDPOINT_URL": endpoint_url or self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "QT_QPA_PLATFORM": "offscreen",
        }


def _report_buckets(client: Any, created: Callable[[str], None]) -> None:
    """Call a function with the name of each bucket that a client creates."""

    def note_name(params: dict[str, Any], context: dict[str, Any], **_event: Any) -> None:
        context["bucket"] = params["Bucket"]

    def report(http_response: Any, context: dict[str, Any], **_event: Any) -> None:
        if http_response.status_code == HTTPStatus.OK:
            created(context["bucket"])

    client.meta.events.register("before-parameter-build.s3.CreateBucket", note_name)
    client.meta.events.register("after-call.s3.CreateBucket", report)


def make_bucket(client: Any, prefix: str = "test") -> str:
    """Create a bucket that no other test uses and return its name."""
    name = f"{prefix}-{uuid4().hex[:12]}"
    client.create_bucket(Bucket=name)
    return name


def demo_as_s3(server: DemoServer) -> S3Server:
    """Return the embedded server in the common form."""
    keys = server.admin
    secret = keys.secret_access_key.reveal()
    return S3Server("demo", server.endpoint_url, keys.access_key_id, secret, lacks=_DEMO_LACKS)


@pytest.fixture(params=chosen_servers())
def s3_server(request: pytest.FixtureRequest) -> S3Server:
    """Each of the servers in turn: the embedded one and SeaweedFS; for `make referee` RGW too."""
    if request.param == "demo":
        return demo_as_s3(request.getfixturevalue("demo_server"))
    server: S3Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def s3_client(s3_server: S3Server) -> Iterator[Any]:
    """A plain boto3 client of `s3_server`."""
    client = s3_server.client()
    yield client
    client.close()


@pytest.fixture
def s3_bucket(s3_client: Any) -> str:
    """A new bucket on `s3_server`."""
    return make_bucket(s3_client)
