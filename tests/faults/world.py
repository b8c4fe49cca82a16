"""What the fault cases work on: local files, a filled bucket, and the truth about both.

The bucket is filled and inspected by boto3 and its URLs; only the backups, and the objects with our
own metadata, are made by the program itself, without any fault.
"""

import hashlib
import json
import random
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from boto3.s3.transfer import TransferConfig
from helpers.forks import Forks
from helpers.many_objects import store_copies
from helpers.s3_servers import S3Server, make_bucket

SIZES = {"small": 50_000, "mid": 3_000_000, "big": 20_000_000}
#: Files of the folder, rows of the table, objects of the prefix that needs three pages.
_FILES, ROWS, _PAGES = 30, 20_000, 2_100
_MULTIPART = TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20)


@dataclass
class World:
    """A server with a filled bucket and an empty one with versioning.

    `objects` maps every key to its size and SHA-256.
    """

    server: S3Server
    folder: Path
    bucket: str
    client: Any
    forks: Forks
    versioned: str
    objects: dict[str, tuple[int, str]] = field(default_factory=dict)
    backup_ids: tuple[str, ...] = ()

    def source(self, name: str) -> Path:
        """Return a local file (`small`, `mid`, `big`) or the folder `tree`."""
        return self.folder / name

    def below(self, prefix: str) -> dict[str, tuple[int, str]]:
        """Return the objects of the prepared bucket below a prefix."""
        return {key: value for key, value in self.objects.items() if key.startswith(prefix)}

    def body(self, key: str) -> bytes | None:
        """Return an object's bytes, None when there is no such object."""
        try:
            return bytes(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except self.client.exceptions.NoSuchKey:
            return None

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below a prefix as the server lists them to stock boto3."""
        pages = self.client.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.bucket, Prefix=prefix)
        return [row["Key"] for page in found for row in page.get("Contents", ())]

    def run(self, *arguments: str) -> str:
        """Run the program without faults and return its output."""
        output, errors = self.folder / "output", self.folder / "errors"
        code = self.forks.start(
            "command", *arguments, "--bucket", self.bucket, stdout=output, stderr=errors,
            environment=self.server.environment(self.folder / "home"),
        ).wait()  # fmt: skip
        assert code == 0, f"{arguments}: {output.read_text()[-500:]}{errors.read_text()[-2000:]}"
        return output.read_text()


@contextmanager
def prepared(server: S3Server) -> Iterator[World]:
    """Yield a filled bucket on `server` with local files beside it."""
    client = server.client(max_pool_connections=20)
    with (
        TemporaryDirectory(prefix="strongroom-faults-") as name,
        Forks("helpers.quick_program:shorten") as forks,
    ):
        world = World(server, Path(name), make_bucket(client, "faults"), client, forks,
                      make_bucket(client, "versioned"))  # fmt: skip
        status = {"Status": "Enabled"}
        client.put_bucket_versioning(Bucket=world.versioned, VersioningConfiguration=status)
        _write_sources(world)
        _fill(world)
        _back_up(world)
        yield world
    client.close()


def _write_sources(world: World) -> None:
    (world.folder / "home").mkdir()
    for name, size in SIZES.items():
        (world.folder / name).write_bytes(random.Random(name).randbytes(size))
    tree = world.folder / "tree"
    (tree / "sub").mkdir(parents=True)
    for number in range(_FILES):
        where = tree / "sub" if number % 3 else tree
        (where / f"f{number:02}.json").write_bytes(random.Random(number).randbytes(3_000 + number))


def _fill(world: World) -> None:
    for name in SIZES:
        world.run("put", str(world.source(name)), f"own/{name}")
        _remember(world, f"own/{name}", world.source(name).read_bytes())
    _put(world, "foreign/mid", world.source("mid").read_bytes())
    big = world.source("big")
    world.client.upload_file(str(big), world.bucket, "foreign/big", Config=_MULTIPART)
    _remember(world, "foreign/big", big.read_bytes())
    with ThreadPoolExecutor(16) as pool:
        files = [path for path in world.source("tree").rglob("*") if path.is_file()]
        list(pool.map(lambda p: _put(world, _key("tree/", world, p), p.read_bytes()), files))
    pages, body = [f"pages/k {number:05}" for number in range(_PAGES)], b"page"
    store_copies(world.client, world.bucket, pages, body)
    for key in pages:
        _remember(world, key, body)


def _key(prefix: str, world: World, path: Path) -> str:
    return prefix + path.relative_to(world.source("tree")).as_posix()


def _put(world: World, key: str, body: bytes) -> None:
    world.client.put_object(Bucket=world.bucket, Key=key, Body=body)
    _remember(world, key, body)


def _remember(world: World, key: str, body: bytes) -> None:
    world.objects[key] = (len(body), hashlib.sha256(body).hexdigest())


def _back_up(world: World) -> None:
    """Back up a table twice, so that taking the older backup for the newest would be seen."""
    ids = []
    for text in ("old", "new"):
        write_database(world.folder / "trading.db", text)
        done = world.run("backup", str(world.folder / "trading.db"), "orders", "--json")
        ids.append(json.loads(done)["backups"][0]["id"])
    world.backup_ids = tuple(ids)
    write_database(world.folder / "today.db", "today")


def write_database(path: Path, text: str) -> None:
    """Write a database whose table `orders` holds `text` in every row."""
    path.unlink(missing_ok=True)
    rows = ((n, n / 3, text, random.Random(n).randbytes(20)) for n in range(ROWS))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, price REAL, t TEXT, b BLOB)")
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)


def copy_database(world: World, target: Path, table: str = "orders") -> None:
    """Give a case a separate database whose rows are those of neither backup."""
    shutil.copy(world.folder / "today.db", target)
    if table != "orders":
        with closing(sqlite3.connect(target)) as database, database:
            database.execute(f"ALTER TABLE orders RENAME TO {table}")


def database_state(path: Path) -> str:
    """Return the text of all rows of `orders`, or what is wrong with the database."""
    with closing(sqlite3.connect(path)) as database:
        sound = database.execute("PRAGMA integrity_check").fetchone()[0]
        texts = database.execute("SELECT t, count(*) FROM orders GROUP BY t").fetchall()
    if sound != "ok" or len(texts) != 1 or texts[0][1] != ROWS:
        return f"integrity {sound}, rows {texts}"
    return str(texts[0][0])
