"""Opening a workspace sends no request, and its services share one client factory."""

import subprocess
import sys

import pytest
from helpers.aws import CANARY, connection
from moto import mock_aws

from core.aws.clients import REQUEST_OBSERVERS
from core.errors import Cancelled
from core.workspace import Workspace


@pytest.fixture
def requests():
    seen = []
    REQUEST_OBSERVERS.append(lambda service, operation: seen.append(f"{service}:{operation}"))
    yield seen
    REQUEST_OBSERVERS.pop()


def test_opening_asks_nothing_of_aws_and_services_share_one_factory(requests):
    workspace = Workspace.open(connection())
    assert workspace.bucket.clients is workspace.clients
    assert workspace.secrets is workspace.secrets
    assert workspace.secrets.clients is workspace.clients
    assert workspace.profile.name == "test"
    assert CANARY not in f"{workspace!r} {workspace.connection!r}"
    assert requests == []
    workspace.close()


def test_identity_is_asked_and_a_closed_workspace_cancels():
    with mock_aws():
        workspace = Workspace.open(connection())
        who = workspace.identity()
        assert who.account == "123456789012"
        assert who.arn.endswith(who.user)
        assert who.expires is None
        workspace.close()
        with pytest.raises(Cancelled):
            workspace.identity()


def test_importing_and_opening_does_not_load_botocore():
    script = (
        "import sys; from core.workspace import Workspace; "
        "from core.model.connection import *; "
        "w = Workspace.open(Connection(Profile('p', KeySource.ROLE))); "
        "assert 'botocore' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
