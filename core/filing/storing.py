"""Files by the data contract: from a file, a kind, its names and a moment to key and metadata."""

from __future__ import annotations

import codecs
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.effects import states_effect
from core.errors import InvalidInput
from core.filing.contents import Contents, inspect_file
from core.layout import build, key_timestamp, kind, parse_timestamp
from core.model.objects import Written
from core.objects.bucket import HasBucket
from core.objects.conditions import refuse_existing
from core.objects.hashing import SHA256, Stamp, unreadable
from core.objects.parts import SINGLE_BYTES
from core.objects.writing import put
from core.objects.writing import upload as upload_file
from core.work import Work, default_work

BOM = codecs.BOM_UTF8


@dataclass(frozen=True, slots=True)
class Form:
    """How a kind's document is built (contract, section 2).

    `payload` is the member that holds the data, `shape` its type, `counts` the metadata that
    counts elements of the payload (an empty path: of the payload itself). A bare payload is told
    by `marks`, the members it must have.
    """

    kind: str
    data_type: str
    payload: str
    shape: str
    counts: tuple[tuple[str, str], ...] = ()
    marks: tuple[str, ...] = ()


FORMS: tuple[Form, ...] = (
    Form("ohlcv", "ohlcv", "data", "list", (("record_count", ""),)),
    Form(
        "orderbook",
        "orderbook",
        "orderbook",
        "object",
        (("bid_count", "bids"), ("ask_count", "asks")),
        ("bids", "asks"),
    ),
    Form("trades", "trades", "trades", "list", (("trade_count", ""),)),
    Form(
        "portfolio", "portfolio", "portfolio", "object", (("asset_count", "assets"),), ("assets",)
    ),
    Form("user_trades", "trades", "trades", "list", (("trade_count", ""),)),
    Form("analytics", "analytics", "analysis", "object"),
    Form("backup", "database_backup", "records", "list", (("record_count", ""),)),
    Form("log", "log_file", "", "bytes"),
)
_BY_KIND = {form.kind: form for form in FORMS}


@dataclass(frozen=True, slots=True)
class Filing:
    """Where and how one file would be stored. `refused` tells why it cannot be, empty if it can.

    `before` and `after` are put around the file's own text when it holds the payload only, so
    that no number is read and written again. `problems` are told, and forbid nothing.
    """

    path: str
    key: str
    content_type: str
    metadata: tuple[tuple[str, str], ...]
    before: str = ""
    after: str = ""
    problems: tuple[str, ...] = ()
    refused: str = ""


def file_as(
    contents: Contents, kind_id: str, names: dict[str, str], moment: datetime | None
) -> Filing:
    """Return how a file would be stored as one of a kind; nothing is read or sent.

    Args:
        contents: what `inspect_file` found.
        kind_id: an id of `core.layout.KINDS`.
        names: the kind's names, for example `symbol` and `timeframe`.
        moment: when the data was taken; now if None.

    Raises:
        InvalidInput: a name is missing or can be no part of a key.
    """
    form = _BY_KIND[kind_id]
    moment, spelled = key_timestamp(moment)
    key = build(kind_id, moment=moment, **names)
    gzipped = contents.gzipped
    if gzipped and not key.endswith(".gz"):
        key += ".gz"
    plain = "text/plain" if form.kind == "log" else "application/json"
    filing = _wrapped(contents, form, names, spelled)
    return Filing(
        contents.path,
        key,
        "application/gzip" if gzipped else plain,
        tuple(_metadata(contents, form, names, spelled)),
        *filing,
    )


_Wrap = tuple[str, str, tuple[str, ...], str]


def _wrapped(contents: Contents, form: Form, names: dict[str, str], spelled: str) -> _Wrap:
    """Return what to put before and after the text, the problems, and why it is refused."""
    whole = form.shape == "bytes" or contents.has(form.payload, form.shape)
    refused = "" if whole else _why_not(contents, form)
    if refused or form.shape == "bytes":
        return "", "", (), contents.trouble or refused
    if whole:
        return "", "", (*_differing(contents, names, spelled), *contents.problems), ""
    head = json.dumps({**names, "timestamp": spelled}, ensure_ascii=False)[:-1]
    note = (
        f"It holds the payload only: it is stored inside the contract's frame as “{form.payload}”"
    )
    return f'{head}, "{form.payload}": ', "}", (note, *contents.problems), ""


def _why_not(contents: Contents, form: Form) -> str:
    """Return why a file that is no whole document of the kind cannot be made one."""
    if contents.trouble:
        return contents.trouble
    if not _is_bare(contents, form):
        return _expected(form)
    packed = "It is packed and lacks the contract's frame: unpack it first."
    return packed if contents.gzipped else ""


def _is_bare(contents: Contents, form: Form) -> bool:
    if form.shape == "list":
        return contents.form == "list"
    known = all(contents.has(mark, "list") or contents.has(mark, "object") for mark in form.marks)
    return contents.form == "object" and known


def _expected(form: Form) -> str:
    title = kind(form.kind).title
    if form.shape == "list":
        return f"{title} need a list, or an object with a list “{form.payload}”."
    marks = " and ".join(f"“{mark}”" for mark in form.marks) or "an object"
    return f"{title} need an object “{form.payload}”" + (f" with {marks}." if form.marks else ".")


def _differing(contents: Contents, names: dict[str, str], spelled: str) -> list[str]:
    """Return where the file says something else than its key will."""
    inside = dict(contents.names)
    told = [
        f"The file says {name} {inside[name]!r}, the key {value!r}"
        for name, value in names.items()
        if name in inside and inside[name] != value
    ]
    moment = parse_timestamp(inside.get("timestamp", ""))
    if moment is None:
        return [*told, "The file has no readable timestamp of its own"]
    if key_timestamp(moment)[1] != spelled:
        told.append(f"The file says {inside['timestamp']}, the key {spelled}")
    return told


def _metadata(
    contents: Contents, form: Form, names: dict[str, str], spelled: str
) -> list[tuple[str, str]]:
    """Return the contract's metadata in its order; other letters than ASCII are escaped."""
    plain = {name: value for name, value in names.items() if name != "filename"}
    metadata = {**plain, "data_type": form.data_type, "timestamp": spelled}
    if "filename" in names:
        metadata["filename"] = names["filename"]
    metadata |= {name: str(_count(contents, form, inner)) for name, inner in form.counts}
    return [
        (name, value.encode("ascii", "backslashreplace").decode())
        for name, value in metadata.items()
    ]


def _count(contents: Contents, form: Form, inner: str) -> int:
    if contents.has(form.payload, form.shape):
        return contents.length(f"{form.payload}.{inner}" if inner else form.payload)
    return contents.length(inner or "")


@states_effect("written")
def store(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    path: str,
    kind_id: str,
    names: dict[str, str],
    moment: str,
    overwrite: bool = False,
) -> Written:
    """Look into a file again and store it by the contract (operation `transfer.file`).

    Args:
        workspace: whose bucket it is.
        work: cancel and progress.
        path: the file.
        kind_id: an id of `core.layout.KINDS`.
        names: the kind's names.
        moment: when the data was taken, ISO 8601.
        overwrite: write over an object that has the key.

    Raises:
        InvalidInput: the file does not have the kind's form, or a name can be no part of a key.
        AlreadyExists: the key is taken and `overwrite` is False.
        StorageError: the file cannot be read, or the write was denied or failed.
    """
    work = default_work(work)
    when = parse_timestamp(moment)
    if when is None:
        raise InvalidInput(f"{moment!r} is no moment", remedy="Write it as 2024-01-15T10:00:00Z.")
    filing = file_as(
        inspect_file(workspace, work, path=path, kind_id=kind_id), kind_id, names, when
    )
    if filing.refused:
        title = kind(kind_id).title
        raise InvalidInput(
            f"{Path(path).name} cannot be filed under {title}",
            cause=filing.refused,
            remedy="Choose another kind, or upload it as an ordinary file.",
            subject=path,
        )
    return _sent(workspace, filing, work, overwrite=overwrite)


def _sent(workspace: HasBucket, filing: Filing, work: Work, *, overwrite: bool) -> Written:
    path, metadata = Path(filing.path), dict(filing.metadata)
    stamp = Stamp.of(path)
    if stamp.size > SINGLE_BYTES and not filing.before:
        if not overwrite:
            refuse_existing(workspace.bucket, filing.key, work)
        return upload_file(
            workspace.bucket,
            filing.key,
            path,
            metadata=metadata,
            content_type=filing.content_type,
            only_new=not overwrite,
            work=work,
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    stamp.check(path)
    if filing.before:
        data = filing.before.encode() + data.strip().removeprefix(BOM) + filing.after.encode()
    return put(
        workspace.bucket,
        filing.key,
        data,
        metadata={**metadata, SHA256: hashlib.sha256(data).hexdigest()},
        content_type=filing.content_type,
        only_new=not overwrite,
        work=work,
    )
