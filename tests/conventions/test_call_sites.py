"""Every call into a foreign library has its errors translated."""

import ast
import re
from dataclasses import dataclass

import pytest
from conventions import source
from conventions.call_sites import (
    Calls,
    Site,
    _Visitor,
    aws_operations_in_core,
    calls_of_core,
    foreign,
    is_aws_call,
)

_SQLITE = "core.backup.databases.sqlite"
_DRIVER = re.compile(r"^(Connection|session\.(run|connect|cursor)|cursor\.(execute|fetchall))$")
_BACKUP_DRIVER = re.compile(
    r"^(CoreConnection|self\._driver\.(execute_unnamed|close)|self\._link\.(recv_into|sendall))$"
)
_KEYRING = re.compile(r"^(keyring|backend)\.\w+$")


@dataclass(frozen=True)
class Library:
    """A library: its calls, the guards that translate its errors, and where it may be used.

    `allowed` names functions whose calls need no guard, each with the reason.
    """

    name: str
    is_call: object
    guards: frozenset[str]
    fewest: int
    allowed: tuple[tuple[str, str], ...] = ()


def _within(folder: str, pattern: re.Pattern[str]):
    return lambda site: folder in site.path.as_posix() and bool(pattern.search(site.name))


def _uses_its_connection(site):
    """Whether a call of `SQLiteDatabase`, which all others go through, uses its connection."""
    inside = site.function.startswith("SQLiteDatabase.")
    used = "self._connection" in ast.unparse(site.node) and not site.name.startswith("self._guard")
    return inside and used and site.name not in _HARMLESS


#: Calls on a connection that do nothing in SQLite which can fail, and the guards themselves.
_HARMLESS = {
    "cancellable", "self._connection.close", "self._connection.get_autocommit",
    "self._connection.set_busy_timeout",
}  # fmt: skip

#: Calls of `HttpConnection` and the signer that use sockets.
_CONNECTION = {"HttpConnection", "busy.http.send", "busy.http.advance", "signer.server"}


LIBRARIES = (
    Library("botocore", is_aws_call, frozenset({"translated"}), fewest=60),
    Library(
        "connections of small files",
        lambda site: site.name in _CONNECTION,
        frozenset({"except OSError"}),
        fewest=len(_CONNECTION),
    ),
    Library(
        "apsw",
        lambda site: _uses_its_connection(site) or site.name == "apsw.Connection",
        frozenset(
            {
                "translate_sqlite_errors",
                "translate_database_errors",
                "cancellable",
                "_guard",
                "_translated",
                "except apsw.Error",
                "suppress",
            }
        ),
        fewest=20,
        allowed=(
            (
                "_memory",
                "its callers come through SQLiteDatabase, inside `translate_sqlite_errors`",
            ),
            *(
                (name, "its callers are inside `translate_database_errors`")
                for name in ("connect", "open_read_only")
            ),
        ),
    ),
    Library(
        "pg8000 and pymysql",
        _within("rotation/databases/", _DRIVER),
        frozenset({"translate_driver_errors", "_session"}),
        fewest=6,
    ),
    Library(
        "pg8000 of backups",
        _within("backup/databases/postgresql/session.py", _BACKUP_DRIVER),
        frozenset({"_translated"}),
        fewest=4,
        allowed=(("Session.close", "a connection that has already ended is closed"),),
    ),
    Library(
        "keyring",
        _within("local/vault.py", _KEYRING),
        frozenset({"_call_keyring", "except Exception"}),
        fewest=7,
    ),
    Library(
        "subprocess",
        lambda site: site.name.startswith("subprocess."),
        frozenset({"except OSError"}),
        fewest=2,
        allowed=(
            ("HelperProgram.__init__", "botocore calls it for keys, inside `translated`"),
            ("_by_program", "`main` of the recovery script reports an OSError"),
            ("_run_client", "`main` of the recovery script reports an OSError"),
            ("_task", "it only joins arguments, and starts no program"),
        ),
    ),
)
#: Which module may import which library: nothing else can call it.
HOMES = {
    "boto3": r"core/aws/",
    "apsw": r"core/(backup/databases/sqlite/|collect/cache\.py|local/(state/|sqlite\.py))",
    "pg8000": r"core/(rotation/databases/postgresql|backup/databases/postgresql/session)\.py",
    "pymysql": r"core/(rotation/databases/mysql\.py|backup/databases/mysql/)",
    "keyring": r"core/local/vault\.py",
    "subprocess": r"core/((engine|demo|aws)/|backup/(programs\.py|schedule\.py|recovery_kit/))",
}


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
def test_no_call_is_outside_a_translation(library):
    sites = list(foreign(library.is_call))
    assert len(sites) >= library.fewest, "the test no longer finds the calls"
    calls, allowed = calls_of_core(), dict(library.allowed)
    bare = [s for s in sites if calls.unguarded(s, library.guards) and s.function not in allowed]
    assert list(map(str, bare)) == []
    unused = set(allowed) - {site.function for site in sites}
    assert unused == set(), "allowed, but no longer there"


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_only_where_it_is_translated(library):
    home = re.compile(HOMES[library])
    outside = [
        source.place(path, node.lineno)
        for path in source.python_files("core")
        if not home.search(path.relative_to(source.ROOT).as_posix()) and "demo" not in path.parts
        for node in source.nodes(path)
        if library in _imported(node)
    ]
    assert outside == []


def _imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module:
        return {node.module.partition(".")[0]}
    return set()


def test_sqlite_has_one_door():
    """Functions of the package take connections; only its class may hand them one.

    `private_database` opens an empty file of its block, in which errors are translated.
    """
    home = source.ROOT / "core/backup/databases/sqlite"
    found = {
        (path.relative_to(source.ROOT).as_posix(), alias.name)
        for path in source.python_files("core")
        if not path.is_relative_to(home)
        for node in source.nodes(path)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_SQLITE)
        for alias in node.names
    }
    found.discard(("core/backup/databases/mysql/compare.py", "private_database"))
    assert found == {("core/backup/databases/__init__.py", "SQLiteDatabase")}


def test_the_operations_of_core_are_found():
    found = aws_operations_in_core()
    assert {("s3", "ListObjectsV2"), ("s3", "GetBucketPolicy"), ("iam", "CreateAccessKey")} <= found
    assert {("secretsmanager", "ListSecrets"), ("sts", "GetCallerIdentity")} <= found


PLANTED = """
def direct(bucket):
    return bucket.client.head_object(Bucket="b", Key="k")

def guarded(bucket):
    with translated("s3:HeadObject"):
        return bucket.client.head_object(Bucket="b", Key="k")

def _inner(bucket):
    return bucket.client.list_parts(Bucket="b")

def outer(bucket):
    with translated("s3:ListParts"):
        return _inner(bucket)

def _leaky(bucket):
    return bucket.client.copy_object(Bucket="b")

def good_caller(bucket):
    with translated("s3:CopyObject"):
        return _leaky(bucket)

def bad_caller(bucket):
    return _leaky(bucket)

def too_early(bucket):
    with opened(bucket.client.get_object(Bucket="b")) as body, translated("s3:GetObject"):
        return body

def dynamic(client, name):
    return getattr(client, name)(Bucket="b")

def in_a_handler(bucket):
    try:
        return None
    except ValueError:
        return bucket.client.delete_object(Bucket="b")
"""


def test_planted_calls_outside_a_translation_are_found():
    calls = Calls()
    _Visitor(source.ROOT / "core/planted.py", calls).visit(ast.parse(PLANTED))
    bare = [s for s in filter(is_aws_call, calls.sites) if _is_bare(calls, s)]
    found = [site.function for site in bare]
    assert found == ["direct", "_leaky", "too_early", "dynamic", "in_a_handler"]


def _is_bare(calls: Calls, site: Site) -> bool:
    return calls.unguarded(site, frozenset({"translated"}))
