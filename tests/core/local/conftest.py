"""Fixtures of the tests of stored state."""

import pytest

from core.local.state.database import Database


@pytest.fixture
def database(tmp_path):
    """Return a state database in a separate folder; it is closed at the end."""
    made = Database(tmp_path / "data" / "state.db")
    yield made
    made.close()
