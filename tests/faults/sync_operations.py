"""Synchronizations and watched folders under faults, and the truth about their results."""

import hashlib
import json

from faults.context import Claim, Context, Operation

_EXTRA = b"only in the target"


def _tree(context: Context) -> dict[str, bytes]:
    """Return the content of each file of the source by its name."""
    tree = context.world.source("tree")
    files = (path for path in tree.rglob("*") if path.is_file())
    return {path.relative_to(tree).as_posix(): path.read_bytes() for path in files}


def _prepare_upload(context: Context) -> None:
    context.world.client.put_object(
        Bucket=context.world.bucket, Key=f"{context.prefix}extra", Body=_EXTRA
    )


def _check_upload(context: Context, claim: Claim) -> str:
    """Check that nothing wrong is stored, and that a deletion follows complete uploads only."""
    wanted, prefix = _tree(context), context.prefix
    stored = {key.removeprefix(prefix): key for key in context.world.keys(prefix)}
    bodies = {name: context.world.body(key) for name, key in stored.items()}
    wrong = [name for name, body in bodies.items() if body != {**wanted, "extra": _EXTRA}.get(name)]
    if wrong:
        return f"other bytes or names: {wrong[:3]}"
    missing = wanted.keys() - bodies.keys()
    if "extra" not in bodies and missing:
        return f"deleted, although {len(missing)} files are missing"
    if claim.succeeded and bodies.keys() != wanted.keys():
        return f"reported as equal, but {len(missing)} of {len(wanted)} are missing"
    return ""


def _prepare_download(context: Context) -> None:
    target = context.folder / "got"
    target.mkdir()
    (target / "extra").write_bytes(_EXTRA)


def _check_download(context: Context, claim: Claim) -> str:
    wanted, target = _tree(context), context.folder / "got"
    files = {
        path.relative_to(target).as_posix(): path.read_bytes()
        for path in target.rglob("*")
        if path.is_file() and not path.name.endswith((".strongroom-part", ".corrupt"))
    }
    wrong = [name for name, body in files.items() if body != {**wanted, "extra": _EXTRA}.get(name)]
    if wrong:
        return f"other bytes or names: {wrong[:3]}"
    missing = wanted.keys() - files.keys()
    if "extra" not in files and missing:
        return f"deleted, although {len(missing)} files are missing"
    if claim.succeeded and files.keys() != wanted.keys():
        return f"reported as equal, but {len(missing)} of {len(wanted)} are missing"
    return ""


def _document(context: Context, number: int) -> bytes:
    portfolio = {"assets": [], "note": f"{context.name} {number}"}
    moment = f"2026-01-01T00:00:{number:02}Z"
    user = f"u{context.name}"
    return json.dumps({"user_id": user, "timestamp": moment, "portfolio": portfolio}).encode()


def _prepare_watch(context: Context) -> None:
    folder = context.folder / "hot"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.json").write_bytes(_document(context, number))


def _check_watch(context: Context, claim: Claim) -> str:
    """Check that each file is either in its place or stored and moved, and never lost."""
    world, folder = context.world, context.folder / "hot"
    hashes = {_sha256(world.body(key)) for key in world.keys(f"user-data/u{context.name}/")}
    left = 0
    for number in range(6):
        body, name = _document(context, number), f"{number}.json"
        if (folder / name).exists():
            left += 1
        elif not (folder / "filed" / name).exists():
            return f"{name} is lost"
        elif _sha256(body) not in hashes:
            return f"{name} was moved, but is not stored"
    if (folder / "refused").exists():
        return "a fault of the network was taken for a file that cannot be stored"
    return f"reported as stored, but {left} files are left" if claim.succeeded and left else ""


def _sha256(data: bytes | None) -> str:
    return hashlib.sha256(data or b"").hexdigest()


SYNC_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "sync-up",
        lambda c: ["sync", str(c.world.source("tree")), f"s3:///{c.prefix}", "--delete", "--yes"],
        _check_upload,
        uploads=("Put",),
        downloads=("List",),
        others=("GetBucket", "Post"),
        prepare=_prepare_upload,
        repeats=True,
    ),
    Operation(
        "sync-down",
        lambda c: ["sync", "s3:///tree/", str(c.folder / "got"), "--delete", "--yes"],
        _check_download,
        downloads=("Get", "List"),
        prepare=_prepare_download,
        repeats=True,
    ),
    Operation(
        "watch",
        lambda c: ["watch", str(c.folder / "hot"), "--once", "--settle", "0"],
        _check_watch,
        uploads=("Put",),
        others=("Head",),
        prepare=_prepare_watch,
        repeats=True,
    ),
)
