"""A thousand failures in one sentence."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from core.transfer.plan import UploadPlan
from core.transfer.values import Failure, TransferReport
from core.units import format_count, format_duration, format_rate, format_size

_REASONS = 3


def arrival_in_words(report: TransferReport) -> str:
    """Return what arrived, how fast, and what was left out on purpose."""
    done = len(report.done)
    parts = [f"{format_count(done)} {'file' if done == 1 else 'files'} arrived"]
    if report.size:
        parts.append(f"{format_size(report.size)} in {format_duration(max(report.seconds, 0.1))}")
    if report.seconds >= 1:
        parts.append(format_rate(report.size / report.seconds))
    if report.skipped:
        parts.append(f"{format_count(len(report.skipped))} left out")
    return f"{', '.join(parts)}."


def command_of(plan: UploadPlan, paths: Sequence[str], endpoint: str | None) -> str:
    """Return what the AWS command line would do, or an empty text if it takes several commands."""
    if len(paths) != 1:
        return ""
    folder = len(plan.paths) != 1 or plan.paths[0] != paths[0]
    name = Path(paths[0]).name + ("/" if folder else "")
    words = ["aws", "s3", "cp", paths[0], f"s3://{plan.bucket}/{plan.prefix}{name}"]
    words += ["--recursive"] if folder else []
    words += ["--endpoint-url", endpoint] if endpoint else []
    return shlex.join(words)


def failures_in_words(failures: Sequence[Failure]) -> str:
    """Return the commonest reasons with their counts, an example and the first remedy."""
    reasons = Counter(_reason(failure) for failure in failures)
    told = [
        f"{format_count(count)} times {reason}" for reason, count in reasons.most_common(_REASONS)
    ]
    if len(reasons) > _REASONS:
        told.append("and others")
    first = failures[0]
    return f"{'; '.join(told)}. First: {first.key}. {first.remedy}".strip()


def _reason(failure: Failure) -> str:
    """Return a reason without the file's own name, so that equal ones count together."""
    name = failure.key.rsplit("/", 1)[-1]
    return failure.summary.replace(failure.key, "a file").replace(name, "a file")
