"""Checks of the parameters of all commands: not empty, not contradictory, valid UTF-8."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from core.cli.text import printable
from core.errors import ErrorKind, InvalidInput, LocalIOError, StorageError

if TYPE_CHECKING:
    import typer

#: Parameters that may be empty, by command and name: a note may be empty, and every secret's name
#: starts with the empty prefix.
MAY_BE_EMPTY = frozenset(
    {("backup", "note"), ("backups", "note"), ("secrets list", "prefix"), ("doctor", "prefix")},
)
_UNDOING = (
    "backup_id",
    "at",
    "from_other_source",
    "source",
    "name",
    "allow_orphans",
    "with_triggers",
    "with_grants",
)
_ROWS = ("rows", "rows_where")
_NOT_FOR_ROWS = ("name", "allow_orphans", "with_triggers", "with_grants", "undo", "drop_former")
#: Parameters of each command that exclude each other.
EXCLUSIVE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "coverage": tuple(
        ("content", other) for other in ("gaps", "output", "overwrite", "cached", "fail_stopped")
    ),
    "query": (("backup_id", "at"),),
    "export": (("backup_id", "at"),),
    "backups": (
        ("pin", "unpin"),
        ("pin", "verify"),
        ("unpin", "verify"),
        ("pin", "backup_id"),
        ("unpin", "backup_id"),
        ("unpin", "note"),
        ("verify", "note"),
        ("overdue", "note"),
        ("verify", "overdue"),
        ("pin", "overdue"),
        ("unpin", "overdue"),
        *(("thaw", other) for other in ("verify", "pin", "unpin", "overdue", "backup_id", "note")),
    ),
    "schedule": (
        ("listed", "remove"),
        ("listed", "install"),
        ("remove", "install"),
        ("listed", "yes"),
    ),
    "versions": (("restore", "delete"),),
    "rm": (("dry_run", "yes"), ("dry_run", "confirm")),
    "restore": (
        ("undo", "drop_former"),
        ("backup_id", "at"),
        ("source", "from_other_source"),
        ("source", "backup_id"),
        *(("undo", other) for other in _UNDOING),
        *(("drop_former", other) for other in _UNDOING),
        *((rows, each) for rows in _ROWS for each in _NOT_FOR_ROWS),
    ),
    "rotate": (
        ("resume", "undo"),
        ("undo", "file"),
        ("undo", "wait"),
        ("undo", "keep_copies"),
        ("resume", "keep_copies"),
    ),
    "secrets put": (
        ("as_text", "json_value"),
        ("binary", "as_text"),
        ("binary", "json_value"),
        ("binary", "fields"),
    ),
}  # fmt: skip


def usage_error(summary: str, cause: str = "", remedy: str = "See --help.") -> InvalidInput:
    """Return the error for an invalid command line, with exit code 2."""
    return InvalidInput(summary, cause=cause, remedy=remedy, kind=ErrorKind.USAGE)


def check_text(name: str, value: str, *, empty: bool = False, path: bool = False) -> None:
    """Check that a value is neither empty nor invalid UTF-8.

    Args:
        name: the parameter as it is typed.
        value: the value of the parameter.
        empty: whether the value may be empty.
        path: whether it is the path of a local file, which may contain any bytes.

    Raises:
        InvalidInput: the value is not valid; the error names the parameter.
    """
    if not value and not empty:
        raise usage_error(
            f"{name} is empty",
            "An empty value does not count as an omitted one. Often a variable is not set.",
            f"Set {name} to a value, or omit it if it is optional.",
        )
    if not path and not _is_utf8(value):
        raise InvalidInput(
            f"{name} is not UTF-8",
            cause=f"It contains bytes that are not text: {printable(value)}.",
            remedy="Names in S3 and Secrets Manager are UTF-8; check the terminal's encoding.",
        )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_exclusive(given: Iterable[str], pairs: Iterable[tuple[str, str]]) -> None:
    """Check that at most one parameter of each pair is present.

    Args:
        given: the parameters that are present, as they are typed.
        pairs: parameters that exclude each other.

    Raises:
        InvalidInput: both parameters of a pair are present.
    """
    present = set(given)
    for one, other in pairs:
        if one in present and other in present:
            raise usage_error(f"{one} and {other} cannot be combined", remedy="Choose one of them.")


class StrictCommand(TyperCommand):
    """A command whose parameters are checked before it runs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Check the raw arguments, then parse them."""
        # The raw arguments: after parsing, an empty option cannot be distinguished from its
        # default.
        given, _rest, _order = self.make_parser(ctx).parse_args(args=list(args))
        if not given.get("help") and not ctx.resilient_parsing:
            self._check(command_name(ctx), given)
        rest = super().parse_args(ctx, args)
        for param in filter(_names_a_file, self.params):
            ctx.params[param.name] = _file_paths(ctx.params[param.name])
        return rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and name in its error the options and commands that help.

        A closed connection is an error, unlike a closed standard output.
        """
        try:
            return super().invoke(ctx)
        except StorageError as error:
            from core.cli.hints import remedy_with_options

            error.remedy = remedy_with_options(
                error, {name for each in self.params for name in each.opts}
            )
            raise
        except BrokenPipeError as error:
            raise LocalIOError(
                "The other end closed a pipe or connection",
                cause=f"{error.strerror or error}.",
                remedy="Run the command again, with --debug to see where it happened.",
            ) from error

    def _check(self, command: str, given: Mapping[str, Any]) -> None:
        names = {param.name: shown_name(param) for param in self.params}
        for param in self.params:
            for value in _texts(given.get(param.name or "")):
                check_text(
                    names[param.name],
                    value,
                    empty=(command, param.name) in MAY_BE_EMPTY,
                    path=_names_a_file(param),
                )
        present = [names[name] for name, value in given.items() if value and name in names]
        pairs = [(names[a], names[b]) for a, b in EXCLUSIVE.get(command, ())]
        check_exclusive(present, pairs)


def strict(app: typer.Typer) -> None:
    """Make all commands of a program and of its groups check their parameters."""
    for info in app.registered_commands:
        info.cls = StrictCommand
    for group in app.registered_groups:
        if group.typer_instance is not None:
            strict(group.typer_instance)


def command_name(context: Any) -> str:
    """Return the name of a command without the program, for example `secrets put`."""
    parts: list[str] = []
    while context.parent is not None:
        parts.insert(0, str(context.info_name))
        context = context.parent
    return " ".join(parts)


def shown_name(param: Any) -> str:
    """Return a parameter as it is typed: `--as`, or `NAME` for an argument."""
    longest = str(max(param.opts, key=len))
    return longest if longest.startswith("-") else longest.upper()


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, (list, tuple)):
        return [each for each in value if isinstance(each, str)]
    return []


def file_path(text: str) -> str:
    """Return the path of a file; `./-` is the file named `-`, which alone is a standard stream.

    `Path` removes the beginning of such a path.
    """
    return str(Path(text).absolute()) if text != "-" and Path(text) == Path("-") else text


def _file_paths(value: Any) -> Any:
    if isinstance(value, str):
        return file_path(value)
    return [_file_paths(each) for each in value] if isinstance(value, (list, tuple)) else value


def _names_a_file(param: Any) -> bool:
    return getattr(param.type, "name", "") == "path"
