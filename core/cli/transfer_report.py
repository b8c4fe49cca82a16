"""The report of transfers: a line of counts, and every file that failed."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from core.errors import ErrorKind
from core.units import format_count, format_counted, format_duration, format_size

if TYPE_CHECKING:
    from core.cli.output import Output
    from core.transfer.plan import UploadPlan
    from core.transfer.values import Failure, IfExists, Outcomes, TransferReport

#: Maximum number of files with the same reason that the text lists; the JSON lists all.
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a transfer as columns of keys, local paths or target keys, and sizes.

    `other` is the name of the second column in JSON: `path` or `target`.
    """

    keys: Sequence[str]
    paths: Sequence[str]
    sizes: Sequence[int]
    other: str = "path"

    @property
    def noun(self) -> str:
        """The noun of the counts."""
        return "file" if self.other == "path" else "object"

    def written(self, number: int) -> str:
        """Return the key under which a file or a copy is stored."""
        return self.paths[number] if self.other == "target" else self.keys[number]

    def file(self, number: int) -> dict[str, Any]:
        """Return what identifies a file in JSON."""
        return {"key": self.keys[number], self.other: self.paths[number]}


class FileLines:
    """Writes a line of JSON for each file as soon as it is transferred, with `--json-lines`."""

    def __init__(self, out: Output, files: Files) -> None:
        self._out, self._files = out, files
        # Several threads report outcomes.
        self._lock = threading.Lock()
        self._closed = not out.json_lines

    def take(self, outcomes: Outcomes) -> None:
        """Write the files that were transferred or skipped; failed ones follow at the end."""
        from core.cli.output import ReaderClosed

        renamed, resized = dict(outcomes.renamed), dict(outcomes.resized)
        with self._lock:
            if self._closed:
                return
            try:
                for number, verdict in zip(outcomes.done, outcomes.verdicts, strict=True):
                    name = {"name": renamed[number]} if number in renamed else {}
                    size = resized.get(number, self._files.sizes[number])
                    facts = {"size": size, "verdict": verdict.value}
                    self._out.json_line(
                        {"state": "done", **self._files.file(number), **name, **facts}
                    )
                for number, reason in outcomes.skipped:
                    line = {"state": "skipped", **self._files.file(number), "reason": reason}
                    self._out.json_line(line)
            except ReaderClosed:  # the transfer itself is completed
                self._closed = True


def uploaded_files(plan: UploadPlan, choice: IfExists) -> Files:
    """Return the columns of an upload, including refused files."""
    arguments = plan.arguments(choice)
    return Files(arguments["keys"], arguments["paths"], arguments["sizes"])


def downloaded_files(
    report: TransferReport, keys: Sequence[str], sizes: Sequence[int], below: str, folder: Path
) -> Files:
    """Return the columns of a download, with the actual names of renamed files."""
    return Files(keys, _LocalPaths(keys, dict(report.renamed), below, folder), sizes)


class _LocalPaths(Sequence[str]):
    """Local paths of downloads, which are only built for the files that are shown."""

    def __init__(
        self, keys: Sequence[str], renamed: Mapping[int, str], below: str, folder: Path
    ) -> None:
        self._keys, self._renamed, self._below, self._folder = keys, renamed, below, folder

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[str]: ...
    def __getitem__(self, number: int | slice) -> str | Sequence[str]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        name = self._keys[number].removeprefix(self._below).lstrip("/")
        return str(self._folder / self._renamed.get(number, name))


def show_report(
    out: Output,
    report: TransferReport,
    files: Files,
    verb: str,
    more: Mapping[str, Any] | None = None,
) -> int:
    """Write the report and return the exit code.

    Args:
        out: the output of the command.
        report: the outcome of the transfer.
        files: its files.
        verb: the action in the past tense, for example `uploaded`.
        more: further members of the JSON.
    """
    from core.cli.output import ReaderClosed

    with suppress(ReaderClosed):  # the exit code reports a failure all the same
        if out.json_lines:
            write_lines(out, report, files, more)
        elif out.as_json:
            out.result({**report_as_json(report, files), **(more or {})}, lambda: None)
        else:  # without the columns of JSON, which take time for many files
            write_report(out, report, files, verb)
    if report.cancelled:
        return ErrorKind.CANCELLED.value
    return 0 if report.kind is None else report.kind.value


def write_lines(
    out: Output, report: TransferReport, files: Files, more: Mapping[str, Any] | None = None
) -> None:
    """Write a line for each file that `FileLines` has not written, and one with the counts."""
    for failure in report.failed:
        out.json_line({"state": "failed", **_failure(failure, files.file(failure.number))})
    for number in report.cancelled:
        out.json_line({"state": "cancelled", **files.file(number)})
    counts = {
        name: len(value) if isinstance(value, list) else value
        for name, value in report_as_json(report, files).items()
    }
    unguarded = [files.keys[number] for number in report.unguarded]
    out.json_line({"state": "ended", **counts, "unguarded": unguarded, **(more or {})})


def report_as_json(report: TransferReport, files: Files) -> dict[str, Any]:
    """Return a report as JSON types, with key and path of every file."""
    verdicts, resized = (
        dict(zip(report.done, report.verdicts, strict=True)), dict(report.resized)
    )  # fmt: skip
    return {
        "planned": report.planned,
        "done": [
            {
                **files.file(n),
                "size": resized.get(n, files.sizes[n]),
                "verdict": verdicts[n].value,
                "race_free": n not in report.unguarded,
            }
            for n in report.done
        ],
        "skipped": [{**files.file(number), "reason": why} for number, why in report.skipped],
        "failed": [_failure(each, files.file(each.number)) for each in report.failed],
        "cancelled": [files.file(number) for number in report.cancelled],
        "verdicts": {verdict.value: count for verdict, count in report.verified().items()},
        "size": report.size,
        "seconds": report.seconds,
    }


def _failure(failure: Failure, file: dict[str, Any]) -> dict[str, Any]:
    return {
        **file,
        "reason": failure.reason,
        "kind": failure.kind.name.lower(),
        "summary": failure.summary,
        "cause": failure.cause,
        "remedy": failure.remedy,
        "action": failure.action,
    }


def write_report(out: Output, report: TransferReport, files: Files, verb: str) -> None:
    """Write a report as text: the counts, and every file that was not transferred."""
    skipped = [(files.keys[number], why) for number, why in report.skipped]
    failed = [(_place(each, files), each.reason) for each in report.failed]
    for number, name in report.renamed:
        out.note(f"stored as {name}: {files.keys[number]}")
    for line in (
        *by_reason("skipped", skipped, files.noun),
        *by_reason("failed", failed, files.noun),
    ):
        out.note(line)
    if report.unguarded:
        out.note(unguarded_warning([files.written(number) for number in report.unguarded]))
    # That of the most frequent cause, which also determines the exit code.
    if remedy := next((e.remedy for e in report.failed if e.remedy and e.kind is report.kind), ""):
        out.note(remedy)
    out.line(_summary(report, verb, files.noun))


def unguarded_warning(keys: Sequence[str]) -> str:
    """Return a warning that the server ignored the condition of some writes."""
    if len(keys) == 1:
        return (
            f"The server ignored the condition that the key {keys[0]} is free. The key was free just "
            "before, but an object that another program wrote at the same time may have been "
            "replaced."
        )
    return (
        f"The server ignored the condition that the key is free, for {format_counted(len(keys), 'file')}. "
        "The keys were free just before, but objects that another program wrote at the same time may "
        "have been replaced."
    )


def _place(failure: Failure, files: Files) -> str:
    """Return the name of a failed file: its key, or the source of a refused upload."""
    path = files.paths[failure.number]
    # A refused source has no key.
    return path if Path(path).is_absolute() and not files.keys[failure.number] else failure.key


def by_reason(word: str, named: Iterable[tuple[str, str]], noun: str = "file") -> list[str]:
    """Return one line for each file, or one line for all files with the same reason."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name, reason in named:
        groups[reason].append(name)
    lines = []
    for reason, names in groups.items():
        if len(names) == 1:
            lines.append(f"{word} {names[0]}: {reason}")
            continue
        lines.append(f"{word} {format_counted(len(names), noun)}: {reason}")
        lines += [f"  {name}" for name in names[:_NAMED]]
        if more := len(names) - _NAMED:
            lines += [f"  and {format_count(more)} more; --json lists all"] if more > 0 else []
    return lines


def _summary(report: TransferReport, verb: str, noun: str) -> str:
    done, planned = format_count(len(report.done)), format_counted(report.planned, noun)
    size, time = format_size(report.size), format_duration(report.seconds)
    skipped, failed = format_count(len(report.skipped)), format_count(len(report.failed))
    text = f"{verb} {done} of {planned}, {size} in {time}; {skipped} skipped, {failed} failed"
    if report.cancelled:
        text = f"{text}, {format_count(len(report.cancelled))} cancelled"
    verified = report.verified_text()
    return f"{text}; {verified}" if verified else text
