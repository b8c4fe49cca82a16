"""What the databases of all servers have in common: a session with an address."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from core.backup.databases.base import Database
from core.work import Work, default_work

if TYPE_CHECKING:
    from core.model.backup import Origin
    from core.redaction import Secret


class ServerAddress(Protocol):
    """The address of a database on a server; its text has host, port and database."""

    def origin(self, engine: str) -> Origin:
        """Return host, port and database, as a manifest names them."""


class ServerSession(Protocol):
    """An open connection to a server."""

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""

    def close(self) -> None:
        """Close the connection; repeated calls are allowed."""


A = TypeVar("A", bound=ServerAddress)
S = TypeVar("S", bound=ServerSession)


class ServerDatabase(Database, Generic[A, S]):
    """A database of a server, which exists already, through one session."""

    def __init__(self, session: S, address: A, password: Secret | None, work: Work) -> None:
        self._session = session
        self._address = address
        self._password = password
        self._work = work

    @classmethod
    @abstractmethod
    def _parsed(cls, url: str) -> A:
        """Return the address in a URL.

        Raises:
            InvalidInput: The URL is not one of this engine.
        """

    @classmethod
    @abstractmethod
    def _connected(cls, address: A, password: Secret | None, work: Work) -> S:
        """Return a new session."""

    @classmethod
    @abstractmethod
    def _refuse_writes(cls, session: S) -> None:
        """Let the server refuse changes by this session."""

    @classmethod
    def open(
        cls,
        address: str,
        *,
        write: bool = False,
        create: bool = False,  # noqa: ARG003 - a server's database is not created
        password: Secret | None = None,
        work: Work | None = None,
    ) -> Self:
        """Connect to a URL; see `Database`."""
        work = default_work(work)
        place = cls._parsed(address)
        session = cls._connected(place, password, work)
        try:
            if not write:
                cls._refuse_writes(session)
            return cls(session, place, password, work)
        except BaseException:
            session.close()
            raise

    @classmethod
    def missing(cls, address: str) -> bool:
        """Return False: a restore never creates a server's database."""
        cls._parsed(address)
        return False

    def close(self) -> None:
        """Close the connection; repeated calls are allowed."""
        self._session.close()

    @property
    def name(self) -> str:
        """Host, port and database."""
        return str(self._address)

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return self._session.encrypted

    @classmethod
    def origin_of(cls, address: str) -> Origin:
        """Return host, port and database of a URL."""
        return cls._parsed(address).origin(cls.engine)

    @property
    def origin(self) -> Origin:
        """Host, port and database."""
        return self._address.origin(self.engine)
