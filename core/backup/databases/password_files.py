"""Passwords in the files that the databases' own programs read: `~/.pgpass` and `~/.my.cnf`.

A machine without a keyring and without Secrets Manager has them anyway if `psql` or `mariadb` run there
without a prompt, and a scheduled backup must be able to log in there too.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.backup.databases.server import Address
from core.redaction import Secret

#: Folders of Unix sockets that a line with `localhost` is for. libpq has one of them, depending on
#: who built it.
_SOCKET_FOLDERS = ("/tmp", "/run/postgresql", "/var/run/postgresql")  # noqa: S108 - nothing is written
#: Four fields that end at a colon without a backslash before it, and the password.
_PGPASS_LINE = re.compile(r"((?:[^:\\]|\\.)*):" * 4 + "(.*)")
#: The groups of an option file that `mariadb-dump` reads as every other client does.
#: Source: MariaDB documentation, "Configuring MariaDB with Option Files", option groups.
_CLIENT_GROUPS = ("client", "client-server", "client-mariadb")
_OPTION = re.compile(
    r"""(?P<name>[\w-]+)\s*=\s*(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<plain>[^#]*))"""
)
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "s": " "}


@dataclass(frozen=True, slots=True)
class FilePassword:
    """The password of a user in a file; None if it has none, with the reason as a sentence."""

    path: Path
    password: Secret | None = None
    missing: str = ""


def password_of_pgpass(address: Address, database: str) -> FilePassword:
    """Return the password that libpq would read for a user: the first line that matches.

    The file is the one of `PGPASSFILE`, or `~/.pgpass`; on Windows `postgresql/pgpass.conf` in the
    folder of application data. Source: PostgreSQL manual, "The Password File".
    """
    named = os.environ.get("PGPASSFILE", "")
    folder = os.environ.get("APPDATA", "")
    if named:
        path = Path(named)
    elif sys.platform == "win32" and folder:
        path = Path(folder) / "postgresql" / "pgpass.conf"
    else:
        path = Path.home() / ".pgpass"
    hosts = {address.host} | ({"localhost"} if address.host in _SOCKET_FOLDERS else set())
    wanted = (hosts, {str(address.port)}, {database}, {address.user})

    def found(text: str) -> str | None:
        for fields, password in _pgpass_lines(text):
            pairs = zip(fields, wanted, strict=True)
            if all(field == "*" or _unescaped(field) in values for field, values in pairs):
                return password
        return None

    return _read(path, found)


def password_of_option_file(address: Address) -> FilePassword:
    """Return the password in `~/.my.cnf` that MariaDB's programs would use for a user.

    It is not used for another user, host or port, if the file names them. Files that it includes,
    and those of the system, are not read.
    """

    def found(text: str) -> str | None:
        options = dict(_client_options(text))
        wanted = {"user": address.user, "host": address.host, "port": str(address.port)}
        if any(options.get(name, value) != value for name, value in wanted.items()):
            return None
        return options.get("password")

    return _read(Path.home() / ".my.cnf", found)


def _read(path: Path, find: Callable[[str], str | None]) -> FilePassword:
    """Return what a function finds in the text of a file that only its owner can read."""
    try:
        problem = _problem_of(path.stat().st_mode)
        password = None if problem else find(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return FilePassword(path, missing=f"There is no file {path}.")
    except OSError as error:
        return FilePassword(path, missing=f"{path} cannot be read: {error.strerror}.")
    except UnicodeDecodeError:
        problem, password = "it is not UTF-8 text", None
    if password:
        return FilePassword(path, Secret(password))
    if problem:
        return FilePassword(path, missing=f"{path} was not read: {problem}.")
    return FilePassword(path, missing=f"{path} has no password for this user and database.")


def _problem_of(mode: int) -> str:
    if not stat.S_ISREG(mode):
        return "it is not a file"
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        return "other users have access to it; its mode must be 0600"
    return ""


def _pgpass_lines(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield host, port, database and user of each line, as written, and the password."""
    for line in text.split("\n"):
        if match := _PGPASS_LINE.match(line):  # a comment has a host that none is named like
            *fields, password = match.groups()
            yield tuple(fields), _unescaped(password.rstrip("\r"))


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _client_options(text: str) -> Iterator[tuple[str, str]]:
    """Yield names and values of the options for clients, in their order: the last one counts."""
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            group = line.strip("[]").strip()
        elif group in _CLIENT_GROUPS and (match := _OPTION.match(line)):
            quoted = match["double"] if match["double"] is not None else match["single"]
            value = match["plain"].strip() if quoted is None else quoted
            yield match["name"].replace("_", "-"), _option_value(value)


def _option_value(text: str) -> str:
    r"""Return a value without its escapes; a backslash before another character is itself."""
    return re.sub(
        r"\\(.)",
        lambda match: _ESCAPES.get(match[1], match[1] if match[1] in "\\\"'" else match[0]),
        text,
    )
