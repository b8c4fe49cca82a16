"""Passwords in the files that the databases' own programs read: `~/.pgpass` and `~/.my.cnf`.

A machine without a keyring and without Secrets Manager has them anyway if `psql` or `mariadb` run
there without a prompt, and a scheduled backup must be able to log in there too.
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
#: Four fields that end at a colon without a backslash before it, and the password, which also ends
#: at such a colon. A backslash at the end of the line is itself.
_PGPASS_LINE = re.compile(r"((?:[^:\\]|\\.)*):" * 4 + r"((?:[^:\\]|\\.|\\$)*)")
#: The groups of an option file that `mariadb-dump` reads as every other client does.
#: Source: MariaDB documentation, "Configuring MariaDB with Option Files", option groups.
_CLIENT_GROUPS = ("client", "client-server", "client-mariadb")
#: A group ends at the first bracket, whatever follows. Spaces at its beginning are a part of its
#: name.
_GROUP = re.compile(r"\[([^]]*)]")
#: A directive that reads other files, in any group; the name has no quotes and no comment.
_INCLUDE = re.compile(r"!\s*(include|includedir)\s+(.+)", re.ASCII)
#: Most files that include each other.
_DEEPEST = 10
#: Files that a directive for a folder includes.
_ENDINGS = (".cnf", ".ini") if sys.platform == "win32" else (".cnf",)
#: The part of a line before its comment: a # outside of quotes. A backslash escapes in quotes only.
_UNCOMMENTED = re.compile(r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^#"'])*""")
_SPACES = " \t\v\f\r"
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
        path = _in_home(".pgpass")
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

    It is not used for another user, host or port, if the file names them. Files that it includes
    are read too, but not those of the system.
    """
    problems: list[str] = []

    def found(text: str) -> str | None:
        options = dict(_client_options(text, problems))
        wanted = {"user": address.user, "host": address.host, "port": str(address.port)}
        if any(options.get(name, value) != value for name, value in wanted.items()):
            return None
        return options.get("password")

    path = _in_home(".my.cnf")
    result = _read(path, found)
    if result.password is None and problems:
        return FilePassword(path, missing=" ".join(problems))
    return result


def _in_home(name: str) -> Path:
    """Return a path in the home folder; a user without one, as in some containers, has no such file."""
    return Path(os.path.expanduser(f"~/{name}"))  # noqa: PTH111 - Path.expanduser raises without one


def _read(path: Path, find: Callable[[str], str | None]) -> FilePassword:
    """Return what a function finds in the text of a file that only its owner can read."""
    try:
        problem = _problem_of(path.stat().st_mode)
        # Only the password must be valid: a comment may have another encoding.
        text = "" if problem else path.read_bytes().decode("utf-8-sig", "surrogateescape")
        password = find(text)
    except FileNotFoundError:
        return FilePassword(path, missing=f"There is no file {path}.")
    except OSError as error:
        return FilePassword(path, missing=f"{path} cannot be read: {error.strerror}.")
    if password and not _is_utf8(password):
        problem, password = "its password is not UTF-8 text", None
    if password:
        return FilePassword(path, Secret(password))
    if problem:
        return FilePassword(path, missing=f"{path} was not read: {problem}.")
    return FilePassword(
        path, missing=f"{path} has no password for this host, port, database and user."
    )


def _is_utf8(text: str) -> bool:
    return not re.search(r"[\ud800-\udfff]", text)


def _problem_of(mode: int) -> str:
    if not stat.S_ISREG(mode):
        return "it is not a file"
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        return "other users have access to it; its mode must be 0600"
    return ""


def _pgpass_lines(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield host, port, database and user of each line, as written, and the password."""
    for line in text.split("\n"):
        # A comment has a host that none is named like.
        if match := _PGPASS_LINE.match(line.rstrip("\r")):
            *fields, password = match.groups()
            yield tuple(fields), _unescaped(password)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _client_options(text: str, problems: list[str], depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield names and values of the options for clients, in their order: the last one counts.

    Source: MariaDB, mysys/my_default.c, `search_default_file_with_ext`.

    Args:
        text: The content of a file.
        problems: Receives a sentence for each included file whose password is not used.
        depth: The number of files by which this one is included.
    """
    group = ""
    for line in (each.strip(_SPACES) for each in text.split("\n")):
        if match := _INCLUDE.fullmatch(line):
            if depth < _DEEPEST:
                for path in _included_files(match[1], match[2]):
                    yield from _included_options(path, problems, depth + 1)
        elif match := _GROUP.match(line):
            group = match[1].rstrip(_SPACES)
        elif group in _CLIENT_GROUPS and not line.startswith(("#", ";")):
            name, _equals, value = _uncommented(line).partition("=")
            yield name.rstrip(_SPACES).replace("_", "-"), _option_value(value.strip(_SPACES))


def _included_files(directive: str, name: str) -> list[Path]:
    """Return the files of a directive; a relative name is one in the current folder."""
    if directive == "include":
        return [Path(name)]
    try:
        return sorted(each for each in Path(name).iterdir() if each.name.endswith(_ENDINGS))
    except OSError:
        return []


def _included_options(path: Path, problems: list[str], depth: int) -> Iterator[tuple[str, str]]:
    """Yield the options of an included file, without a password that other users can read."""
    try:
        mode = path.stat().st_mode
        # MariaDB ignores files that everyone can write.
        if not stat.S_ISREG(mode) or (os.name == "posix" and mode & stat.S_IWOTH):
            return
        text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except (OSError, ValueError):  # such as a name with a null character
        return
    problem = _problem_of(mode)
    for name, value in _client_options(text, problems, depth):
        if name == "password" and problem:
            problems.append(f"The password of {path} was not read: {problem}.")
        else:
            yield name, value


def _uncommented(line: str) -> str:
    match = _UNCOMMENTED.match(line)
    return match[0] if match else ""


def _option_value(text: str) -> str:
    r"""Return a value without its quotes and escapes; a backslash before other characters stays."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    return re.sub(
        r"\\(.)",
        lambda match: _ESCAPES.get(match[1], match[1] if match[1] in "\\\"'" else match[0]),
        text,
    )
