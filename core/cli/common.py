"""Options that all commands have in common, and the workspace that they describe."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.cli.parameters import check_exclusive, check_text, usage_error
from core.errors import InvalidInput, StorageError
from core.local.connections import Connections
from core.local.environment import environment_names_keys, environment_profile
from core.model.connection import Connection, Profile
from core.work import Work, default_work

if TYPE_CHECKING:
    from core.aws.sign_in import AskCode
    from core.cli.output import Output
    from core.demo import DemoServer
    from core.workspace import Workspace

#: Parsed here and not by typer, which accepts them only before the command.
_FLAGS = {
    "--demo": "demo",
    "--json": "json",
    "--json-lines": "json_lines",
    "--debug": "debug",
    "--unlock": "unlock",
}
_VALUES = {
    "--profile": "profile",
    "--endpoint-url": "endpoint_url",
    "--bucket": "bucket",
    "--region": "region",
}
#: Options that conflict with the embedded server, which has its own profile and address.
_EXCLUSIVE = (("--demo", "--profile"), ("--demo", "--endpoint-url"))
#: Environment variable that enables tracebacks like `--debug`, unless it is empty or 0.
DEBUG_VARIABLE = "STRONGROOM_DEBUG"
HELP = """\
Options of every command: --profile NAME (a stored profile), --demo (start the embedded server for
this command), --endpoint-url URL, --region NAME, --bucket NAME (default: the profile's, or
tentimecrypto), --json (machine-readable output), --json-lines (the same, one value a line; for
transfers one line for each file as soon as it ends, and the counts at the end), --unlock (allow changes with a production profile,
which is read-only otherwise), --debug (show the traceback of an unexpected error; also
STRONGROOM_DEBUG=1). Without a profile the AWS_* variables are used, including AWS_ENDPOINT_URL.
Exit codes: 0 success, 1 bug in Strongroom, 2 usage, 10-16 credentials and permissions, 20-27 not
found, conflict or invalid input, 30-34 service or network, 40-45 data, disk, database or keyring,
130 interrupted.
"""


@dataclass(frozen=True, slots=True)
class Common:
    """Values of the options that all commands have in common."""

    profile: str = ""
    demo: bool = False
    endpoint_url: str = ""
    bucket: str = ""
    region: str = ""
    json: bool = False
    json_lines: bool = False
    debug: bool = False
    unlock: bool = False


def split_common_options(arguments: Sequence[str]) -> tuple[Common, list[str]]:
    """Return the common options, which may be anywhere before a `--`, and the other arguments.

    Raises:
        InvalidInput: an option has no value, an empty one or one that it does not take, or
            conflicts with another option.
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
        elif name in _FLAGS:
            raise usage_error(f"{name} takes no value", remedy=f"Write {name} alone.")
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
        raise usage_error(
            f"{name} requires a value", "", "Add the value after the option, or see --help."
        )
    return rest.pop(0)


def flag_given(flag: str, arguments: Sequence[str]) -> bool:
    """Return whether the arguments contain a common flag, even if others are invalid."""
    given = list(arguments)
    return flag in (given[: given.index("--")] if "--" in given else given)


def wants_traceback(arguments: Sequence[str]) -> bool:
    """Return whether the traceback of an unexpected error is to be shown."""
    requested = os.environ.get(DEBUG_VARIABLE, "") not in {"", "0"}
    return requested or flag_given("--debug", arguments)


class Opener:
    """Opens the workspace that the common options describe, and closes it."""

    def __init__(self, common: Common, ask: AskCode | None = None) -> None:
        self._common = common
        self._ask = ask
        self._server: DemoServer | None = None
        self._workspace: Workspace | None = None
        self._others: list[Workspace] = []

    def connection(self, work: Work) -> Connection:
        """Return the connection of the demo, of a stored profile, or of the environment.

        Raises:
            StorageError: the profile does not exist, or its keys cannot be read.
        """
        connection = self._found(work)
        changes = {
            name: value
            for name in ("endpoint_url", "bucket", "region")
            if (value := getattr(self._common, name))
        }
        profile = replace(connection.profile, **changes)
        return replace(connection, profile=profile, unlocked=self._common.unlock)

    def choose_bucket(self, name: str) -> None:
        """Use the bucket that an address names, before the workspace is opened.

        Raises:
            InvalidInput: `--bucket` names another one.
        """
        if self._common.bucket not in ("", name):
            raise usage_error(
                "The address and --bucket name different buckets",
                remedy="Omit --bucket, or write the address without s3://BUCKET/.",
            )
        self._common = replace(self._common, bucket=name)

    def workspace(self, work: Work) -> Workspace:
        """Return the workspace, which is created once per command."""
        if self._workspace is None:
            from core.workspace import Workspace

            self._workspace = Workspace.open(self._signed_in(self.connection(work), work))
        return self._workspace

    def profile(self) -> Profile | None:
        """Return the profile of the command; None if it cannot be read."""
        if self._workspace is not None:
            return self._workspace.profile
        try:
            return self.connection(default_work(None)).profile
        except StorageError:
            return None

    def other_workspace(self, profile: str, work: Work) -> Workspace:
        """Return the workspace of another stored profile, beside that of the command.

        Raises:
            StorageError: the profile does not exist, or its keys cannot be read.
        """
        from core.workspace import Workspace

        connection = replace(Connections().connect(profile), unlocked=self._common.unlock)
        workspace = Workspace.open(self._signed_in(connection, work))
        self._others.append(workspace)
        return workspace

    def _signed_in(self, connection: Connection, work: Work) -> Connection:
        from core.aws.sign_in import signed_in

        return signed_in(connection, self._ask, work=work) if self._ask else connection

    def demo_database(self) -> str:
        """Return the path of the demo server's sample database, or an empty string."""
        return str(self._server.database_path) if self._server else ""

    def close(self) -> None:
        """Close the connections, and end the demo server."""
        for workspace in (self._workspace, *self._others):
            if workspace is not None:
                workspace.close()
        if self._server is not None:
            self._server.stop()

    def _found(self, work: Work) -> Connection:
        if self._common.demo:
            from core.demo import DemoServer

            # The connection may be requested more than once, and each server has other keys.
            if self._server is None:
                self._server = DemoServer.start(work=work)
            return self._server.connection
        if self._common.profile:
            return Connections().connect(self._common.profile)
        # Explicit variables take precedence over the profile of the window, like in AWS's tools.
        stored = None if environment_names_keys() else Connections().profiles.current()
        return Connections().with_keys(stored) if stored else Connection(environment_profile())


@dataclass(frozen=True, slots=True)
class Cli:
    """Context of a command: its output, its workspace and the common options."""

    out: Output
    opener: Opener
    common: Common


#: Maximum digits of a duration: Python refuses to parse very long numbers.
_DIGITS = 12


def seconds_of(text: str) -> int:
    """Parse a duration such as 3600, 30m, 12h or 7d to seconds.

    Raises:
        InvalidInput: the text is not a duration.
    """
    number, unit = (text[:-1], text[-1]) if text[-1:] in "smhd" and text[:-1] else (text, "s")
    if not number.isdecimal() or len(number) > _DIGITS:
        raise InvalidInput(
            f"{text[:40]!r} is not a duration",
            cause="A duration is a number of seconds, or a number followed by m, h or d.",
            remedy="Use for example 3600, 30m, 12h or 7d.",
        )
    return int(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]


_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def bytes_of(text: str) -> int:
    """Parse a number of bytes such as 5000, 500K, 10M or 2G (powers of 1,024).

    Raises:
        InvalidInput: the text is not a number of bytes.
    """
    upper = text.upper().removesuffix("B").removesuffix("I")
    number, unit = (upper[:-1], upper[-1]) if upper[-1:] in "KMGT" and upper[:-1] else (upper, "")
    if not number.isdecimal() or len(number) > _DIGITS:
        raise InvalidInput(
            f"{text[:40]!r} is not a number of bytes",
            cause="It is a number, which may be followed by K, M, G or T.",
            remedy="Use for example 5000, 500K or 10M.",
        )
    return int(number) * _UNITS[unit]
