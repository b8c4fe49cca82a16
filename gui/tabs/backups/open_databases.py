"""How the open databases are reached: their addresses, and passwords that are only in memory."""

from __future__ import annotations

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress, resolve_address, secrets_of
from core.backup.databases.base import Database
from core.model.tables import DatabaseInfo
from core.redaction import Secret
from core.work import Work
from core.workspace import Workspace
from gui.tabs.backups.servers import ServerFacts, facts_of
from gui.tabs.backups.sources import Source, SourcesPanel


class OpenDatabases:
    """The open databases by address, with the passwords that are not in the keyring.

    A password is never part of an address, so settings, titles and commands contain none.
    """

    def __init__(self, sources: SourcesPanel) -> None:
        self._sources = sources
        self._passwords: dict[str, Secret] = {}

    def source(self, address: str) -> Source:
        """Return what is known about a database."""
        return self._sources.source(address)

    @property
    def all(self) -> tuple[Source, ...]:
        """The open databases."""
        return self._sources.databases

    def set_password(self, url: str, password: Secret | None) -> None:
        """Keep a password until the program ends; None if the keyring has it or none is needed."""
        if password is None:
            self._passwords.pop(url, None)
        else:
            self._passwords[url] = password

    def argument(self, address: str) -> str | DatabaseAddress:
        """Return the argument for an operation: the address, with a password that is in memory.

        The engine process reads the keyring and secrets itself.
        """
        password = self._passwords.get(address)
        return address if password is None else DatabaseAddress(address, password)


def connect(database: str | DatabaseAddress, workspace: Workspace | None, work: Work) -> Database:
    """Resolve an argument and open its database read-only; this may block.

    Raises:
        StorageError: The secret cannot be read, or the database cannot be opened.
    """
    return open_database(resolve_address(database, secrets_of(workspace), work), work=work)


def read_info(
    database: str | DatabaseAddress, workspace: Workspace | None, work: Work
) -> tuple[DatabaseInfo, ServerFacts | None]:
    """Return the tables of a database and, for a server, what the login has shown.

    Raises:
        StorageError: The secret cannot be read, or the database cannot be opened or read.
    """
    address = resolve_address(database, secrets_of(workspace), work)
    with open_database(address, work=work) as opened:
        return opened.info(work=work), facts_of(opened, address.url)
