"""Kill commands at random moments, repeat them, and search for leftovers."""

import hashlib
import json
import os
import queue
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.forks import Forked, Forks
from helpers.s3_servers import S3Server, make_bucket
from helpers.waiting import until

_BIG, _FILES, _ROWS = 40_000_000, 120, 60_000
_NOT_FOUND, _ALREADY_EXISTS = 20, 22


@dataclass
class Site:
    """Sources and a bucket; `durations` is how long each operation takes unkilled, in seconds."""

    server: S3Server
    folder: Path
    client: Any
    forks: Forks
    bucket: str = ""
    durations: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bucket = make_bucket(self.client, "kills")
        tree = self.folder / "tree"
        (tree / "sub").mkdir(parents=True)
        for number in range(_FILES):
            where = tree / "sub" if number % 2 else tree
            (where / f"f{number:03}.json").write_bytes(random.Random(number).randbytes(3_000))
        (tree / "mid.bin").write_bytes(random.Random("mid").randbytes(12_000_000))
        (self.folder / "big.bin").write_bytes(random.Random("big").randbytes(_BIG))
        _write_database(self.folder / "trading.db", "backed up")
        for arguments in (
            ("put", str(tree), "ready/"),
            ("put", str(self.folder / "big.bin"), "ready/big.bin"),
            ("backup", str(self.folder / "trading.db"), "orders"),
        ):
            assert self.start(*arguments).wait() == 0, self.errors()

    def start(self, *arguments: str) -> Forked:
        """Start a command on the bucket."""
        return self.forks.start(
            "command", *arguments, "--bucket", self.bucket, stderr=self.folder / "stderr",
            environment=self.server.environment(self.folder / "home"),
        )  # fmt: skip

    def errors(self) -> str:
        """Return what the last command has written to standard error."""
        return (self.folder / "stderr").read_text()

    def unfinished_uploads(self) -> list[str]:
        """Return the keys of uploads that were neither completed nor aborted."""
        found = self.client.list_multipart_uploads(Bucket=self.bucket)
        return [upload["Key"] for upload in found.get("Uploads", ())]

    def clear(self) -> None:
        """Remove what was left behind, so that the next kill is judged by itself."""
        for upload in self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", ()):
            where = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
            self.client.abort_multipart_upload(Bucket=self.bucket, **where)
        for key in [*self.orphan_parts(), *(k for k in self.keys("") if "strongroom-" in k)]:
            self.client.delete_object(Bucket=self.bucket, Key=key)
        for path in self.local_leftovers():
            shutil.rmtree(path) if Path(path).is_dir() else Path(path).unlink(missing_ok=True)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below a prefix."""
        pages = self.client.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.bucket, Prefix=prefix)
        return [row["Key"] for page in found for row in page.get("Contents", ())]

    def orphan_parts(self) -> list[str]:
        """Return the parts of backups that have no manifest."""
        keys = self.keys("backups/")
        complete = {key.rpartition("/")[0] for key in keys if key.endswith("_manifest.json")}
        return [key for key in keys if key.rpartition("/")[0] not in complete]

    def local_leftovers(self) -> list[str]:
        """Return unfinished downloads and spooled rows on this machine."""
        parts = [p for p in self.folder.rglob("*strongroom-part*") if p.is_file()]
        spools = list((self.folder / "home").rglob("rows-*"))
        return [str(path) for path in (*parts, *spools)]


@dataclass(frozen=True)
class Killed:
    """An operation that is killed: its command, and the truth after it was run once more."""

    name: str
    arguments: Callable[[Site, str], list[str]]
    check: Callable[[Site, str], str]
    prepare: Callable[[Site, str], None] = lambda _site, _name: None
    #: Further exit codes of the second run, if the first one has already done everything.
    codes: frozenset[int] = frozenset()


def kill_once(site: Site, operation: Killed, draw: random.Random, number: int) -> str:
    """Kill an operation at a random moment and run it again; return what is wrong, or nothing."""
    name = f"{operation.name}-{number}"
    operation.prepare(site, name)
    arguments = operation.arguments(site, name)
    if operation.name not in site.durations:
        began = time.monotonic()
        assert site.start(*operation.arguments(site, f"{name}-first")).wait() == 0, site.errors()
        site.durations[operation.name] = time.monotonic() - began
    process = site.start(*arguments)
    with suppress(queue.Empty):
        process.wait(draw.uniform(0, site.durations[operation.name] * 1.1))
    process.kill()
    until(lambda: not group_lives(process.pid), 10)
    code = site.start(*arguments).wait()
    if code not in {0, _ALREADY_EXISTS} | operation.codes or "Traceback" in site.errors():
        return f"{name}: the second run ended with {code}: {site.errors()[-500:]}"
    if _left_behind(site):
        # A busy server may process the last request of the killed process after the second run,
        # which found nothing to remove. Its record remains for the next command.
        site.start(*arguments).wait()
    if left := _left_behind(site):
        site.clear()
        return f"{name}: left behind: {left[:3]}"
    wrong = operation.check(site, name)
    return f"{name}: {wrong}" if wrong else ""


def _left_behind(site: Site) -> list[str]:
    left = [*site.unfinished_uploads(), *site.orphan_parts(), *site.local_leftovers()]
    return left + [key for key in site.keys("") if "strongroom-" in key]


def group_lives(group: int) -> bool:
    """Whether a process that a killed command has started still runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return any(state != "Z" for state in _states(group))


def _states(group: int) -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (place / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[2]) == group:
                found.append(fields[0])
    return found


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _hash(path.read_bytes()) for path in files}


def _check_objects(site: Site, name: str) -> str:
    wanted = _tree(site.folder / "tree")
    stored = {}
    for key in site.keys(f"{name}/"):
        body = site.client.get_object(Bucket=site.bucket, Key=key)["Body"].read()
        stored[key.removeprefix(f"{name}/").removeprefix("tree/")] = _hash(body)
    return "" if stored == wanted else f"{len(stored)} of {len(wanted)} objects, or other bytes"


def _check_big_object(site: Site, name: str) -> str:
    body = site.client.get_object(Bucket=site.bucket, Key=f"{name}/big.bin")["Body"].read()
    right = _hash(body) == _hash((site.folder / "big.bin").read_bytes())
    return "" if right else f"{len(body)} other bytes are stored"


def _check_folder(site: Site, name: str) -> str:
    got = _tree(site.folder / "got" / name)
    wanted = _tree(site.folder / "tree")
    trimmed = {path.removeprefix("tree/"): value for path, value in got.items()}
    trimmed.pop("big.bin", None)
    return "" if trimmed == wanted else f"{len(trimmed)} of {len(wanted)} files, or other bytes"


def _check_big_file(site: Site, name: str) -> str:
    got = _hash((site.folder / "got" / name).read_bytes())
    return "" if got == _hash((site.folder / "big.bin").read_bytes()) else "other bytes"


def _write_database(path: Path, text: str) -> None:
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, price REAL, t TEXT, b BLOB)")
        rows = ((n, n / 3, text, random.Random(n).randbytes(20)) for n in range(_ROWS))
        made.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)


def _texts(path: Path) -> tuple[set[str], int, str]:
    with closing(sqlite3.connect(path)) as opened:
        sound = opened.execute("PRAGMA integrity_check").fetchone()[0]
        texts = {t for (t,) in opened.execute("SELECT DISTINCT t FROM orders")}
        return texts, opened.execute("SELECT count(*) FROM orders").fetchone()[0], sound


def _prepare_restore(site: Site, name: str) -> None:
    for each in (name, f"{name}-first"):
        _write_database(site.folder / f"{each}.db", "changed")


def _check_restored(site: Site, name: str) -> str:
    found = _texts(site.folder / f"{name}.db")
    return "" if found == ({"backed up"}, _ROWS, "ok") else f"the table holds {found}"


def _prepare_move(site: Site, name: str) -> None:
    for each in (name, f"{name}-first"):
        for key, body in _moved_objects().items():
            site.client.put_object(Bucket=site.bucket, Key=f"{each}/from/{key}", Body=body)


def _moved_objects() -> dict[str, bytes]:
    small = {f"k{number:02}": random.Random(number).randbytes(2_000) for number in range(25)}
    return {**small, "big": random.Random("moved").randbytes(12_000_000)}


def _check_moved(site: Site, name: str) -> str:
    left = site.keys(f"{name}/from/")
    found = {
        key.removeprefix(f"{name}/to/"): site.client.get_object(Bucket=site.bucket, Key=key)[
            "Body"
        ].read()
        for key in site.keys(f"{name}/to/")
        if not key.endswith("/")  # SeaweedFS lists an empty folder, which a second run moves
    }
    wanted = _moved_objects()
    if left:
        return f"{len(left)} objects were not moved"
    return "" if found == wanted else f"{len(found)} of {len(wanted)} objects, or other bytes"


def _check_backup(site: Site, _name: str) -> str:
    return "" if _texts(site.folder / "trading.db")[0] == {"backed up"} else "the source changed"


def _prepare_sync(site: Site, name: str) -> None:
    """Put a file into both targets that the source does not have."""
    for each in (name, f"{name}-first"):
        site.client.put_object(Bucket=site.bucket, Key=f"{each}/extra", Body=b"e")
        target = site.folder / "got" / each
        target.mkdir(parents=True, exist_ok=True)
        (target / "extra").write_bytes(b"e")


_DOCUMENTS = 40


def _document(name: str, number: int) -> bytes:
    portfolio = {"assets": [], "note": "x" * 2_000}
    moment = f"2026-01-01T00:00:{number:02}Z"
    return json.dumps({"user_id": name, "timestamp": moment, "portfolio": portfolio}).encode()


def _prepare_watch(site: Site, name: str) -> None:
    for each in (name, f"{name}-first"):
        folder = site.folder / "hot" / each
        folder.mkdir(parents=True)
        for number in range(_DOCUMENTS):
            (folder / f"{number:02}.json").write_bytes(_document(each, number))


def _check_watch(site: Site, name: str) -> str:
    """Check that every file is stored once and moved, and that none was refused or is left."""
    folder = site.folder / "hot" / name
    moved = {path.name: path.read_bytes() for path in (folder / "filed").iterdir()}
    wanted = {f"{number:02}.json": _document(name, number) for number in range(_DOCUMENTS)}
    if moved != wanted or any(path.is_file() for path in folder.iterdir()):
        return f"{len(moved)} of {_DOCUMENTS} files were moved"
    stored = [
        site.client.get_object(Bucket=site.bucket, Key=key)["Body"].read()
        for key in site.keys(f"user-data/{name}/")
    ]
    return "" if sorted(stored) == sorted(wanted.values()) else "other objects are stored"


KILLED: tuple[Killed, ...] = (
    Killed("put-folder", lambda s, n: ["put", str(s.folder / "tree"), f"{n}/"], _check_objects),
    Killed("put-big", lambda s, n: ["put", str(s.folder / "big.bin"), f"{n}/big.bin"],
           _check_big_object),
    Killed("get-folder", lambda s, n: ["get", "ready/", str(s.folder / "got" / n), "-r"],
           _check_folder),
    Killed("get-big", lambda s, n: ["get", "ready/big.bin", str(s.folder / "got" / n)],
           _check_big_file, prepare=lambda s, _n: (s.folder / "got").mkdir(exist_ok=True)),
    Killed("mv", lambda _s, n: ["mv", f"{n}/from/", f"{n}/to/", "-r"], _check_moved,
           prepare=_prepare_move, codes=frozenset({_NOT_FOUND})),
    Killed("backup", lambda s, _n: ["backup", str(s.folder / "trading.db"), "orders"],
           _check_backup),
    Killed("restore", lambda s, n: ["restore", str(s.folder / f"{n}.db"), "orders", "--yes"],
           _check_restored, prepare=_prepare_restore),
    Killed("sync-up", lambda s, n: ["sync", str(s.folder / "tree"), f"s3:///{n}/", "--delete",
                                    "--yes"], _check_objects, prepare=_prepare_sync),
    Killed("sync-down", lambda s, n: ["sync", "s3:///ready/tree/", str(s.folder / "got" / n),
                                      "--delete", "--yes"], _check_folder, prepare=_prepare_sync),
    Killed("watch", lambda s, n: ["watch", str(s.folder / "hot" / n), "--once", "--settle", "0"],
           _check_watch, prepare=_prepare_watch),
)  # fmt: skip


def kill_all(site: Site, count: int, seed: int) -> list[str]:
    """Kill that many commands, all operations in turn; return what went wrong."""
    draw = random.Random(seed)
    found = [kill_once(site, KILLED[number % len(KILLED)], draw, number) for number in range(count)]
    return [wrong for wrong in found if wrong]
