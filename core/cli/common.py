"""Options that every command takes, and the way from them to a workspace."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.cli.parameters import check_exclusive, check_text, usage_error
from core.errors import InvalidInput
from core.local.connections import Connections
from core.local.environment import environment_names_keys, environment_profile
from core.model.connection import (
    Connection,
)
from core.work import Work

if TYPE_CHECKING:
    from core.aws.sign_in import AskCode
    from core.cli.output import Output
    from core.demo import DemoServer
    from core.workspace import Workspace

_FLAGS = {"--demo": "demo", "--json": "json", "--debug": "debug", "--unlock": "unlock"}
_VALUES = {
    "--profile": "profile",
    "--endpoint-url": "endpoint_url",
    "--bucket": "bucket",
    "--region": "region",
}
#: The embedded server brings its own profile and address.
_EXCLUSIVE = (("--demo", "--profile"), ("--demo", "--endpoint-url"))
#: Set to anything but nothing or 0, it asks for tracebacks as `--debug` does.
DEBUG_VARIABLE = "STRONGROOM_DEBUG"
HELP = """\
With every command: --profile NAME (a stored profile), --demo (the embedded server, for this one
command), --endpoint-url URL, --region NAME, --bucket NAME (default: the profile's, or
tentimecrypto), --json (machine-readable), --unlock (allow changes with a production profile,
which else opens read-only), --debug (with the traceback of an unexpected error; also
STRONGROOM_DEBUG=1). Without a profile the AWS_* variables are enough, AWS_ENDPOINT_URL
included. Exit codes: 0 good, 1 a bug of Strongroom, 2 usage, 10-16 credentials and permissions,
20-26 not found, conflict or invalid, 30-34 service or network, 40-45 data, disk, database or
keyring, 130 interrupted.
"""


@dataclass(frozen=True, slots=True)
class Common:
    """What was asked for beside the command's own options."""

    profile: str = ""
    demo: bool = False
    endpoint_url: str = ""
    bucket: str = ""
    region: str = ""
    json: bool = False
    debug: bool = False
    unlock: bool = False


def split_common_options(arguments: Sequence[str]) -> tuple[Common, list[str]]:
    """Return the common options, wherever they are before a `--`, and what remains.

    Raises:
        InvalidInput: an option has no value, an empty one, or contradicts another one.
    """
    found: dict[str, str | bool] = {}
    left: list[str] = []
    rest = list(arguments)
    names = []
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            left += [word, *rest]
            break
        if word in _FLAGS:
            found[_FLAGS[word]] = True
        elif name in _VALUES:
            found[_VALUES[name]] = value if equals else _following(name, rest)
            check_text(name, str(found[_VALUES[name]]))
        else:
            left.append(word)
            continue
        names.append(name)
    check_exclusive(names, _EXCLUSIVE)
    return Common(**found), left  # type: ignore[arg-type] # each field by its own name


def _following(name: str, rest: list[str]) -> str:
    if not rest:
        raise usage_error(f"{name} needs a value", "", "Give it after the option, or see --help.")
    return rest.pop(0)


def flag_given(flag: str, arguments: Sequence[str]) -> bool:
    """Return whether a common flag is among the arguments, also if others cannot be understood."""
    words = list(arguments)
    return flag in (words[: words.index("--")] if "--" in words else words)


def wants_traceback(arguments: Sequence[str]) -> bool:
    """Return whether the traceback of an unexpected error was asked for."""
    asked = os.environ.get(DEBUG_VARIABLE, "") not in {"", "0"}
    return asked or flag_given("--debug", arguments)


class Opener:
    """Opens the workspace that the options mean, and closes what it opened."""

    def __init__(self, common: Common, ask: AskCode | None = None) -> None:
        self._common = common
        self._ask = ask
        self._server: DemoServer | None = None
        self._workspace: Workspace | None = None

    def connection(self, work: Work) -> Connection:
        """Return the connection: the demo's, a stored profile's, or the environment's.

        Raises:
            StorageError: the profile is not stored, or its keys cannot be had.
        """
        connection = self._found(work)
        changes = {
            name: value
            for name in ("endpoint_url", "bucket", "region")
            if (value := getattr(self._common, name))
        }
        profile = replace(connection.profile, **changes)
        return replace(connection, profile=profile, unlocked=self._common.unlock)

    def workspace(self, work: Work) -> Workspace:
        """Return the workspace; the same for the whole command."""
        if self._workspace is None:
            from core.workspace import Workspace

            self._workspace = Workspace.open(self._signed_in(self.connection(work), work))
        return self._workspace

    def _signed_in(self, connection: Connection, work: Work) -> Connection:
        from core.aws.sign_in import signed_in

        return signed_in(connection, self._ask, work=work) if self._ask else connection

    def demo_database(self) -> str:
        """Return the path of the sample database of this command's server, or nothing."""
        return str(self._server.database_path) if self._server else ""

    def close(self) -> None:
        """Close the connections, and end the demo server."""
        if self._workspace is not None:
            self._workspace.close()
        if self._server is not None:
            self._server.stop()

    def _found(self, work: Work) -> Connection:
        if self._common.demo:
            from core.demo import DemoServer

            if self._server is None:
                self._server = DemoServer.start(work=work)
            return self._server.connection
        if self._common.profile:
            return Connections().connect(self._common.profile)
        stored = None if environment_names_keys() else Connections().profiles.current()
        return Connections().with_keys(stored) if stored else Connection(environment_profile())


@dataclass(frozen=True, slots=True)
class Cli:
    """What a command is handed: its output, the way to its workspace, and the common options."""

    out: Output
    opener: Opener
    common: Common


#: Digits of a length of time at most: Python refuses to read very long numbers.
_DIGITS = 12


def seconds_of(text: str) -> int:
    """Return a length of time such as 3600, 30m, 12h or 7d in seconds.

    Raises:
        InvalidInput: it is none.
    """
    number, unit = (text[:-1], text[-1]) if text[-1:] in "smhd" and text[:-1] else (text, "s")
    if not number.isdecimal() or len(number) > _DIGITS:
        raise InvalidInput(
            f"{text[:40]!r} is not a length of time",
            cause="It is a number of seconds, or one with m, h or d behind it.",
            remedy="For example 3600, 30m, 12h or 7d.",
        )
    return int(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
