"""Operations without a command: calls of the library in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from faults.operations import Context

from core.backup.verify import verify
from core.links.check import check_link
from core.links.make import make_links
from core.objects.deleting import delete, delete_many
from core.work import RetryBudget, Work
from core.workspace import Workspace

_SECONDS = 6.0
#: Faults that leave the answer usable.
_HARMLESS = frozenset({"duplicate_length", "wrong_type"})


@dataclass(frozen=True)
class Call:
    """A call and its check; the fields are those of `Operation`.

    `run` returns what the call returned; `check` gets it, or None after a `StorageError`, and
    whether every request was struck by a fault that spoils the answer.
    """

    name: str
    run: Callable[[Context, Workspace, Work], Any]
    check: Callable[[Context, Any, bool], str]
    uploads: tuple[str, ...] = ()
    downloads: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    prepare: Callable[[Context], None] = lambda _context: None
    repeats: bool = False
    harmless: frozenset[str] = _HARMLESS


def new_work() -> Work:
    """Return the work of a bulk operation with a short budget."""
    return Work(budget=RetryBudget(_SECONDS))


def _verify(_context: Context, workspace: Workspace, work: Work) -> Any:
    return verify(workspace, work, table="orders")


def _check_verify(context: Context, report: Any, damaged: bool) -> str:
    if report is None or report.problems:
        return ""
    if report.backup.id != context.world.backup_ids[1]:
        return f"another backup was verified: {report.backup.id}"
    return "verified although every answer was damaged" if damaged else ""


def _try_link(context: Context, workspace: Workspace, work: Work) -> Any:
    (link,) = make_links(workspace.bucket, ["own/small"], work=work)
    return check_link(link, work=work)


def _check_link(_context: Context, found: Any, damaged: bool) -> str:
    works = found is not None and found.works
    return "the link is said to work although every answer was damaged" if works and damaged else ""


def _put_two(context: Context) -> None:
    for name in ("one", "two"):
        context.world.client.put_object(
            Bucket=context.world.bucket, Key=context.prefix + name, Body=b"x"
        )


def _delete(context: Context, workspace: Workspace, work: Work) -> Any:
    return delete(workspace.bucket, f"{context.prefix}one", work=work)


def _check_delete(context: Context, deleted: Any, _damaged: bool) -> str:
    left = context.world.keys(context.prefix)
    there = f"{context.prefix}one" in left
    return "reported as deleted, but it exists" if deleted is not None and there else ""


def _delete_many(context: Context, workspace: Workspace, work: Work) -> Any:
    keys = [context.prefix + name for name in ("one", "two")]
    return delete_many(workspace.bucket, keys, work=work)


def _check_delete_many(context: Context, report: Any, _damaged: bool) -> str:
    if report is None:
        return ""
    left = set(context.world.keys(context.prefix))
    claimed = {row.key for row in report.deleted}
    failed = {row.key for row in report.failed}
    if claimed & left:
        return f"reported as deleted, but it exists: {claimed & left}"
    missing = 2 - len(claimed | failed)
    return f"{missing} keys are neither deleted nor failed" if missing else ""


CALLS: tuple[Call, ...] = (
    # A cut answer is continued by a request for the rest; the hash of all bytes is compared.
    Call("verify", _verify, _check_verify, downloads=("Get",), others=("List",), repeats=True,
         harmless=_HARMLESS | {"cut_fin", "cut_rst", "chunked_cut"}),
    # Anyone who opens the link gets what the server sends: the right bytes are unknown.
    Call("link-test", _try_link, _check_link, downloads=("GetRange",),
         harmless=_HARMLESS | {"range_ignored", "flip_down"}),
    Call("delete", _delete, _check_delete, prepare=_put_two, others=("Delete",)),
    Call("delete-many", _delete_many, _check_delete_many, prepare=_put_two, others=("Post",)),
)  # fmt: skip
