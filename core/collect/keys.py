"""The objects of a range, from listings of only those folders that can contain them."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core.collect.catalogued import catalogued, listed_again
from core.collect.request import Request, is_pattern, prefix_of, shifted
from core.layout.kinds import Kind, kind
from core.layout.parsing import parse
from core.objects.bucket import Bucket
from core.objects.level import list_level, page_of
from core.objects.pages import Columns
from core.units import iso_utc
from core.work import Progress, Work

#: Requests that are on their way at the same time.
_THREADS = 8
#: Kinds with an object a minute or more: their months are listed at the same time. A year of the
#: others has few pages.
_BY_MONTH = frozenset({"orderbook", "trades"})
#: Storage classes whose objects cannot be read at once (S3 user guide, "Storage classes").
ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Found:
    """One object of the range.

    Attributes:
        name: its symbol, user or report type.
        moment: the time in its key.
    """

    key: str
    size: int
    etag: str
    storage_class: str
    modified: str
    name: str
    moment: datetime


@dataclass(slots=True)
class Objects:
    """The objects of a range in order of their names and times.

    Attributes:
        lists: the LIST requests that were sent.
        other: keys that do not have the form of the contract.
        names: the names that were listed.
        listed: when the catalogue listed them; None if they were listed now.
        refusal: why the names that the catalogue lacks could not be listed again.
    """

    found: list[Found] = field(default_factory=list)
    lists: int = 0
    other: int = 0
    names: tuple[str, ...] = ()
    listed: datetime | None = None
    refusal: str = ""

    @property
    def archived(self) -> list[Found]:
        """The objects that cannot be read before they are restored."""
        return [each for each in self.found if each.storage_class in ARCHIVES]


def find_objects(
    bucket: Bucket, request: Request, work: Work, *, list_again: bool = False
) -> Objects:
    """Return the objects of a range from the catalogue if it is not old, or from listings.

    Names without objects in the catalogue are listed again. If that is not possible, `refusal` of
    the result has the reason.

    Args:
        bucket: the bucket.
        request: the range.
        work: cancel token and progress.
        list_again: whether the catalogue is not used.

    Raises:
        AccessDenied: `s3:ListBucket` is missing.
        Cancelled: a cancel was requested.
        StorageError: a listing failed.
    """
    of = kind(request.kind)
    known = None if list_again else _from_catalog(bucket, of, request, work)
    if known is None:
        return _listed(bucket, of, request, work)
    present = {each.name for each in known.found}
    lacking = tuple(
        name for name in request.names if name not in present and not fnmatch.filter(present, name)
    )
    if known.found and not lacking:
        return known
    # Its newest objects may be missing from the catalogue, which therefore proves nothing here.
    missing = replace(request, names=lacking if known.found else request.names)
    again = listed_again(known, lambda: _listed(bucket, of, missing, work))
    if again is known or not known.found:
        return again
    known.found = sorted([*known.found, *again.found], key=_order)
    known.lists, known.other = again.lists, known.other + again.other
    known.names = tuple(dict.fromkeys([*known.names, *again.names]))
    return known


def _order(found: Found) -> tuple[str, datetime, str]:
    return found.name, found.moment, found.key


def _listed(bucket: Bucket, of: Kind, request: Request, work: Work) -> Objects:
    """Return the objects of a range from listings."""
    objects = Objects()
    objects.names = _names(bucket, of, request, work, objects)
    spans = [span for name in objects.names for span in _spans(of, request, name)]
    with ThreadPoolExecutor(min(_THREADS, len(spans) or 1), "list range") as pool:
        for pages in pool.map(lambda span: list(_pages(bucket, span, work)), spans):
            for page in pages:
                objects.lists += 1
                _add(objects, page, request)
            work.report(Progress(len(objects.found), None, "objects", "listing"))
    objects.found.sort(key=_order)
    return objects


def _from_catalog(bucket: Bucket, of: Kind, request: Request, work: Work) -> Objects | None:
    """Return the objects of a range from the catalogue; None if it cannot be used."""
    patterns = any(map(is_pattern, request.names))
    roots = [prefix_of(of, name, request.timeframe) for name in request.names]
    found = catalogued(bucket, [of.prefix] if patterns else roots, work)
    if found is None:
        return None
    objects = Objects(listed=found.listed)
    known = {key[len(of.prefix) :].partition("/")[0] for key in found.keys.keys if patterns}
    objects.names = _matching(request, sorted(known))
    _add(objects, found.keys, request)
    wanted = frozenset(objects.names)
    objects.found = [
        each for each in objects.found if each.name in wanted and _is_of(each.key, of, request)
    ]
    objects.found.sort(key=_order)
    return objects


def _is_of(key: str, of: Kind, request: Request) -> bool:
    """Return whether a key is of the requested kind and timeframe."""
    parsed = parse(key)
    if parsed is None or parsed.kind is not of:
        return False
    return not request.timeframe or parsed.names["timeframe"] == request.timeframe


@dataclass(frozen=True, slots=True)
class _Span:
    """A prefix to list, from after one key up to the last one that begins with `end`."""

    prefix: str
    after: str
    end: str


def _spans(of: Kind, request: Request, name: str) -> Iterator[_Span]:
    """Yield the folders of months or years that contain a range."""
    root = prefix_of(of, name, request.timeframe)
    # Trades of users have no folders of days.
    days = "{D}" in of.template
    length = len("2024/01/15") if days else len("2024/01")
    before = request.first.replace(day=1) if not days else request.first
    # A tilde is after the slash: the next key is in the folder of the first day. SeaweedFS lists
    # nothing of a folder that is named as the key to start after.
    after = f"{root}{_folder(shifted(before, -_DAY))[:length]}~"
    end = f"{root}{_folder(request.last)[:length]}"
    monthly = request.kind in _BY_MONTH
    for year in range(request.first.year, request.last.year + 1):
        if not monthly:
            yield _Span(f"{root}{year:04}/", after, end)
            continue
        for month in range(1, 13):
            if (
                (request.first.year, request.first.month)
                <= (year, month)
                <= (request.last.year, request.last.month)
            ):
                yield _Span(f"{root}{year:04}/{month:02}/", after, end)


def _folder(moment: datetime) -> str:
    """Return the folder of a day in keys, such as `2024/01/15`."""
    return iso_utc(moment)[: len("2024-01-15")].replace("-", "/")


def _pages(bucket: Bucket, span: _Span, work: Work) -> Iterator[Columns]:
    """Yield the pages of a span."""
    after = span.after if span.after.startswith(span.prefix) else ""
    token: str | None = None
    while True:
        work.check()
        page, token = page_of(bucket, span.prefix, token=token, after=after, work=work)
        yield page
        last = page.keys[-1] if page.keys else ""
        if token is None or last[: len(span.end)] > span.end:
            return


def _add(objects: Objects, page: Columns, request: Request) -> None:
    first, last = request.first, request.last
    columns = zip(page.keys, page.sizes, page.etags, page.classes, page.modified, strict=True)
    for key, size, etag, storage_class, modified in columns:
        parsed = parse(key)
        if parsed is None:
            # Folders that consoles create are empty objects.
            objects.other += not key.endswith("/")
        elif first <= parsed.moment < last:
            name = parsed.names[parsed.kind.names[0]]
            objects.found.append(
                Found(key, size, etag, storage_class, modified, name, parsed.moment)
            )


def _names(
    bucket: Bucket, of: Kind, request: Request, work: Work, objects: Objects
) -> tuple[str, ...]:
    """Return the names of a request; patterns are replaced by the names in the bucket."""
    if not any(map(is_pattern, request.names)):
        return request.names
    return _matching(request, _listed_names(bucket, of, work, objects))


def _matching(request: Request, known: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a request, with those that its patterns match."""
    found: dict[str, None] = {}
    for name in request.names:
        if is_pattern(name):
            found |= dict.fromkeys(fnmatch.filter(known, name))
        else:
            found[name] = None
    return tuple(found)


def _listed_names(bucket: Bucket, of: Kind, work: Work, objects: Objects) -> Sequence[str]:
    names: list[str] = []
    token: str | None = None
    while True:
        page = list_level(bucket, of.prefix, token=token, work=work)
        objects.lists += 1
        names += [folder.removeprefix(of.prefix).rstrip("/") for folder in page.folders]
        token = page.token
        if token is None:
            return names
