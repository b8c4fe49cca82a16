"""Fixtures that run commands as a script does, on the demo server."""

import pytest
from helpers.rotation_world import World

from core.cli import main


@pytest.fixture
def world(demo_server):
    world = World(demo_server)
    yield world
    world.close()


@pytest.fixture
def command(demo_server, monkeypatch, capsys):
    """Run a command as the administrator, and see its exit code."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", demo_server.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", demo_server.admin.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", demo_server.admin.secret_access_key.reveal())

    def call(*arguments, code=0):
        exit_code = main(list(arguments))
        output = capsys.readouterr()
        assert exit_code == code, output.err
        return output

    return call
