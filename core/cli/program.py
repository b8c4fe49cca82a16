"""Runs one command: common options out, errors into exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError

import core
from core.aws.usage import record_use
from core.cli import backups, doctor, objects, policy, rotation, secrets, server
from core.cli.common import HELP, Cli, Opener, taken_out
from core.cli.interrupt import interruptible, only_reads
from core.cli.mfa import asker
from core.cli.output import Output
from core.errors import Cancelled, ErrorKind, InvalidInput, LocalIOError, StorageError
from core.redaction import clamp_logging
from core.work import CancelToken

app = typer.Typer(
    name="strongroom",
    help="Keep a trading company's data in S3 and its keys in Secrets Manager. Without a command "
    "the window opens; `strongroom --demo` opens it on the embedded server.",
    epilog=HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _top(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        sys.stdout.write(f"strongroom {core.__version__}\n")
        raise typer.Exit


for _module in (objects, backups, rotation, doctor, policy, server):
    _module.add_to(app)
app.add_typer(secrets.app, name="secrets")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    clamp_logging()
    record_use()
    given = list(sys.argv[1:] if arguments is None else arguments)
    token = CancelToken()
    out = Output(as_json="--json" in given, token=token)
    try:
        return _run(given, out, token)
    except NoArgsIsHelpError as error:
        sys.stdout.write(error.format_message() + "\n")
        return 0
    except (Cancelled, KeyboardInterrupt, typer.Abort):
        out.note("Interrupted.")
        return ErrorKind.CANCELLED.value
    except BrokenPipeError:  # the reader of a pipe has had enough, as `head` does
        sys.stderr.close()
        return 0
    except (ClickException, StorageError, OSError) as error:
        return _told(out, error)


def _run(given: list[str], out: Output, token: CancelToken) -> int:
    common, left = taken_out(given)
    opener = Opener(common, asker(out.ask_hidden))
    try:
        with interruptible(token, out.note, soon=only_reads(left)):
            code = _exit_code(app(left, obj=Cli(out, opener, common), standalone_mode=False))
    finally:
        opener.close()
    if code == ErrorKind.CANCELLED.value:  # typer makes that of a KeyboardInterrupt
        raise KeyboardInterrupt
    return code


def _told(out: Output, error: ClickException | StorageError | OSError) -> int:
    """Tell a failure in words and return its exit code."""
    if isinstance(error, ClickException):
        out.error(InvalidInput(error.format_message(), remedy="See --help."))
        return ErrorKind.USAGE.value
    told = error if isinstance(error, StorageError) else _local(error)
    out.error(told)
    return told.kind.value


def _exit_code(returned: object) -> int:
    return returned if isinstance(returned, int) else 0


def _local(error: OSError) -> LocalIOError:
    return LocalIOError(
        f"{error.filename or 'A local file'} could not be used",
        cause=f"{error.strerror or error}.",
        remedy="Check the path and its permissions.",
    )
