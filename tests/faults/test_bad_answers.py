"""Every AWS call reports a clear error of its kind when the answer is not from AWS."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.session import get_session
from conventions.call_sites import aws_operations_in_core
from helpers import quick_program
from helpers.aws import connection
from helpers.bad_answers import BAD_ANSWERS, Silent, method_of, minimal_parameters
from helpers.stub_server import StubServer

from core.aws import retries
from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.cli import main
from core.errors import ErrorKind, StorageError

#: The kinds that name the cause. A gateway's 500 may pass, so it is the service's failure too.
KINDS = {
    "200 with a web page": {ErrorKind.NOT_S3},
    "302 to a web page": {ErrorKind.NOT_S3},
    "wrong content type": {ErrorKind.NOT_S3},
    "407": {ErrorKind.NOT_S3, ErrorKind.OFFLINE},
    "500 with a web page": {ErrorKind.NOT_S3, ErrorKind.SERVICE},
    "empty 200": {ErrorKind.NOT_S3, ErrorKind.SERVICE},
    "truncated document": {ErrorKind.NOT_S3, ErrorKind.SERVICE},
}
_SECONDS = 30


@pytest.fixture(scope="module")
def operations():
    # Not when the module is imported, as each process of the tests does: it takes seconds.
    return sorted(aws_operations_in_core())


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    quick_program.shorten(monkeypatch.setattr)
    monkeypatch.setattr(retries, "_FIRST_PAUSE", 0.01)
    _set_waits(monkeypatch, 20.0)  # every answer comes at once; a busy machine may take its time


def _set_waits(monkeypatch, seconds):
    for name in ("INTERACTIVE_SECONDS", "READ_SECONDS", "_PATIENT_SECONDS"):
        monkeypatch.setattr(retries, name, seconds)


def outcome(clients, service, operation):
    """Send one request; return the error's kind, or what happened instead, and its text."""
    made = getattr(clients, "secrets" if service == "secretsmanager" else service)
    client = made("us-east-1") if service == "athena" else made()
    call = getattr(client, method_of(operation))
    try:
        with translated(f"{service}:{operation}", "the subject"):
            answer = call(**minimal_parameters(service, operation))
            if "Body" in answer:
                answer["Body"].read()
    except StorageError as error:
        return error.kind, str(error)
    except Exception as error:  # noqa: BLE001 - that it may not happen is what is tested
        return f"not a StorageError: {error!r}", ""
    return "success", ""


def has_document(service, operation):
    """Whether the answer has a document that could be cut or be of another kind."""
    model = get_session().get_service_model(service).operation_model(operation)
    return model.output_shape is not None and model.http.get("method") != "HEAD"


def outcomes(url, operations):
    clients = ClientFactory(connection(endpoint_url=url))
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda one: outcome(clients, *one), operations))
    clients.close()
    return dict(zip(operations, found, strict=True))


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_no_call_takes_it_for_an_answer(operations, name):
    with StubServer(BAD_ANSWERS[name]) as server:
        found = outcomes(server.url, operations)
    if name == "truncated document":
        found = {op: one for op, one in found.items() if has_document(*op)}
    wrong = {op: kind for op, (kind, _text) in found.items() if kind not in KINDS[name]}
    assert wrong == {}
    assert [op for op, (_kind, text) in found.items() if text.count("\n") < 2] == []


def test_no_call_waits_for_ever(operations, monkeypatch):
    _set_waits(monkeypatch, 1.5)
    silent = Silent()
    with StubServer(silent) as server:
        began = time.monotonic()
        try:
            found = outcomes(server.url, operations)
        finally:
            silent.release()
    assert time.monotonic() - began < _SECONDS
    assert {op: kind for op, (kind, _w) in found.items() if kind is not ErrorKind.OFFLINE} == {}


def test_every_call_of_the_product_is_in_the_table(operations):
    assert len(operations) > 50
    assert {service for service, _operation in operations} == {
        "s3", "secretsmanager", "iam", "sts", "cloudwatch", "athena"
    }  # fmt: skip


COMMANDS = (
    "ls", "ls -r x/", "stats", "get a/b.txt", "get -r a/", "put FILE x/y", "put FILE x/",
    "link a/b.txt", "backups", "backup DATABASE orders", "restore DATABASE orders --yes",
    "secrets list", "secrets get cryptotrading/database", "doctor",
    "secrets versions cryptotrading/database", "secrets rollback cryptotrading/database",
    "rotate cryptotrading/s3-storage", "check",
)  # fmt: skip


#: `make faults` tries more than the page that every hotel shows.
_ALL = bool(os.environ.get("FAULTS_ALL"))
_PAGES = ("200 with a web page", *(("302 to a web page", "empty 200", "407") if _ALL else ()))


@pytest.mark.parametrize("answer", _PAGES)
@pytest.mark.parametrize("line", COMMANDS)
def test_no_command_believes_a_network_that_wants_a_sign_in(
    line, answer, tmp_path, monkeypatch, capsys, demo_database
):
    (tmp_path / "file.txt").write_text("content")
    places = {"FILE": str(tmp_path / "file.txt"), "DATABASE": str(demo_database)}
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-secret-key-0123456789")
    monkeypatch.chdir(tmp_path)
    with StubServer(BAD_ANSWERS[answer]) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        code = main([places.get(word, word) for word in line.split()])
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    allowed = {kind.value for kind in KINDS[answer]}
    assert code in allowed, f"exit code {code}: {shown.out[-500:]}{shown.err[-1500:]}"


@pytest.fixture
def demo_database(tmp_path):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(tmp_path / "trading.db")) as database, database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, t TEXT)")
    return tmp_path / "trading.db"
