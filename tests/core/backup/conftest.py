from pathlib import Path

import pytest
from helpers.backups import MemoryStore, trading_database


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return trading_database(tmp_path / "trading.db")
