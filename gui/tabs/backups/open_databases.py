"""How the open databases are reached: their addresses, and passwords that are only in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress, resolve_address, secrets_of
from core.backup.databases.base import Database
from core.backup.keys import table_prefix
from core.errors import InvalidInput
from core.model.database import DatabaseInfo, TableInfo
from core.redaction import Secret
from core.work import Work
from core.workspace import Workspace
from gui.tabs.backups.servers import ServerFacts, facts_of, is_server
from gui.tabs.backups.sources import Source, SourcesPanel, is_there
from gui.widgets.columns import SettingsStore

#: The setting with the addresses of the open databases.
_KEY = "backups/database"


class OpenDatabases:
    """The open databases by address, with the passwords that are not in the keyring.

    A password is never part of an address, so settings, titles and commands contain none.

    Args:
        sources: the list in which they are shown.
        settings: where the addresses are stored; None for none.

    Attributes:
        addresses: the open databases in the order in which they were opened.
        opening: a file that is not stored before its tables were read once.
        demo: the database of the demo, which is not stored; None if there is none.
    """

    def __init__(self, sources: SourcesPanel, settings: SettingsStore | None) -> None:
        self._sources, self._settings = sources, settings
        self._passwords: dict[str, Secret] = {}
        self.addresses: tuple[str, ...] = ()
        self.opening = ""
        self.demo: Path | None = None

    def show(self, addresses: Iterable[str]) -> None:
        """Show these databases in the list of sources, each once."""
        self.addresses = tuple(dict.fromkeys(addresses))
        self._sources.show_databases(self.addresses)

    def store(self) -> None:
        """Store the addresses for the next start of the program."""
        if self._settings is not None:
            omitted = (str(self.demo), self.opening)
            self._settings.set(_KEY, [each for each in self.addresses if each not in omitted])

    def stored(self) -> list[str]:
        """Return the databases of earlier sessions that still exist."""
        found = self._settings.get(_KEY, []) if self._settings is not None else []
        addresses = found if isinstance(found, list) else [found]
        return [each for each in addresses if isinstance(each, str) and each and is_there(each)]

    @property
    def first_file(self) -> str:
        """The first SQLite file, else the bucket: a server is only connected on request."""
        return next((each for each in self.addresses if not is_server(each)), "")

    def source(self, address: str) -> Source:
        """Return what is known about a database."""
        return self._sources.source(address)

    @property
    def selected(self) -> str:
        """The address of the selected database; empty for the bucket."""
        return self._sources.current.address

    @property
    def all(self) -> tuple[Source, ...]:
        """The open databases."""
        return self._sources.databases

    @property
    def problem(self) -> str:
        """Why the selected database cannot be read; for the bucket, why none of them can."""
        if self.selected:
            return self.source(self.selected).problem
        problems = [each.problem for each in self.all]
        return problems[0] if problems and all(problems) else ""

    def on_change(self, act: Callable[[], object]) -> None:
        """Call a function after a database was opened, closed, read, or found unreadable."""
        self._sources.changed.connect(act)

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
        info = opened.info(work=work)
        tables = tuple(_with_usable_name(each) for each in info.tables)
        return replace(info, tables=tables), facts_of(opened, address.url)


def _with_usable_name(info: TableInfo) -> TableInfo:
    """Return a table, marked if its name cannot be a part of the key of a backup."""
    try:
        table_prefix(info.name)
    except InvalidInput as error:
        reason = f"{error.cause[:1].lower()}{error.cause[1:].rstrip('.')}"
        return replace(info, problem=info.problem or f"not usable in the bucket: {reason}")
    return info
