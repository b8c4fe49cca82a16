"""The command `coverage`: what each stream of data has, lacks, and whether it has stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.local_targets import OutputType
from core.cli.parameters import usage_error
from core.units import format_count, format_counted, format_duration, iso_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.cli.common import Cli
    from core.coverage.calendars import Calendar
    from core.coverage.content_check import ContentReport
    from core.coverage.freshness import StreamState
    from core.coverage.gaps import Gap
    from core.coverage.report import CoverageReport

_HEADS = ("Kind", "Name", "First day", "Last day", "Complete", "Thin", "Missing", "State", "Latest file")  # fmt: skip
#: Days after which no stream is ignored: no file is so old.
NEVER = 1_000_000
#: Streams that a note names.
_SHOWN = 10
_GAP_HEADS = ("Kind", "Name", "State", "From", "To", "Hours", "Files", "Expected")


def coverage(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            help="ohlcv, orderbook, trades, portfolio, user_trades, analytics, backup or log; by "
            "default all."
        ),
    ] = "",
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Symbols, users, tables or types; * stands for any characters. By default all.",
        ),
    ] = None,
    timeframe: Annotated[str, typer.Option(help="Only candles of this timeframe.")] = "",
    first: Annotated[
        str, typer.Option("--from", help="The first day, for example 2024-01-31 (UTC).")
    ] = "",
    last: Annotated[str, typer.Option("--to", help="The last day, included (UTC).")] = "",
    gaps: Annotated[bool, typer.Option("--gaps", help="List the gaps instead of streams.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            click_type=OutputType(),
            help="Write the gaps to this file, which ends in .csv or .json.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
    content: Annotated[
        bool,
        typer.Option(
            "--content",
            help="Read the candle files, and list the intervals without a candle: no file, rows "
            "missing in a file, or a quiet market. Requires a NAME, --timeframe, --from and --to.",
        ),
    ] = False,
    cached: Annotated[
        bool,
        typer.Option(
            "--cached", help="Use the catalogue of this computer as it is, without any request."
        ),
    ] = False,
    fail_stopped: Annotated[
        bool,
        typer.Option(
            "--fail-stopped",
            help="Exit code 20 if a stream has stopped, however long ago, or has no files at all.",
        ),
    ] = False,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore",
            metavar="NAME",
            help="With --fail-stopped: a stream that is known to have stopped does not count; * stands "
            "for any characters. Can be repeated.",
        ),
    ] = None,
    ignore_after: Annotated[
        int,
        typer.Option(
            "--ignore-after",
            metavar="DAYS",
            min=1,
            help="With --fail-stopped: streams without a file for so many days do not count. By "
            "default all count.",
        ),
    ] = NEVER,
) -> int:
    """Show which days of each stream are complete, thin or missing, from keys alone.

    A stream is compared with itself: the hours and weekdays that have files in most of the weeks
    around are expected to have them. A stream has stopped if two expected files did not come, and
    has ended if there was none for 30 days. If there is a catalogue of the keys, only new keys are
    listed. With --fail-stopped, streams that have ended count, too: what does not count, by
    --ignore and --ignore-after, is listed.
    """
    from core.coverage.export import export_gaps
    from core.coverage.gaps import sorted_gaps
    from core.coverage.report import Source
    from core.coverage.report import coverage as run_coverage
    from core.coverage.selection import Selection

    cli: Cli = context.obj
    if (ignore or ignore_after != NEVER) and not fail_stopped:
        raise usage_error("--ignore and --ignore-after require --fail-stopped")
    if content:
        _check_content(
            cli, kind, names or [], timeframe, (_day("--from", first), _day("--to", last))
        )
        return 0
    selection = Selection(
        kind, tuple(names or ()), timeframe, _day("--from", first), _day("--to", last)
    )
    selection.check()
    with cli.out.work("Listing") as work:
        report = run_coverage(
            cli.opener.workspace(work), work, selection=selection,
            source=Source.CATALOG if cached else Source.NEWEST,
        )  # fmt: skip
    without = selection.without(each.stream for each in report.states)
    found = sorted_gaps(report.calendars) if gaps or output else []
    if output is not None:
        export_gaps(found, output, overwrite=overwrite)
    if gaps:
        cli.out.result([gap.row() for gap in found], lambda: _show_gaps(cli, found))
    else:
        cli.out.result({**_plain(report), "without": without}, lambda: _show(cli, report))
    if without and not fail_stopped:
        cli.out.note(f"! There are no files of {', '.join(without)}{_of(timeframe)}.")
    if output is not None:
        cli.out.note(f"{format_counted(len(found), 'gap')} written to {output}.")
    if not fail_stopped:
        return 0
    return _stopped(cli, report, without, _Ignored(tuple(ignore or ()), ignore_after))


def _of(timeframe: str) -> str:
    """Return a timeframe to which a selection is limited, as a part of a sentence."""
    return f" with the timeframe {timeframe}" if timeframe else ""


def _check_content(
    cli: Cli,
    kind: str,
    names: list[str],
    timeframe: str,
    days: tuple[date | None, date | None],
) -> None:
    from core.coverage.content_check import check_content

    begin, end = days
    if kind != "ohlcv" or not names or not timeframe or begin is None or end is None:
        raise usage_error(
            "--content requires the kind ohlcv, a name, --timeframe, --from and --to",
            "Every file of these days is read, with one GET request each.",
            "For example: strongroom coverage ohlcv BTC-USD --timeframe 1h --from 2024-01-01 "
            "--to 2024-01-31 --content",
        )
    with cli.out.work("Reading candles") as work:
        report = check_content(
            cli.opener.workspace(work), work,
            names=names, timeframe=timeframe, first=begin, last=end,
        )  # fmt: skip
    found = {
        "intervals": report.intervals,
        "present": report.present,
        "unread": [{"key": key, "reason": reason} for key, reason in report.unread],
        "objects": report.objects,
        "gets": report.gets,
        "gaps": [gap.row() for gap in report.gaps],
    }
    cli.out.result(found, lambda: _show_content(cli, report))


def _show_content(cli: Cli, report: ContentReport) -> None:
    rows = [
        (
            str(gap.stream), gap.state.value, iso_utc(gap.begin), iso_utc(gap.end),
            format_count(gap.intervals), gap.reason,
        )
        for gap in report.gaps
    ]  # fmt: skip
    cli.out.table(("Name", "State", "From", "To", "Intervals", "Reason"), rows, numbers=(4,))
    for name, number in report.intervals.items():
        present = format_count(report.present[name])
        cli.out.note(f"{name}: {present} of {format_counted(number, 'interval')} have a candle.")
    for key, reason in report.unread:
        cli.out.note(f"! {key}: {reason}")
    objects = format_counted(report.objects, "file")
    cli.out.note(f"{objects}, {format_counted(report.gets, 'GET request')}")


def _day(option: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise usage_error(
            f"{option} {text} is not a day", remedy="Write it as in 2024-01-31."
        ) from None


def _counts(calendar: Calendar) -> tuple[int, int, int]:
    """Return the number of complete, thin and missing days."""
    from core.coverage.calendars import State

    complete, thin, missing = (
        int((calendar.days == state).sum()) for state in (State.COMPLETE, State.THIN, State.MISSING)
    )
    return complete, thin, missing


def _plain(report: CoverageReport) -> dict[str, Any]:
    states = {each.stream: each for each in report.states}
    return {
        "bucket": report.bucket,
        "objects": report.objects,
        "list_calls": report.list_calls,
        "listed": report.listed,
        "streams": [_plain_stream(each, states[each.stream]) for each in report.calendars],
    }


def _plain_stream(calendar: Calendar, state: StreamState) -> dict[str, Any]:
    complete, thin, missing = _counts(calendar)
    return {
        "kind": calendar.stream.kind,
        "name": calendar.stream.name,
        "timeframe": calendar.stream.timeframe,
        "first_day": str(calendar.first),
        "last_day": str(calendar.last),
        "complete_days": complete,
        "thin_days": thin,
        "missing_days": missing,
        "files": calendar.total_files,
        "size": calendar.total_size,
        "ignored_files": calendar.ignored,
        "state": state.state.value,
        "latest": state.latest,
        "newest_key": state.newest,
        "interval_seconds": state.interval.total_seconds() if state.interval else None,
        "missed": state.missed,
        "overdue": state.overdue,
    }


def _show(cli: Cli, report: CoverageReport) -> None:
    states = {each.stream: each for each in report.states}
    rows = []
    for calendar in report.calendars:
        stream, state = calendar.stream, states[calendar.stream]
        counts = (format_count(count) for count in _counts(calendar))
        days = (str(calendar.first), str(calendar.last))
        rows.append(
            (stream.kind, str(stream), *days, *counts, state.state.value, iso_utc(state.latest))
        )
    cli.out.table(_HEADS, rows, numbers=(4, 5, 6))
    for state in report.stopped:
        cli.out.note(_stopped_text(state, report))
    requests = format_counted(report.list_calls, "LIST request")
    cli.out.note(f"{requests}, keys of {iso_utc(report.listed)}")


def _show_gaps(cli: Cli, found: list[Gap]) -> None:
    rows = [
        (
            gap.stream.kind, str(gap.stream), gap.state.name.lower(), iso_utc(gap.begin),
            iso_utc(gap.end), format_count(gap.hours), format_count(gap.files),
            format_count(gap.expected),
        )
        for gap in found
    ]  # fmt: skip
    cli.out.table(_GAP_HEADS, rows, numbers=(5, 6, 7))


def _stopped_text(state: StreamState, report: CoverageReport) -> str:
    age = format_duration((report.listed - state.latest).total_seconds())
    return f"! {state.stream.kind} {state.stream} has stopped: no file for {age}."


@dataclass(frozen=True, slots=True)
class _Ignored:
    """The stopped streams that do not count: by their names, or after so many days."""

    names: tuple[str, ...]
    days: int

    def includes(self, state: StreamState, now: datetime) -> bool:
        named = any(fnmatchcase(state.stream.name, name) for name in self.names)
        return named or (now - state.latest).days >= self.days


def _stopped(cli: Cli, report: CoverageReport, without: Sequence[str], ignored: _Ignored) -> int:
    """Report streams that have stopped or that do not exist, and return the exit code."""
    from core.errors import ErrorKind, NotFound

    # A stream whose files are all gone is no healthy one.
    if without or not report.states:
        cli.out.error(
            NotFound(
                f"There are no files of {', '.join(without) or 'the selected streams'}",
                remedy="Check the names, the kind and the timeframe, and whether files were deleted.",
            )
        )
        return ErrorKind.NOT_FOUND.value
    left_out = [each for each in report.overdue if ignored.includes(each, report.listed)]
    stopped = [each for each in report.overdue if each not in left_out]
    if left_out:
        some = ", ".join(f"{each.stream.kind} {each.stream}" for each in left_out[:_SHOWN])
        more = ", …" if len(left_out) > _SHOWN else ""
        count = format_counted(len(left_out), "stream")
        cli.out.note(f"! {count} that stopped left out: {some}{more}.")
    if not stopped:
        return 0
    for state in stopped:
        if state not in report.stopped:  # the others were listed
            cli.out.note(_stopped_text(state, report))
    first = stopped[0]
    cli.out.error(
        NotFound(
            f"Streams that have stopped: {len(stopped)}",
            cause=f"The latest file of {first.stream.kind} {first.stream} is of {iso_utc(first.latest)}.",
            remedy="Check the program that stores these files. Streams that have ended on purpose do "
            "not count with --ignore NAME or --ignore-after DAYS.",
        )
    )
    return ErrorKind.NOT_FOUND.value
