"""The result of a transfer as text; a thousand failures are one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from core.engine.command_line import command_line
from core.model.connection import Profile
from core.model.upload_options import DEFAULT_OPTIONS, UploadOptions
from core.transfer.plan import UploadPlan
from core.transfer.values import Failure, IfExists, TransferReport
from core.units import format_count, format_counted, format_duration, format_rate, format_size
from gui.tabs.uploads.plan_model import PlanModel
from gui.widgets.labels import shown

#: Number of different reasons named.
_REASONS = 3
#: The values of the option `--if-exists`; skipping is the default.
_IF_EXISTS = {
    IfExists.SKIP: "",
    IfExists.OVERWRITE: "overwrite",
    IfExists.KEEP_BOTH: "keep-both",
    IfExists.IF_DIFFERENT: "if-different",
    IfExists.IF_NEWER: "if-newer",
    IfExists.IF_SIZE_DIFFERS: "if-size-differs",
}
#: Number of files named.
_NAMED = 3


def result_text(report: TransferReport) -> str:
    """Return how many files were transferred, how fast, how they were verified, and what was skipped."""
    done = len(report.done)
    parts = [f"{format_counted(done, 'file')} transferred"]
    if report.size:
        parts.append(f"{format_size(report.size)} in {format_duration(max(report.seconds, 0.1))}")
    # The rate of a shorter transfer is mostly its latency.
    if report.seconds >= 1:
        parts.append(format_rate(report.size / report.seconds))
    if verified := report.verified_text():
        parts.append(verified)
    if report.skipped:
        parts.append(f"{format_count(len(report.skipped))} skipped")
    return f"{', '.join(parts)}."


def unguarded_text(count: int) -> str:
    """Return the warning that a server ignored the condition of some writes; empty for none."""
    if not count:
        return ""
    files = format_counted(count, "file")
    return (
        f"The server ignored the condition “only if the key is free” for {files}. Strongroom checked "
        "each key before writing; an object that another client wrote at the same time may have "
        "been replaced."
    )


def command_of(
    plan: UploadPlan,
    paths: Sequence[str],
    files: PlanModel,
    profile: Profile,
    chosen: UploadOptions = DEFAULT_OPTIONS,
) -> str:
    """Return the command line of the same upload, or an empty text if there is none."""
    if files.single:  # the command has no option for single files
        return ""
    target = plan.prefix or "/"  # the root of the bucket
    options: dict[str, str | list[str]] = {
        "--if-exists": _IF_EXISTS[files.choice],
        "--storage-class": chosen.storage_class,
        "--encryption": chosen.encryption.value,
        "--kms-key": chosen.kms_key,
        "--checksum": chosen.checksum.value,
        "--compress": chosen.compression.value,
        "--tag": [f"{name}={value}" for name, value in chosen.tags],
        "--metadata": [f"{name}={value}" for name, value in chosen.metadata],
    }
    return command_line("transfer.upload", *paths, target, profile=profile, options=options)


def failures_text(failures: Sequence[Failure]) -> str:
    """Return the most frequent reasons with counts, the first names and the first remedy."""
    reasons = Counter(_reason(failure) for failure in failures)
    sentences = [
        f"{format_count(count)} times: {reason}."
        if count > 1
        else f"{reason[:1].upper()}{reason[1:]}."
        for reason, count in reasons.most_common(_REASONS)
    ]
    if len(reasons) > _REASONS:
        sentences.append("The others failed for other reasons.")
    names = ", ".join(shown(failure.key) for failure in failures[:_NAMED])
    more = len(failures) - _NAMED
    sentences.append(
        f"Not transferred: {names} and {format_count(more)} more."
        if more > 0
        else f"Not transferred: {names}."
    )
    return " ".join([*sentences, failures[0].remedy]).strip()


def _reason(failure: Failure) -> str:
    """Return a reason without the file name, so that equal reasons are counted together."""
    # The complete key first: replacing the name first would leave its folder in the text.
    name = failure.key.rsplit("/", 1)[-1]
    summary = failure.summary.replace(failure.key, "a file").replace(name, "a file")
    return f"{summary} ({failure.cause.rstrip('.')})" if failure.cause else summary
