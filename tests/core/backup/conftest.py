from pathlib import Path

import pytest
from helpers.backups import MemoryStore, trading_database
from helpers.coins_table import coins  # noqa: F401 - fixture


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return trading_database(tmp_path / "trading.db")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Records and spools of one test are those of no other; damage is read again at once."""
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("core.backup.checked_reading.PAUSES", (0.0, 0.0))
    return tmp_path / "home"
