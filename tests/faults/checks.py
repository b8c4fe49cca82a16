"""Checks that several operations share: what was claimed is compared with the world."""

import hashlib
import json

import zstandard
from faults.context import Check, Claim, Context
from faults.world import ROWS, World


def sha256(data: bytes) -> str:
    """Return the hexadecimal hash of some bytes."""
    return hashlib.sha256(data).hexdigest()


def check_put(size: str) -> Check:
    """Return the check of an upload of a source to the key `file` of the prefix."""

    def check(context: Context, claim: Claim) -> str:
        stored = context.world.body(f"{context.prefix}file")
        if stored is None:
            return "reported as stored, but absent" if claim.succeeded else ""
        right = stored == context.world.source(size).read_bytes()
        return "" if right or not claim.succeeded else "reported as stored, but other bytes are"

    return check


def check_get(key: str) -> Check:
    """Return the check of a download of an object to the local file `file`."""

    def check(context: Context, claim: Claim) -> str:
        path = context.folder / "file"
        if not path.exists():
            return "reported as downloaded, but absent" if claim.succeeded else ""
        if not claim.succeeded:
            return "reported as failed, but a file appeared"
        right = sha256(path.read_bytes()) == context.world.objects[key][1]
        return "" if right else f"reported as downloaded, but {path.stat().st_size} other bytes are"

    return check


def check_backup(context: Context, claim: Claim) -> str:
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
        if body is None or sha256(body) != part["sha256"]:
            return f"{name} is missing or has another hash than its manifest records"
        with zstandard.ZstdDecompressor().stream_reader(body) as reader:
            rows += reader.read().count(b"\n")
    return "" if rows == ROWS else f"a manifest stands for {rows} rows"
