"""What is run under faults: for each operation its command, its requests, and the truth check.

A check gets what the program claimed (exit code 0 and its output, or a failure) and compares it
with the world by plain boto3 and sqlite3. It returns what is wrong, or nothing.
"""

import json
from collections.abc import Callable

from faults.checks import check_backup, check_get, check_put, sha256
from faults.context import Check, Claim, Context, Operation
from faults.resumed_operations import RESUMED_OPERATIONS
from faults.sync_operations import SYNC_OPERATIONS
from faults.world import copy_database, database_state

#: How files end that no one takes for a download: unfinished ones, and bytes set aside.
_UNFINISHED = (".strongroom-part", ".corrupt")


# Uploads


def _put(size: str) -> Callable[[Context], list[str]]:
    return lambda c: ["put", str(c.world.source(size)), f"{c.prefix}file"]


def _check_put_folder(context: Context, claim: Claim) -> str:
    tree = context.world.source("tree")
    wanted = {p.relative_to(tree).as_posix(): p for p in tree.rglob("*") if p.is_file()}
    keys = {key.removeprefix(context.prefix).removeprefix("tree/"): key
            for key in context.world.keys(context.prefix)}  # fmt: skip
    if not claim.succeeded:
        return "" if set(keys) <= set(wanted) else "foreign keys were written"
    if set(keys) != set(wanted):
        return f"{len(keys)} of {len(wanted)} objects are there"
    wrong = [n for n, k in keys.items() if context.world.body(k) != wanted[n].read_bytes()]
    return f"other bytes in {wrong}" if wrong else ""


# Downloads


def _get(key: str) -> Callable[[Context], list[str]]:
    return lambda c: ["get", key, str(c.folder / "file")]


def _get_all(prefix: str) -> Callable[[Context], list[str]]:
    return lambda c: ["get", prefix, str(c.folder / "got"), "--recursive"]


def _check_get_all(prefix: str) -> Check:
    def check(context: Context, claim: Claim) -> str:
        wanted = context.world.below(prefix)
        files = [p for p in (context.folder / "got").rglob("*") if p.is_file()]
        got = {prefix + p.relative_to(context.folder / "got").as_posix(): p for p in files}
        complete = {key: p for key, p in got.items() if not p.name.endswith(_UNFINISHED)}
        wrong = [k for k, p in complete.items()
                 if k not in wanted or sha256(p.read_bytes()) != wanted[k][1]]  # fmt: skip
        if wrong:
            return f"wrong bytes or names: {wrong[:3]}"
        missing = len(wanted) - len(complete)
        return f"{missing} of {len(wanted)} are missing" if claim.succeeded and missing else ""

    return check


# Standard input and output


def _check_output(context: Context, claim: Claim) -> str:
    if not claim.succeeded:
        return ""
    right = context.world.objects["own/big"][1]
    found = context.output.read_bytes()
    return "" if sha256(found) == right else f"reported as read, but {len(found)} other bytes are"


# Copies, moves and deletions


def _check_copy(key: str) -> Check:
    def check(context: Context, claim: Claim) -> str:
        stored = context.world.body(f"{context.prefix}file")
        if stored is None:
            return "reported as copied, but absent" if claim.succeeded else ""
        # Also after a failure: a copy is either complete or does not exist.
        right = sha256(stored) == context.world.objects[key][1]
        return "" if right else f"{len(stored)} other bytes are stored"

    return check


_NAMES = ("one", "two", "three")


def _put_some(context: Context) -> None:
    for name in _NAMES:
        context.world.client.put_object(
            Bucket=context.world.bucket, Key=f"{context.prefix}from/{name}", Body=name.encode()
        )


def _check_move(context: Context, claim: Claim) -> str:
    for name in _NAMES:
        source = context.world.body(f"{context.prefix}from/{name}")
        target = context.world.body(f"{context.prefix}to/{name}")
        if source is None and target is None:
            return f"{name} is lost"
        if {source, target} - {None, name.encode()}:
            return f"{name} has other bytes"
        if claim.succeeded and (source is not None or target is None):
            return f"{name} is reported as moved, but was not"
    return ""


def _check_removal(context: Context, claim: Claim) -> str:
    left = set(context.world.keys(context.prefix))
    if claim.succeeded:
        return f"reported as deleted, but {left} exist" if left else ""
    if not claim.output.strip():
        return ""
    report = json.loads(claim.output)
    gone = {row["key"] for row in report["deleted"]}
    if gone & left:
        return f"reported as deleted, but {gone & left} exist"
    named = len(gone) + len(report["failed"]) + len(report["cancelled"])
    return "" if named == len(_NAMES) else f"{named} of {len(_NAMES)} objects are reported"


def _begin_upload(context: Context) -> None:
    context.world.client.create_multipart_upload(
        Bucket=context.world.bucket, Key=f"{context.prefix}unfinished"
    )


def _check_aborted(context: Context, claim: Claim) -> str:
    found = context.world.client.list_multipart_uploads(
        Bucket=context.world.bucket, Prefix=context.prefix
    )
    left = len(found.get("Uploads", ()))
    if claim.succeeded:
        return f"reported as aborted, but {left} exist" if left else ""
    aborted = [row for row in json.loads(claim.output or "[]") if row["aborted"]]
    return "reported as aborted, but it exists" if aborted and left else ""


# Listings


def _check_ls(prefix: str) -> Check:
    def check(context: Context, claim: Claim) -> str:
        if not claim.succeeded:
            return ""
        rows = json.loads(claim.output)
        listed = {row["key"]: row["size"] for row in rows if not row.get("folder")}
        truth = {key: size for key, (size, _hash) in context.world.below(prefix).items()}
        return "" if listed == truth else f"{len(listed)} of {len(truth)} objects, or other ones"

    return check


def _check_stats(prefix: str) -> Check:
    def check(context: Context, claim: Claim) -> str:
        if not claim.succeeded:
            return ""
        found = json.loads(claim.output)
        truth = [size for size, _hash in context.world.below(prefix).values()]
        counted = (found["objects"], found["size"])
        return "" if counted == (len(truth), sum(truth)) else f"counted {counted}"

    return check


# Backups


def _check_backups(context: Context, claim: Claim) -> str:
    if not claim.succeeded:
        return ""
    found = {row["id"]: row["state"] for row in json.loads(claim.output)}
    truth = dict.fromkeys(context.world.backup_ids, "complete")
    return "" if found == truth else f"lists {found}"


def _check_restore(context: Context, claim: Claim) -> str:
    state = database_state(context.database)
    wanted = "new" if claim.succeeded else "today"
    return "" if state == wanted else f"the rows are {state}, not {wanted}"


OPERATIONS: tuple[Operation, ...] = (
    Operation("put-small", _put("small"), check_put("small"), uploads=("Put",),
              others=("HeadBucket",)),
    Operation("put-mid", _put("mid"), check_put("mid"), uploads=("Put",)),
    Operation("put-big", _put("big"), check_put("big"), uploads=("Part",),
              others=("Create", "Complete", "Abort"), repeats=True),
    Operation("put-folder", lambda c: ["put", str(c.world.source("tree")), c.prefix],
              _check_put_folder, uploads=("Put",), repeats=True),
    Operation("get-own", _get("own/mid"), check_get("own/mid"), downloads=("Get",)),
    Operation("get-foreign", _get("foreign/mid"), check_get("foreign/mid"), downloads=("Get",)),
    Operation("get-multipart", _get("foreign/big"), check_get("foreign/big"),
              downloads=("Get", "GetRange"), others=("Head",), repeats=True),
    Operation("get-folder", _get_all("tree/"), _check_get_all("tree/"), downloads=("Get", "List"),
              repeats=True),
    Operation("get-foreign-r", _get_all("foreign/"), _check_get_all("foreign/"),
              downloads=("Get", "GetRange"), repeats=True),
    Operation("put-stdin", lambda c: ["put", "-", f"{c.prefix}file"], check_put("big"),
              uploads=("Part",), others=("Create", "Complete"), repeats=True, piped="big"),
    Operation("get-stdout", lambda _c: ["get", "own/big", "-"], _check_output,
              downloads=("GetRange",), others=("Head",), repeats=True, piped="small"),
    Operation("cp", lambda c: ["cp", "own/mid", f"{c.prefix}file"], _check_copy("own/mid"),
              others=("Copy", "Head")),
    Operation("cp-parts", lambda c: ["cp", "own/big", f"{c.prefix}file"], _check_copy("own/big"),
              others=("Copy", "Create", "Complete"), repeats=True),
    # SeaweedFS's ETags of copied parts are no hashes: the object is read and sent.
    Operation("cp-streamed", lambda c: ["cp", "foreign/big", f"{c.prefix}file"],
              _check_copy("foreign/big"), uploads=("Part",), downloads=("GetRange",),
              others=("Abort",), repeats=True),
    Operation("mv", lambda c: ["mv", f"{c.prefix}from/", f"{c.prefix}to/", "-r"], _check_move,
              prepare=_put_some, others=("Copy", "Head", "Delete", "List"), repeats=True),
    Operation("rm", lambda c: ["rm", c.prefix, "-r", "--yes", "--confirm", c.world.bucket,
                               "--json"],
              _check_removal, prepare=_put_some, others=("Post", "GetBucket", "List")),
    Operation("uploads", lambda c: ["uploads", c.prefix, "--abort", "--older-than", "0", "--yes",
                                    "--json"],
              _check_aborted, prepare=_begin_upload,
              others=("ListUploads", "ListParts", "Abort")),
    Operation("ls", lambda _c: ["ls", "foreign/", "--json"], _check_ls("foreign/"),
              downloads=("List",), others=("HeadBucket",)),
    Operation("ls-pages", lambda _c: ["ls", "pages/", "-r", "--json"], _check_ls("pages/"),
              downloads=("List",), repeats=True),
    Operation("stats", lambda _c: ["stats", "pages/", "--json"], _check_stats("pages/"),
              downloads=("List",), repeats=True),
    Operation("backup", lambda c: ["backup", str(c.database), c.table], check_backup,
              prepare=lambda c: copy_database(c.world, c.database, c.table), uploads=("Put",),
              others=("List",), repeats=True),
    Operation("backups", lambda _c: ["backups", "orders", "--json"], _check_backups,
              downloads=("List", "Get"), repeats=True),
    Operation("restore", lambda c: ["restore", str(c.database), "orders", "--yes"], _check_restore,
              prepare=lambda c: copy_database(c.world, c.database), downloads=("List", "Get"),
              repeats=True),
    *SYNC_OPERATIONS,
    *RESUMED_OPERATIONS,
)  # fmt: skip
