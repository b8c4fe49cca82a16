"""No logging configuration shows a secret of any service."""

import json
import logging
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from secrets import token_hex

import pytest
from helpers.leaks import Canaries
from helpers.stub_server import Reply, Request, StubServer

from core.aws.logs import LIBRARIES, LibraryFilter, protect_logs

ROOT = Path(__file__).resolve().parents[3]
#: The same work in each case: every service reads a secret, writes one, or signs with one.
WORK = """
import http.client, io, os, sys, urllib3
from core import S3StorageService, SecretsManager
from core.aws.clients import ClientFactory
from core.aws.identity import identity
from core.model.connection import Connection, KeySource, Profile
{after}
seen = open(sys.argv[1], "w")
factory = ClientFactory(Connection(Profile("log", KeySource.ENVIRONMENT)))
secrets = SecretsManager(clients=factory)
secrets.get_secret("name")
secrets.update_secret("name", os.environ.pop("NEW_VALUE"))
identity(factory)
made = factory.iam().create_access_key(UserName="u")
factory.sts().assume_role(RoleArn="arn:aws:iam::123456789012:role/r", RoleSessionName="session")
s3 = S3StorageService(clients=factory, bucket_name="bucket")
s3.get_object_data("data.json")
url = s3.generate_presigned_url("data.json")
seen.write(url.split("X-Amz-Signature=")[1][:64])
if not http.client.HTTPConnection.debuglevel:  # it prints what other programs send as well
    urllib3.PoolManager().request("GET", url)
{last}
"""
ROOT_DEBUG = "import logging; logging.basicConfig(level=logging.DEBUG)"
ALL_LOGGERS = """
import logging; logging.basicConfig()
for name in list(logging.root.manager.loggerDict): logging.getLogger(name).setLevel(10)
"""
DICT_CONFIG = """
import logging.config
logging.config.dictConfig({{"version": 1, "disable_existing_loggers": {disable},
  "handlers": {{"h": {{"class": "logging.StreamHandler"}}}},
  "root": {{"level": "DEBUG", "handlers": ["h"]}},
  "loggers": {{"botocore": {{"level": "DEBUG"}}, "botocore.parsers": {{"level": "DEBUG"}}}}}})
"""
QUEUE = """
import logging, logging.handlers, queue
logging.basicConfig(level=10)
q = queue.SimpleQueue(); logging.getLogger().addHandler(logging.handlers.QueueHandler(q))
"""
#: Every part of a record that a handler may write, JSON formatters included.
FIELDS = """
import logging
class Fields(logging.Handler):
    def emit(self, record): print("botocore record", vars(record))
logging.getLogger("botocore").setLevel(10); logging.getLogger("botocore").addHandler(Fields())
logging.getLogger("urllib3").setLevel(10); logging.getLogger("urllib3").addHandler(Fields())
"""


SOME = ("endpoint", "hooks", "auth", "credentials", "utils", "awsrequest")


def one(name):
    return f"import logging; logging.basicConfig(); logging.getLogger({name!r}).setLevel(10)"


def stream(name):
    return f"import boto3; boto3.set_stream_logger({name!r}, 10)"


SETUPS = {
    "root": ROOT_DEBUG,
    "boto3 stream, root": stream(""),
    "boto3 stream, botocore": stream("botocore"),
    "session debug": "import botocore.session; botocore.session.Session().set_debug_logger()",
    "one logger": one("botocore.parsers"),
    "some loggers": "; ".join(one(f"botocore.{name}") for name in SOME),
    "urllib3": one("urllib3.connectionpool"),
    "each logger": ALL_LOGGERS,
    "dictConfig": DICT_CONFIG.format(disable=False),
    "dictConfig that disables": DICT_CONFIG.format(disable=True),
    "a queue": QUEUE,
    "all fields": FIELDS,
    "warnings": ROOT_DEBUG + "; logging.captureWarnings(True)",
    "http.client": "import http.client; http.client.HTTPConnection.debuglevel = 1",
}
#: Set-ups that show nothing of AWS's libraries, each for a reason.
SILENT = {
    ("http.client", "before"),
    ("http.client", "after"),
    ("each logger", "before"),  # there are none yet
}


#: The MD5 of `content`.
ETAG = '"9a0364b9e99bb480dd25e1f0284c8555"'


def ascii_canary(canaries, name):
    return canaries.add(name, f"cnry/{token_hex(15)}")


class Aws:
    """Answers each service with secrets that are canaries."""

    def __init__(self, canaries: Canaries) -> None:
        self.secret = ascii_canary(canaries, "SecretString")
        self.key = ascii_canary(canaries, "a new secret access key")
        self.role = ascii_canary(canaries, "the secret key of a role")
        self.token = ascii_canary(canaries, "the session token of a role")

    def __call__(self, asked: Request) -> Reply:
        if target := asked.headers.get("x-amz-target"):
            return self._secrets(target.rpartition(".")[2])
        if asked.method == "POST":
            return Reply(200, {"Content-Type": "text/xml"}, self._query(asked.body).encode())
        return Reply(200, {"ETag": ETAG, "x-amz-request-id": "R1"}, b"content")

    def _secrets(self, operation: str) -> Reply:
        answer = {
            "ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:name-1",
            "Name": "name",
        }
        answer |= {"VersionId": "11111111-1111-1111-1111-111111111111", "CreatedDate": 1.0}
        if operation == "GetSecretValue":
            answer |= {
                "SecretString": json.dumps({"password": self.secret}),
                "VersionStages": ["AWSCURRENT"],
            }
        kind = {"Content-Type": "application/x-amz-json-1.1"}
        return Reply(200, kind, json.dumps(answer).encode())

    def _query(self, body: bytes) -> str:
        name = body.decode().partition("Action=")[2].partition("&")[0]
        space = (
            "iam.amazonaws.com/doc/2010-05-08"
            if name == "CreateAccessKey"
            else ("sts.amazonaws.com/doc/2011-06-15")
        )
        inside = {
            "CreateAccessKey": "<AccessKey><UserName>u</UserName><AccessKeyId>AKIANEW</AccessKeyId>"
            f"<Status>Active</Status><SecretAccessKey>{self.key}</SecretAccessKey></AccessKey>",
            "AssumeRole": "<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>"
            f"{self.role}</SecretAccessKey><SessionToken>{self.token}</SessionToken>"
            "<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser>"
            "<AssumedRoleId>A:s</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/r/s</Arn>"
            "</AssumedRoleUser>",
            "GetCallerIdentity": "<Arn>arn:aws:iam::123456789012:user/u</Arn><UserId>A</UserId>"
            "<Account>123456789012</Account>",
        }[name]
        return (
            f'<{name}Response xmlns="https://{space}/"><{name}Result>{inside}</{name}Result>'
            f"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{name}Response>"
        )


@pytest.fixture
def canaries():
    return Canaries()


def output_of(canaries, tmp_path, before="", after="", last=""):
    """Run the work in a separate process; return what it printed and logged."""
    seen = tmp_path / "signature"
    with StubServer(Aws(canaries)) as server:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("AWS_")
        } | {
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": ascii_canary(canaries, "the secret key"),
            "AWS_SESSION_TOKEN": ascii_canary(canaries, "the session token"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "NEW_VALUE": ascii_canary(canaries, "a value that is written"),
            "PYTHONPATH": str(ROOT),
        }
        script = textwrap.dedent(before) + WORK.format(after=textwrap.dedent(after), last=last)
        ended = subprocess.run(
            [sys.executable, "-c", script, str(seen)],
            env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    output = ended.stdout + ended.stderr
    assert ended.returncode == 0, output[-3000:]
    canaries.add("a signature", seen.read_text())
    return output


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("setup", SETUPS)
def test_no_set_up_of_logging_shows_a_secret(canaries, tmp_path, setup, when):
    output = output_of(canaries, tmp_path, **{when: SETUPS[setup]})
    assert canaries.hits(output) == set()
    shows = any(library in output.lower() for library in LIBRARIES)
    assert shows == ((setup, when) not in SILENT), output[-500:]


#: Takes the filter away again: what the libraries then log is the proof that the scan sees it.
UNPROTECTED = """
from core.aws import logs
logs.LibraryFilter.filter = lambda self, record: True
"""
OPEN_HTTP = """
import http.client; http.client.HTTPConnection.debuglevel = 1
import core.aws.session; from botocore import awsrequest
del awsrequest.AWSHTTPConnection.debuglevel
"""


def test_the_scan_finds_the_leaks_of_every_service_without_the_filter(canaries, tmp_path):
    hits = canaries.hits(output_of(canaries, tmp_path, before=ROOT_DEBUG, after=UNPROTECTED))
    # The secret key itself is never logged by botocore.
    assert hits == set(canaries.values) - {"the secret key"}


def test_the_scan_finds_what_http_client_would_print(canaries, tmp_path):
    hits = canaries.hits(output_of(canaries, tmp_path, after=OPEN_HTTP))
    assert {"a value that is written", "the session token"} <= hits


def test_a_logger_that_appears_later_is_protected_with_the_next_client(canaries, tmp_path):
    later = """
import logging
logging.basicConfig(level=10)
late = logging.getLogger("botocore.a_module_of_tomorrow")
ClientFactory(Connection(Profile("log", KeySource.ENVIRONMENT))).s3()
late.debug("token: %s", os.environ["AWS_SESSION_TOKEN"])
"""
    output = output_of(canaries, tmp_path, last=later)
    assert "token: ***" in output
    assert canaries.hits(output) == set()


def test_levels_handlers_and_other_loggers_stay_as_the_caller_has_set_them(caplog):
    logger = logging.getLogger("botocore.endpoint")
    before = (logger.level, list(logger.handlers), logging.getLogRecordFactory())
    protect_logs()
    protect_logs()
    assert (logger.level, list(logger.handlers), logging.getLogRecordFactory()) == before
    assert sum(isinstance(each, LibraryFilter) for each in logger.filters) == 1
    for other in (logging.getLogger(), logging.getLogger("myapp.botocore")):
        assert not any(isinstance(each, LibraryFilter) for each in other.filters)


@pytest.mark.parametrize(
    ("name", "message", "arguments", "text"),
    [
        ("botocore.endpoint", "Setting %s timeout as %s", ("s3", 5), "Setting *** timeout as 5"),
        ("botocore.hooks", "Event %s: calling %s", ("a.b", "c"), "Event a.b: calling c"),
        ("botocore.parsers", "%(body)s", ({"body": "x"},), "*** (withheld)"),
        ("botocore.parsers", "%d of %d", ("one",), "%d of %d"),
        ("s3transfer.tasks", "kwargs {'SSECustomerKey': 'x'}", (), "*** (withheld)"),
        ("urllib3.util.retry", "url='%s'", ("/?X-Amz-Signature=a&b=c",), "url='/?X-Amz-Signature=***&b=c'"),
        ("urllib3.util.retry", "%s", ("x-amz-security-token: abc/=",), "x-amz-security-token: ***"),
    ],
)  # fmt: skip
def test_names_and_numbers_stay_and_content_does_not(name, message, arguments, text):
    record = logging.LogRecord(name, logging.DEBUG, __file__, 1, message, arguments, None)
    assert LibraryFilter().filter(record)
    assert record.getMessage() == text


def test_a_refused_value_is_not_in_the_traceback_of_a_debug_record():
    try:
        raise ValueError("value: hunter2hunter2")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("botocore.utils", logging.DEBUG, __file__, 1, "Failed", (), info)
    LibraryFilter().filter(record)
    assert logging.Formatter().format(record) == "Failed\nValueError (withheld)"


def test_a_library_that_is_packed_into_one_file_is_no_error(monkeypatch):
    def nowhere(_folder):
        raise FileNotFoundError

    monkeypatch.setattr("os.scandir", nowhere)
    protect_logs()
    assert any(isinstance(each, LibraryFilter) for each in logging.getLogger("botocore").filters)
