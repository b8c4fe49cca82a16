"""The command line program: common options, commands, and exit codes of errors."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from importlib import import_module
from traceback import format_exception
from typing import TYPE_CHECKING, Annotated

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError

import core
from core.aws.usage import record_use
from core.cli import COMMANDS
from core.cli.common import HELP, Cli, Opener, flag_given, split_common_options, wants_traceback
from core.cli.interrupt import interruptible
from core.cli.output import Output, ReaderClosed, flush, warnings_in, write
from core.cli.parameters import strict, usage_error
from core.cli.standard_streams import discard, report
from core.effects import stating_effect_of_process
from core.errors import Cancelled, ErrorKind, StorageError
from core.local.hardening import harden
from core.redaction import clamp_logging, redacted
from core.units import TimeStyle, use_time_style
from core.work import CancelToken, local_file_error, unexpected_error

if TYPE_CHECKING:
    from core.aws.sign_in import MfaQuestion


def _top(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        sys.stdout.write(f"strongroom {core.__version__}\n")
        raise typer.Exit


def program_of(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the program with the named commands (`COMMANDS`) and groups; it imports only these."""
    app = typer.Typer(
        name="strongroom",
        help="Manage a trading company's data in S3 and its keys in Secrets Manager. Without a "
        "command the window opens; `strongroom --demo` opens it on the embedded server.",
        epilog=HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback(invoke_without_command=True)(_top)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(".")
        command = getattr(import_module(f"core.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    strict(app)
    return app


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    harden()
    clamp_logging()
    with suppress(OSError, StorageError):  # its folder: a command that needs it reports the error
        record_use()
    given = list(sys.argv[1:] if arguments is None else arguments)
    former = use_time_style(TimeStyle.ISO)  # for scripts, and sorted as text
    try:
        return _run_reported(given)
    finally:
        use_time_style(former)


def _run_reported(given: list[str]) -> int:
    """Run a command, report its error, and return the exit code."""
    token = CancelToken()
    # Before the options are parsed: an invalid option is also reported as JSON.
    lines = flag_given("--json-lines", given)
    as_json = lines or flag_given("--json", given)
    out = Output(as_json=as_json, token=token, json_lines=lines)
    code = 0
    try:
        with warnings_in(out):
            code = _run(given, out, token)
        flush()  # a failed write of the output is an error of the command
    except (Cancelled, KeyboardInterrupt, typer.Abort):
        out.interrupted()
        return ErrorKind.CANCELLED.value
    except (ReaderClosed, SystemExit):  # typer raises the latter if the help text cannot be written
        discard(sys.stdout)
    except Exception as error:  # noqa: BLE001 - the outermost boundary: a bug is shown as one line
        return _failed(out, error, traceback=wants_traceback(given))
    return code


def _run(given: list[str], out: Output, token: CancelToken) -> int:
    common, left = split_common_options(given)
    opener = Opener(common, mfa_prompt(out.ask_hidden))
    try:
        with (
            interruptible(token, out.interrupted_at_once),
            stating_effect_of_process(lambda: _changes_something(left)),
        ):
            # Without a known command it is help, an option or a command that does not exist.
            program = program_of(left[:1] if left and left[0] in COMMANDS else COMMANDS)
            code = _exit_code(program(left, obj=Cli(out, opener, common), standalone_mode=False))
    except NoArgsIsHelpError as error:
        write(error.format_message() + "\n")
        return 0
    finally:
        opener.close()
    if code == ErrorKind.CANCELLED.value:  # typer translates a KeyboardInterrupt to this
        raise KeyboardInterrupt
    return code


def _changes_something(arguments: Sequence[str]) -> bool:
    from core.engine.operations import changes_something  # the table of all operations

    return changes_something(arguments)


def _failed(out: Output, error: Exception, *, traceback: bool) -> int:
    """Report an error and return its exit code."""
    shown: StorageError
    if isinstance(error, ClickException):
        shown = usage_error(error.format_message())
    elif isinstance(error, StorageError):
        shown = error
    elif isinstance(error, OSError):
        shown = local_file_error(error)
    else:
        return _crashed(out, error, traceback=traceback)
    out.error(shown)
    return shown.kind.value


def _crashed(out: Output, error: Exception, *, traceback: bool) -> int:
    """Report an unexpected error in one line, and return its exit code."""
    if traceback:
        report(redacted("".join(format_exception(error))))
    shown = unexpected_error(error, "Strongroom")
    shown.summary += f": {type(error).__name__} at {_place(error)}"
    shown.cause = "This is a bug in Strongroom, not your mistake."
    shown.remedy = "Run the command again with --debug and report the output."
    out.error(shown, one_line=True)
    return shown.kind.value


def _place(error: Exception) -> str:
    """Return where an exception was raised: the last line of Strongroom's code in the traceback."""
    found, step = "an unknown place", error.__traceback__
    while step is not None:
        name = str(step.tb_frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] in {"core", "gui"}:
            found = f"{name}:{step.tb_lineno}"
        step = step.tb_next
    return found


def _exit_code(returned: object) -> int:
    return returned if isinstance(returned, int) else 0


def mfa_prompt(ask: Callable[[str], str]) -> Callable[[MfaQuestion], str]:
    """Return a function that prompts for the code with `ask`; it fails without a terminal."""

    def answer(question: MfaQuestion) -> str:
        from core.aws.sign_in import no_code

        if not sys.stdin.isatty():
            error = no_code(question)
            error.remedy = "Run the command in a terminal, where the code can be entered."
            raise error
        code = ask(f"MFA code of {question.device} for {question.section}: ").strip()
        if not code:
            raise no_code(question)
        return code

    return answer
