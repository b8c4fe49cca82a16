"""Interrupted operations that are resumed under faults, and deleted objects that are restored."""

import json
from collections.abc import Callable

from faults.checks import check_backup, check_get, check_put, sha256
from faults.context import Claim, Context, Operation
from faults.world import copy_database
from helpers.fault_proxy import FaultProxy, rule
from helpers.waiting import until

_DELETED = ("one", "two", "three")


def _environment(context: Context, url: str = "") -> dict[str, str]:
    return context.world.server.environment(context.folder / "home", url)


# Transfers of a process that was killed


def _put(context: Context) -> list[str]:
    return ["put", str(context.world.source("big")), f"{context.prefix}file"]


def _get(context: Context) -> list[str]:
    return ["get", "own/big", str(context.folder / "file")]


def _kill_at(
    request_class: str, arguments: Callable[[Context], list[str]]
) -> Callable[[Context], None]:
    """Return a preparation that kills a command while its second request of a class runs."""

    def prepare(context: Context) -> None:
        stalled = rule(request_class, "stall_before", "second")
        with FaultProxy(context.world.server, stalled) as proxy:
            process = context.world.forks.start(
                "command", *arguments(context), "--bucket", context.world.bucket,
                environment=_environment(context, proxy.url),
            )  # fmt: skip
            until(lambda: proxy.struck, 30)
            process.kill()

    return prepare


# The queue, paused and resumed


def _check_queue(context: Context, claim: Claim) -> str:
    """Check that each file that is reported as done is identical, in both directions."""
    tree = context.world.source("tree")
    sources = {path.name: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    sent, received = json.loads(claim.output)
    for key in sent:
        if context.world.body(key) != sources[key.rpartition("/")[2]]:
            return f"{key} is reported as uploaded, but other bytes are stored"
    for key in received:
        name = key.rpartition("/")[2]
        if (context.folder / "got" / name).read_bytes() != sources[name]:
            return f"{name} is reported as downloaded, but it has other bytes"
    complete = len(sent) == len(received) == len(sources)
    return "" if complete or not claim.succeeded else f"{len(sent)}, {len(received)} are done"


# Backups whose rows were read before the storage failed


def interrupt_backup(*arguments: str) -> int:
    """Run the command `backup` without a storage; its rows remain on this computer."""
    from core.backup.store import BucketStore
    from core.cli import main
    from core.errors import Offline

    def refuse(*_arguments: object, **_named: object) -> None:
        raise Offline("The endpoint cannot be reached")

    BucketStore.put = refuse  # type: ignore[method-assign] # of this forked process alone
    return 0 if main([*arguments]) == Offline.kind.value else 1


def _prepare_resume(context: Context) -> None:
    copy_database(context.world, context.database, context.table)
    process = context.world.forks.start(
        "faults.resumed_operations:interrupt_backup", "backup", str(context.database),
        context.table, "--bucket", context.world.bucket, environment=_environment(context),
    )  # fmt: skip
    assert process.wait() == 0


# Objects that were deleted in a bucket with versioning


def _prepare_deleted(context: Context) -> None:
    client, bucket = context.world.client, context.world.versioned
    for name in _DELETED:
        key = f"{context.prefix}{name}"
        client.put_object(Bucket=bucket, Key=key, Body=name.encode())
        client.delete_object(Bucket=bucket, Key=key)


def _check_restored(context: Context, claim: Claim) -> str:
    client, bucket = context.world.client, context.world.versioned
    rows = client.list_objects_v2(Bucket=bucket, Prefix=context.prefix).get("Contents", ())
    found = {}
    for row in rows:
        body = client.get_object(Bucket=bucket, Key=row["Key"])["Body"].read()
        found[row["Key"].removeprefix(context.prefix)] = sha256(body)
    wanted = {name: sha256(name.encode()) for name in _DELETED}
    if any(wanted.get(name) != value for name, value in found.items()):
        return "other bytes or names were restored"
    if claim.succeeded:
        return "" if found == wanted else f"reported as restored, but only {sorted(found)} exist"
    return ""


RESUMED_OPERATIONS: tuple[Operation, ...] = (
    Operation("put-resumed", _put, check_put("big"), uploads=("Part",),
              others=("ListParts", "Complete"), prepare=_kill_at("Part", _put), repeats=True),
    Operation("get-resumed", _get, check_get("own/big"), downloads=("GetRange",),
              prepare=_kill_at("GetRange", _get), repeats=True),
    Operation("queue", lambda c: [str(c.folder), str(c.world.source("tree")), c.prefix],
              _check_queue, uploads=("Put",), downloads=("Get",), repeats=True,
              action="faults.queue_action:run_queue"),
    Operation("backup-resume", lambda _c: ["backup", "--resume"], check_backup,
              prepare=_prepare_resume, uploads=("Put",), others=("List", "Head"), repeats=True),
    Operation("undelete", lambda c: ["undelete", f"s3://{c.world.versioned}/{c.prefix}", "--yes"],
              _check_restored, downloads=("ListVersions",), others=("Post",),
              prepare=_prepare_deleted, repeats=True),
)  # fmt: skip
