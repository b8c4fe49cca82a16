"""Every legal key survives list, get, copy, move, link and delete, on every S3 server."""

import itertools
import shutil
import urllib.request
from dataclasses import dataclass

import pytest
from helpers.doses import generated
from helpers.s3_servers import make_bucket
from hypothesis import example, given
from hypothesis import strategies as st

from core.aws.clients import ClientFactory
from core.aws.limits import KEY_BYTES
from core.links.ledger import Ledger
from core.links.make import make_links
from core.objects.bucket import Bucket
from core.objects.deleting import delete_many
from core.objects.listing import list_pages
from core.objects.writing import put
from core.transfer.copies import copy_objects, move_objects
from core.transfer.download import download
from core.work import Work

#: Keys of one example, and how many run in the suite and on demand.
KEYS, SUITE, DEMAND = 40, 40, 50_000
#: Keys that S3 allows and that paths, XML, URLs or shells give a meaning.
ODD = (
    "a b+c%20d", "ü/é/e\u0301", "100%", "%2F", "a?b=c&d#e", "q'u\"o`t$e", "a\\b", "<x>&amp;", "~user",
    "-rf", "*[a]?", ":colon:", "=cmd()", "\u202eright", "\U0001f600", "CON", "nul.txt", "end. ", " x",
    "tab\there", "deep/" * 20 + "x", "x" * 200, "%_", "folder/", "...", "a..b", ".hidden",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    bucket: Bucket


def _characters():
    # Surrogates are not valid Unicode; S3 documents no other limit, but XML 1.0 cannot carry the
    # control characters, which servers refuse or change.
    return st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\ufffe\uffff")


#: Names between slashes; servers that store files have none for empty, `.` and `..`.
_segments = st.text(_characters(), min_size=1, max_size=30).filter(
    lambda name: name not in {".", ".."} and len(name.encode()) <= 240
)
_keys = st.lists(_segments, min_size=1, max_size=4).map("/".join)
#: Sets of keys in which no object has the name of a folder of another one.
_sets = st.lists(_keys, min_size=KEYS, max_size=KEYS, unique=True)


_examples = itertools.count()


@pytest.fixture
def place(s3_server, s3_client):
    name = make_bucket(s3_client)
    clients = ClientFactory(s3_server.connection(name))
    yield Place(Bucket(clients, name))
    clients.close()


def listed(place, prefix):
    return {
        key: size
        for page in list_pages(place.bucket, prefix)
        for key, size in zip(page.keys, page.sizes, strict=True)
    }


def objects(place, prefix):
    """Return the keys that are no folders: SeaweedFS lists folders until it removes empty ones."""
    return [key for key in listed(place, prefix) if not key.endswith("/")]


@generated(KEYS, SUITE, DEMAND)
@given(keys=_sets)
@example(keys=list(ODD))
def test_every_key_survives(place, s3_server, tmp_path, keys):
    if s3_server.name == "seaweed":  # it stores `a\\b` as `a/b`
        keys = [key.replace("\\", "_") for key in keys]
    # A prefix for each example: SeaweedFS lists the emptied folders of the former one for a while.
    root = f"{next(_examples)}/"
    # A number for each key: servers that store files cannot have both an object and a folder of
    # one name.
    named = [f"{root}o/{number}-{key}" for number, key in enumerate(keys)]
    named = [key for key in named if len(key.encode()) <= KEY_BYTES]
    bodies = {key: b"" if key.endswith("/") else key.encode() for key in named}
    written = {key: put(place.bucket, key, body) for key, body in bodies.items()}
    assert listed(place, f"{root}o/") == {key: len(body) for key, body in bodies.items()}
    folder = tmp_path / "files"
    report = download(
        place, Work(), keys=named, sizes=[written[key].size for key in named],
        etags=[written[key].etag for key in named], folder=str(folder), below=f"{root}o/",
    )  # fmt: skip
    assert not report.failed, report.failed
    assert all(path.resolve().is_relative_to(folder) for path in folder.rglob("*"))
    stored = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert sorted(stored) == sorted(body for key, body in bodies.items() if not key.endswith("/"))
    shutil.rmtree(folder)
    columns = {"sizes": [written[key].size for key in named], "etags": [""] * len(named)}
    copies = [key.replace("o/", "c/", 1) for key in named]
    moved = [key.replace("o/", "m/", 1) for key in named]
    for run, sources, targets in ((copy_objects, named, copies), (move_objects, copies, moved)):
        report = run(place, Work(), keys=sources, targets=targets, **columns)
        assert not report.failed, report.failed
    assert not objects(place, f"{root}c/")
    assert listed(place, f"{root}m/") == {
        key.replace("o/", "m/", 1): len(body) for key, body in bodies.items()
    }
    links = make_links(place.bucket, moved[:5], ledger=Ledger(tmp_path / "links"))
    for link, key in zip(links, moved, strict=False):
        with urllib.request.urlopen(link.url.reveal()) as answer:
            assert answer.read() == bodies[key.replace("m/", "o/", 1)]
    outcome = delete_many(place.bucket, [*named, *moved])
    assert not outcome.failed
    assert not objects(place, root)
