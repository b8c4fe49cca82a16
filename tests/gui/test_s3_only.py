"""The window works without an identity and without errors on a server with S3 alone."""

import pytest

from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.redaction import Secret
from gui.main_window.connecting import Connector


@pytest.fixture
def connector(context, qtbot):
    connector = Connector(context)
    yield connector
    context.set_workspace(None)


def test_it_connects_and_refreshes_without_sts(connector, context, qtbot, seaweed):
    keys = AccessKeys(seaweed.access_key_id, Secret(seaweed.secret_access_key))
    profile = Profile("s3-only", KeySource.SESSION, endpoint_url=seaweed.endpoint_url)
    failures = []
    connector.failed.connect(failures.append)
    with qtbot.waitSignals([connector.connected, connector.bucket_described], timeout=20_000):
        connector.open_connection(Connection(profile, keys))
    qtbot.waitUntil(lambda: not context.runner.busy, timeout=20_000)
    assert failures == []
    assert context.identity is None
    with qtbot.waitSignal(connector.connected, timeout=20_000):
        connector.refresh()
    qtbot.waitUntil(lambda: not context.runner.busy, timeout=20_000)
    assert failures == []
