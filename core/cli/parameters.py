"""Rules for parameters that hold for every command: nothing empty, nothing contradictory, UTF-8."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from core.cli.text import printable
from core.errors import ErrorKind, InvalidInput, LocalIOError

if TYPE_CHECKING:
    import typer

#: Parameters for which an empty text is a value of its own: a remark may be empty, and every
#: secret's name begins with nothing. By command and name.
MAY_BE_EMPTY = frozenset(
    {("backup", "note"), ("secrets list", "prefix"), ("doctor", "prefix")},
)
_UNDOING = ("backup_id", "at", "from_other_source", "name", "allow_orphans", "with_triggers")
#: Parameters of each command of which at most one may be given.
EXCLUSIVE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "restore": (
        ("undo", "drop_kept"),
        ("backup_id", "at"),
        *(("undo", other) for other in _UNDOING),
        *(("drop_kept", other) for other in _UNDOING),
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
    """Return the error for a command line that cannot be understood; its exit code is 2."""
    return InvalidInput(summary, cause=cause, remedy=remedy, kind=ErrorKind.USAGE)


def check_text(name: str, value: str, *, empty: bool = False, path: bool = False) -> None:
    """Refuse a value that is empty, or that is not UTF-8.

    Args:
        name: the parameter as people type it.
        value: what was given.
        empty: whether an empty text is a value of its own.
        path: whether it names a local file, whose name may be any bytes.

    Raises:
        InvalidInput: it is refused; the error names the parameter.
    """
    if not value and not empty:
        raise usage_error(
            f"{name} is empty",
            "An empty value is never taken for an omitted one; often a variable is not set.",
            f"Give {name} a value, or leave it out if it is optional.",
        )
    if not path and not _is_utf8(value):
        raise InvalidInput(
            f"{name} is not UTF-8",
            cause=f"It holds bytes that are no text: {printable(value)}.",
            remedy="Names in S3 and Secrets Manager are UTF-8; check the terminal's encoding.",
        )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_exclusive(given: Iterable[str], pairs: Iterable[tuple[str, str]]) -> None:
    """Refuse parameters that contradict each other.

    Args:
        given: the parameters that were given, as people type them.
        pairs: those of which at most one may be given.

    Raises:
        InvalidInput: both of a pair were given.
    """
    present = set(given)
    for one, other in pairs:
        if one in present and other in present:
            raise usage_error(f"{one} and {other} exclude each other", remedy="Choose one.")


class StrictCommand(TyperCommand):
    """A command whose parameters are checked before anything of it runs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Check what was given as it was typed, then read it."""
        given, _rest, _order = self.make_parser(ctx).parse_args(args=list(args))
        if not given.get("help") and not ctx.resilient_parsing:
            self._check(command_name(ctx), given)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a closed connection is a failure, not a reader that has had enough."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise LocalIOError(
                "A pipe or connection was closed by its other end",
                cause=f"{error.strerror or error}.",
                remedy="Run the command again; add --debug to see where it happened.",
            ) from error

    def _check(self, command: str, given: Mapping[str, Any]) -> None:
        names = {param.name: shown_name(param) for param in self.params}
        for param in self.params:
            for value in _texts(given.get(param.name)):
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
    """Have all commands of a program, and of its groups, check their parameters."""
    for info in app.registered_commands:
        info.cls = StrictCommand
    for group in app.registered_groups:
        if group.typer_instance is not None:
            strict(group.typer_instance)


def command_name(context: Any) -> str:
    """Return a command's name without the program's, for example `secrets put`."""
    words: list[str] = []
    while context.parent is not None:
        words.insert(0, str(context.info_name))
        context = context.parent
    return " ".join(words)


def shown_name(param: Any) -> str:
    """Return a parameter as people type it: `--as`, or `NAME` for an argument."""
    longest = str(max(param.opts, key=len))
    return longest if longest.startswith("-") else longest.upper()


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, (list, tuple)):
        return [each for each in value if isinstance(each, str)]
    return []


def _names_a_file(param: Any) -> bool:
    annotation = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    return Path.__name__ in str(annotation)
