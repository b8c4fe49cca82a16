"""The command `watch`, which stores the files of a folder by the data contract."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.transfers import RetrySeconds, transfer_work
from core.units import format_size
from core.work import RETRY_SECONDS

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.filing.hot_files import HotFile, HotReport

_SECONDS = int(RETRY_SECONDS)


def watch(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder to watch, with its subfolders.")],
    once: Annotated[
        bool, typer.Option("--once", help="Store the files that are complete, and end.")
    ] = False,
    settle: Annotated[
        float,
        typer.Option(min=0, help="Seconds without a change after which a file counts as complete."),
    ] = 5.0,
    interval: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two scans of the folder.")
    ] = 2.0,
    file_time: Annotated[
        bool,
        typer.Option(
            "--file-time",
            help="Use the modification time of a file whose content has no time of its data. "
            "Without this option such a file is refused.",
        ),
    ] = False,
    retry_seconds: RetrySeconds = _SECONDS,
) -> int:
    """Store the files of a folder by the data contract, and move them aside.

    Kind, names and time of each file are read from its content, or from a path that looks like a
    key; the key follows from them. A file is stored when it is complete: its size and time have not
    changed for a while, and no program has it open for writing. After the stored bytes were
    verified, it is moved to the subfolder "filed". A file that cannot be stored is moved to the
    subfolder "refused", with the reason in a text file beside it. If an upload fails, the file
    remains and is tried again. An existing object is never replaced. Names that begin with a dot or
    end with .part, .tmp or the like are left alone.

    The command runs until it is interrupted; nothing is lost if it is killed. With --once the exit
    code is 0 if every file was stored, otherwise that of the first one that was not: 24 if it is of
    no kind, 22 if another object has its key, 41 if it is still being written.
    """
    cli: Cli = context.obj
    from core.filing.hot_folder import watch as watch_folder
    from core.transfer.sweep import sweep_at_start

    def show(outcome: HotFile) -> None:
        if cli.out.json_lines:
            cli.out.json_line(_as_json(outcome))
        elif not cli.out.as_json:
            _write(cli, outcome)

    with transfer_work(cli, f"Watching {folder}", retry_seconds, show) as work:
        workspace = cli.opener.workspace(work)
        # The parts of a large file that a killed process has sent.
        sweep_at_start(workspace.bucket, work)
        report = watch_folder(
            workspace, work, folder=str(folder), once=once, settle_seconds=settle,
            scan_seconds=interval, use_file_time=file_time,
        )  # fmt: skip
    return _show_report(cli, report)


def _as_json(outcome: HotFile) -> dict[str, Any]:
    return {
        "state": outcome.state.value,
        "name": outcome.name,
        "key": outcome.key,
        "size": outcome.size,
        "verdict": outcome.verdict.value,
        "moved": outcome.moved,
        "reason": outcome.reason,
        "kind": outcome.kind.name.lower() if outcome.kind else "",
    }


def _write(cli: Cli, outcome: HotFile) -> None:
    if outcome.reason:
        reason = " ".join(outcome.reason.splitlines())
        cli.out.note(f"{outcome.state.value} {outcome.name}: {reason}")
    else:
        cli.out.line(
            f"{outcome.state.value} {outcome.name}  {outcome.key}  {format_size(outcome.size)}  "
            f"{outcome.verdict.value}"
        )


def _show_report(cli: Cli, report: HotReport) -> int:
    """Write the counts of a watch that has ended, and return the exit code."""
    counts = {state.value: count for state, count in report.counts}
    as_json = {
        "keys": report.keys,
        "counts": counts,
        "failed": [_as_json(each) for each in report.failed],
    }
    text = ", ".join(f"{count:,} {state}" for state, count in counts.items())
    cli.out.result(as_json, lambda: cli.out.note(text or "There are no files."))
    kinds = [each.kind for each in report.failed if each.kind is not None]
    return kinds[0].value if kinds else 0
