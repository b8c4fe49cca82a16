"""Storing of files by the data contract: key, enclosing document and metadata."""

from __future__ import annotations

import codecs
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from core.effects import states_effect
from core.errors import InvalidInput
from core.filing.contents import Contents, inspect_file
from core.layout.building import build
from core.layout.forms import Form, form_of, head_of, metadata_of
from core.layout.kinds import kind
from core.layout.timestamps import key_timestamp, parse_timestamp
from core.model.objects import Verdict, Written
from core.objects.bucket import HasBucket
from core.objects.comparing import compare_file
from core.objects.conditions import COMPLETE
from core.objects.hashing import SHA256, Stamp, unreadable
from core.objects.part_sizes import SINGLE_BYTES
from core.objects.probes import refuse_existing_key
from core.objects.reading import head, read
from core.objects.writing import put
from core.objects.writing import upload as upload_file
from core.work import Work, default_work

BOM = codecs.BOM_UTF8


@dataclass(frozen=True, slots=True)
class Filing:
    """Key and metadata under which a file would be stored; `refused` is the reason if it cannot be.

    `before` and `after` are added around the text of a file that only contains the payload, so that
    numbers are not converted. `problems` are only shown.
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
    """Return how a file would be stored under a kind, without reading or sending data.

    Args:
        contents: what `inspect_file` found.
        kind_id: an id of `core.layout.kinds.KINDS`.
        names: the names of the kind, for example `symbol` and `timeframe`.
        moment: the time of the data; now if None.

    Raises:
        InvalidInput: a name is missing or not valid in a key.
    """
    form = form_of(kind_id)
    moment, spelled = key_timestamp(moment)
    key = build(kind_id, moment=moment, **names)
    gzipped = contents.gzipped
    # Readers recognise compressed objects by the end of their keys.
    if gzipped and not key.endswith(".gz"):
        key += ".gz"
    plain = "text/plain" if form.kind == "log" else "application/json"
    filing = _wrapped(contents, form, names, spelled)
    metadata = metadata_of(form, names, spelled, partial(_count, contents, form))
    return Filing(
        contents.path,
        key,
        "application/gzip" if gzipped else plain,
        tuple(metadata.items()),
        *filing,
    )


_Wrap = tuple[str, str, tuple[str, ...], str]


def _wrapped(contents: Contents, form: Form, names: dict[str, str], spelled: str) -> _Wrap:
    """Return the texts before and after the payload, the problems, and the reason of a refusal."""
    complete = form.shape == "bytes" or contents.has(form.payload, form.shape)
    refused = "" if complete else _why_not(contents, form)
    if refused or form.shape == "bytes":
        return "", "", (), contents.trouble or refused
    if complete:
        return "", "", (*_differing(contents, names, spelled), *contents.problems), ""
    # The object's closing brace is left out: the payload and the brace follow it.
    head = json.dumps(head_of(names, spelled), ensure_ascii=False)[:-1]
    note = (
        "The file only contains the payload, which is stored in the contract's document as "
        f"“{form.payload}”"
    )
    return f'{head}, "{form.payload}": ', "}", (note, *contents.problems), ""


def _why_not(contents: Contents, form: Form) -> str:
    """Return why a file cannot be completed to a document of the kind."""
    if contents.trouble:
        return contents.trouble
    if not _is_bare(contents, form):
        return _expected(form)
    # Adding the document around the payload would require decompressing and compressing the file.
    packed = "The file is compressed and contains only the data. Decompress it first."
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
    if not form.marks:
        return f"{title} need an object “{form.payload}”."
    marks = " and ".join(f"“{mark}”" for mark in form.marks)
    return f"{title} need an object “{form.payload}” with {marks}."


def _differing(contents: Contents, names: dict[str, str], spelled: str) -> list[str]:
    """Return the values of the file that differ from its key."""
    inside = dict(contents.names)
    differences = [
        f"{name} is {inside[name]!r} in the file and {value!r} in the key"
        for name, value in names.items()
        if name in inside and inside[name] != value
    ]
    # Compared as moments: the contract has four spellings of the same time.
    moment = parse_timestamp(inside.get("timestamp", ""))
    if moment is None:
        return [*differences, "The file contains no readable timestamp"]
    if key_timestamp(moment)[1] != spelled:
        differences.append(
            f"The time is {inside['timestamp']} in the file and {spelled} in the key"
        )
    return differences


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
    """Inspect a file again and store it by the contract (operation `transfer.file`).

    Args:
        workspace: the workspace with the bucket.
        work: cancel token and progress.
        path: the file.
        kind_id: an id of `core.layout.kinds.KINDS`.
        names: the names of the kind.
        moment: the time of the data, ISO 8601.
        overwrite: whether to overwrite an existing object.

    Raises:
        InvalidInput: the file does not match the kind, or a name is not valid in a key.
        AlreadyExists: the key exists and `overwrite` is False.
        StorageError: the file cannot be read, or the write was denied or failed.
    """
    work = default_work(work)
    when = parse_timestamp(moment)
    if when is None:
        raise InvalidInput(
            f"{moment!r} is not a valid time", remedy="Use the form 2024-01-15T10:00:00Z."
        )
    # Inspected again, because the file may have changed while the dialog was open.
    filing = file_as(
        inspect_file(workspace, work, path=path, kind_id=kind_id), kind_id, names, when
    )
    if filing.refused:
        title = kind(kind_id).title
        raise InvalidInput(
            f"{Path(path).name} cannot be stored as {title}",
            cause=filing.refused,
            remedy="Choose another kind, or upload it as an ordinary file.",
            subject=path,
        )
    return _sent(workspace, filing, work, overwrite=overwrite)


def _sent(workspace: HasBucket, filing: Filing, work: Work, *, overwrite: bool) -> Written:
    path, metadata = Path(filing.path), dict(filing.metadata)
    stamp = Stamp.of(path)
    # A payload without its document is always sent in one request: its bytes are composed in
    # memory.
    if stamp.size > SINGLE_BYTES and not filing.before:
        # A multipart upload only fails on completion; this refuses an existing key before the parts
        # are sent.
        if not overwrite:
            refuse_existing_key(workspace.bucket, filing.key, COMPLETE, work)
        return upload_file(
            workspace.bucket,
            filing.key,
            path,
            metadata=metadata,
            content_type=filing.content_type,
            only_new=not overwrite,
            work=work,
        )
    data = _document(filing)
    stamp.check(path)
    return put(
        workspace.bucket,
        filing.key,
        data,
        metadata={**metadata, SHA256: hashlib.sha256(data).hexdigest()},
        content_type=filing.content_type,
        only_new=not overwrite,
        work=work,
    )


def verdict_if_stored(
    workspace: HasBucket, filing: Filing, work: Work | None = None
) -> Verdict | None:
    """Return by what the object of a file was found equal to what would be stored, else None.

    Raises:
        NotFound: the object does not exist.
        StorageError: the file cannot be read, or the request was denied or failed.
    """
    work = default_work(work)
    bucket = workspace.bucket
    if not filing.before:
        compared = compare_file(bucket, filing.key, Path(filing.path), work=work)
        return compared.verdict if compared.same else None
    data = _document(filing)
    found = head(bucket, filing.key, work=work)
    same = found.size == len(data) and (
        found.sha256 == hashlib.sha256(data).hexdigest()
        if found.sha256
        else read(bucket, filing.key, work=work) == data
    )
    return Verdict.SHA256 if same else None


def _document(filing: Filing) -> bytes:
    """Return the bytes that are stored: the file, with the document around a bare payload."""
    path = Path(filing.path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    if not filing.before:
        return data
    # A byte order mark is only allowed at the beginning of a document, not within it.
    return filing.before.encode() + data.strip().removeprefix(BOM) + filing.after.encode()
