"""What is run under faults: for each operation its command, its requests, and the truth check.

A check gets what the program claimed (exit code 0 and its output, or a failure) and compares it
with the world by plain boto3 and sqlite3. It returns what is wrong, or nothing.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import zstandard
from faults.world import ROWS, World, copy_database, database_state


@dataclass(frozen=True)
class Context:
    """One run of an operation: with its folder, prefix and table."""

    world: World
    folder: Path
    name: str

    @property
    def prefix(self) -> str:
        """A prefix that no other case writes to."""
        return f"out/{self.name}/"

    @property
    def table(self) -> str:
        """A table that no other case backs up."""
        return f"t_{self.name}"

    @property
    def database(self) -> Path:
        """The case's own database."""
        return self.folder / "trading.db"


@dataclass(frozen=True)
class Claim:
    """What the program said at its end."""

    succeeded: bool
    output: str


Check = Callable[[Context, Claim], str]


@dataclass(frozen=True)
class Operation:
    """`uploads` and `downloads` are the request classes whose bodies carry the data.

    Args:
        name: for the case's name.
        arguments: the command line.
        check: compares the claim with the world.
        uploads: request classes whose request bodies matter.
        downloads: request classes whose answers matter.
        others: request classes with neither.
        prepare: makes what the command needs.
        repeats: whether a command sends several requests of its main classes.
    """

    name: str
    arguments: Callable[[Context], list[str]]
    check: Check
    uploads: tuple[str, ...] = ()
    downloads: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    prepare: Callable[[Context], None] = lambda _context: None
    repeats: bool = False


#: How files end that no one takes for a download: unfinished ones, and bytes set aside.
_UNFINISHED = (".strongroom-part", ".corrupt")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# Uploads


def _put(size: str) -> Callable[[Context], list[str]]:
    return lambda c: ["put", str(c.world.source(size)), f"{c.prefix}file"]


def _check_put(size: str) -> Check:
    def check(context: Context, claim: Claim) -> str:
        stored = context.world.body(f"{context.prefix}file")
        if stored is None:
            return "reported as stored, but absent" if claim.succeeded else ""
        right = stored == context.world.source(size).read_bytes()
        return "" if right or not claim.succeeded else "reported as stored, but other bytes are"

    return check


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


def _check_get(key: str) -> Check:
    def check(context: Context, claim: Claim) -> str:
        path = context.folder / "file"
        if not path.exists():
            return "reported as downloaded, but absent" if claim.succeeded else ""
        if not claim.succeeded:
            return "reported as failed, but a file appeared"
        right = _sha256(path.read_bytes()) == context.world.objects[key][1]
        return "" if right else f"reported as downloaded, but {path.stat().st_size} other bytes are"

    return check


def _get_all(prefix: str) -> Callable[[Context], list[str]]:
    return lambda c: ["get", prefix, str(c.folder / "got"), "--recursive"]


def _check_get_all(prefix: str) -> Check:
    def check(context: Context, claim: Claim) -> str:
        wanted = context.world.below(prefix)
        files = [p for p in (context.folder / "got").rglob("*") if p.is_file()]
        got = {prefix + p.relative_to(context.folder / "got").as_posix(): p for p in files}
        complete = {key: p for key, p in got.items() if not p.name.endswith(_UNFINISHED)}
        wrong = [k for k, p in complete.items()
                 if k not in wanted or _sha256(p.read_bytes()) != wanted[k][1]]  # fmt: skip
        if wrong:
            return f"wrong bytes or names: {wrong[:3]}"
        missing = len(wanted) - len(complete)
        return f"{missing} of {len(wanted)} are missing" if claim.succeeded and missing else ""

    return check


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


def _check_backup(context: Context, claim: Claim) -> str:
    """Check with an independent client that a listed backup has all parts, hashes and rows."""
    world, prefix = context.world, f"backups/database/{context.table}/"
    manifests = [key for key in world.keys(prefix) if key.endswith("_manifest.json")]
    if claim.succeeded and len(manifests) != 1:
        return f"reported as backed up, but there are {len(manifests)} manifests"
    if claim.succeeded or len(manifests) == 1:
        return _incomplete(world, manifests[0])
    return ""


def _incomplete(world: World, key: str) -> str:
    manifest, rows = json.loads(world.body(key) or b"{}"), 0
    for part in manifest.get("parts", ()):
        name = f"part-{part['index']:05}.jsonl.zst"
        body = world.body(f"{key.rpartition('/')[0]}/{name}")
        if body is None or _sha256(body) != part["sha256"]:
            return f"{name} is missing or has another hash than its manifest records"
        with zstandard.ZstdDecompressor().stream_reader(body) as reader:
            rows += reader.read().count(b"\n")
    return "" if rows == ROWS else f"a manifest stands for {rows} rows"


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
    Operation("put-small", _put("small"), _check_put("small"), uploads=("Put",),
              others=("HeadBucket",)),
    Operation("put-mid", _put("mid"), _check_put("mid"), uploads=("Put",)),
    Operation("put-big", _put("big"), _check_put("big"), uploads=("Part",),
              others=("Create", "Complete", "Abort"), repeats=True),
    Operation("put-folder", lambda c: ["put", str(c.world.source("tree")), c.prefix],
              _check_put_folder, uploads=("Put",), repeats=True),
    Operation("get-own", _get("own/mid"), _check_get("own/mid"), downloads=("Get",)),
    Operation("get-foreign", _get("foreign/mid"), _check_get("foreign/mid"), downloads=("Get",)),
    Operation("get-multipart", _get("foreign/big"), _check_get("foreign/big"),
              downloads=("Get", "GetRange"), others=("Head",), repeats=True),
    Operation("get-folder", _get_all("tree/"), _check_get_all("tree/"), downloads=("Get", "List"),
              repeats=True),
    Operation("get-foreign-r", _get_all("foreign/"), _check_get_all("foreign/"),
              downloads=("Get", "GetRange"), repeats=True),
    Operation("ls", lambda _c: ["ls", "foreign/", "--json"], _check_ls("foreign/"),
              downloads=("List",), others=("HeadBucket",)),
    Operation("ls-pages", lambda _c: ["ls", "pages/", "-r", "--json"], _check_ls("pages/"),
              downloads=("List",), repeats=True),
    Operation("stats", lambda _c: ["stats", "pages/", "--json"], _check_stats("pages/"),
              downloads=("List",), repeats=True),
    Operation("backup", lambda c: ["backup", str(c.database), c.table], _check_backup,
              prepare=lambda c: copy_database(c.world, c.database, c.table), uploads=("Put",),
              others=("List",), repeats=True),
    Operation("backups", lambda _c: ["backups", "orders", "--json"], _check_backups,
              downloads=("List", "Get"), repeats=True),
    Operation("restore", lambda c: ["restore", str(c.database), "orders", "--yes"], _check_restore,
              prepare=lambda c: copy_database(c.world, c.database), downloads=("List", "Get"),
              repeats=True),
)  # fmt: skip
