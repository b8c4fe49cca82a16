from collections.abc import Iterator

import pytest
from helpers.databases import Server, postgresql_server
from helpers.postgresql_tables import Database, new_database, trading

__all__ = ["postgresql_server"]


@pytest.fixture
def database(postgresql_server: Server) -> Iterator[Database]:
    """An empty database."""
    with new_database(postgresql_server) as made:
        yield made


@pytest.fixture
def orders(database: Database) -> Database:
    """A database with the tables of `trading`."""
    return trading(database)
