"""A user with a secret to rotate, and the clients of an administrator."""

import pytest
from helpers.rotation_world import World

from core.aws.clients import ClientFactory
from core.rotation.journal import RotationJournal


@pytest.fixture
def world(demo_server):
    world = World(demo_server)
    yield world
    world.close()


@pytest.fixture(scope="module")
def admin(demo_server):
    clients = ClientFactory(demo_server.connection)
    yield clients
    clients.close()


@pytest.fixture
def journal(tmp_path):
    return RotationJournal(tmp_path / "rotations")


@pytest.fixture
def rotator(world, admin, journal):
    return world.rotator(admin, journal)
