"""Helpers that read the bytes of the state database."""

from pathlib import Path

from core.local.state.database import Database, state_database

INSERT = "INSERT INTO rotations (id, started, record) VALUES (?, '', '')"
IDS = "SELECT id FROM rotations ORDER BY id"


def ids(database: Database) -> list[str]:
    """Return the ids of the rotations in a database."""
    return [str(row[0]) for row in database.rows(IDS)]


def stored_text(folder: Path) -> str:
    """Return the bytes of all files of the state database in a folder, as Latin-1 text."""
    found = [path.read_bytes() for path in sorted(folder.glob("state.db*"))]
    assert b"SQLite format 3" in b"".join(found)
    return b"".join(found).decode("latin-1")


def stored_transfers() -> int:
    """Return how many journals of transfers there are, running ones included."""
    return len(state_database().rows("SELECT id FROM transfers"))
