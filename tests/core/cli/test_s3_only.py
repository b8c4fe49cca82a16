"""On servers with S3 alone, what is missing is reported and everything else works."""

import json

import pytest
from botocore.exceptions import ClientError

from core.aws.faults import translate
from core.cli import main
from core.errors import AccessDenied, ErrorKind, NotSupported, Throttled

XML = {"content-type": "application/xml", "x-amz-request-id": "1"}


def answer(status, *, headers=XML, **body):
    """An error answer as botocore hands it out."""
    meta = {"HTTPStatusCode": status, "HTTPHeaders": headers, "RequestId": "1"}
    return ClientError({**body, "ResponseMetadata": meta}, "Operation")


#: S3's error document in the place of an answer by STS or IAM (SeaweedFS, MinIO).
IN_S3_FORM = {"Code": "ServiceUnavailable", "Message": "Service Unavailable", "Resource": "/"}


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("sts:GetCallerIdentity", answer(503, **IN_S3_FORM)),
        ("iam:ListAccessKeys", answer(405, **IN_S3_FORM)),
        ("secretsmanager:ListSecrets", answer(403, Error={"Code": "403", "Message": "<Error/>"})),
        ("secretsmanager:GetSecretValue", answer(405, Error={"Code": "405", "Message": ""})),
        ("secretsmanager:PutSecretValue", answer(501, Error={"Code": "501", "Message": ""})),
        ("cloudwatch:ListMetrics", answer(403, Error={"Code": "403", "Message": "<Error/>"})),
    ],
)
def test_an_s3_answer_in_the_place_of_another_service_is_not_supported(operation, error):
    found = translate(error, operation, "subject")
    assert isinstance(found, NotSupported)
    assert found.summary.endswith(" is not supported by this server")
    assert found.remedy


JSON = {"content-type": "application/x-amz-json-1.1"}


@pytest.mark.parametrize(
    ("operation", "error", "kind"),
    [
        ("secretsmanager:ListSecrets",
         answer(400, headers=JSON, Error={"Code": "AccessDeniedException", "Message": "no"}),
         AccessDenied),
        ("secretsmanager:ListSecrets",
         answer(400, headers=JSON, Error={"Code": "ThrottlingException", "Message": "slow"}),
         Throttled),
        ("sts:GetCallerIdentity", answer(403, Error={"Code": "AccessDenied", "Message": "no"}),
         AccessDenied),
        ("s3:HeadObject", answer(403, Error={"Code": "403", "Message": "Forbidden"}),
         AccessDenied),
    ],
)  # fmt: skip
def test_a_services_own_answer_keeps_its_meaning(operation, error, kind):
    assert isinstance(translate(error, operation, "subject"), kind)


@pytest.fixture
def run(seaweed, monkeypatch, capsys):
    """Run a command on SeaweedFS, which has neither STS nor Secrets Manager."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", seaweed.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", seaweed.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", seaweed.secret_access_key)

    def call(*arguments, code=0):
        given = main([str(word) for word in arguments])
        output = capsys.readouterr()
        assert given == code, output.err
        assert "Traceback" not in output.err
        assert "bug" not in output.err
        return output

    return call


def test_check_names_what_the_server_lacks(run):
    rows = json.loads(run("check", "--json").out)
    of_s3 = [row for row in rows if row["action"].startswith("s3:") and row["needed"] == "contract"]
    assert len(of_s3) == 4
    assert all(row["ok"] for row in of_s3)
    lacking = {row["action"] for row in rows if row["detail"] == "not supported by this server"}
    assert "sts:GetCallerIdentity" in lacking
    assert {row["action"] for row in rows if row["action"].startswith("secretsm")} <= lacking
    assert "not supported by this server" in run("check").out


@pytest.mark.parametrize(
    "arguments",
    [
        ["secrets", "list"],
        ["secrets", "get", "a"],
        ["secrets", "put", "a", "b=c"],
        ["secrets", "versions", "a"],
        ["secrets", "rollback", "a"],
        ["doctor"],
        ["rotate", "a"],
    ],
)
def test_what_needs_secrets_manager_says_that_the_server_has_none(run, arguments):
    output = run(*arguments, code=ErrorKind.NOT_SUPPORTED.value)
    assert output.err.startswith("Error: Secrets Manager is not supported by this server\n")


def test_setup_proves_the_keys_without_sts(run):
    output = run("setup", code=ErrorKind.NOT_SUPPORTED.value)
    assert "Identify the owner of the keys: not supported by this server" in output.err
    assert "Delete it: removed" in output.err


def test_objects_need_nothing_but_s3(run, tmp_path):
    source = tmp_path / "a.txt"
    source.write_text("hello")
    run("put", source, "s3-only/a.txt", "--overwrite")
    assert "s3-only/a.txt" in run("ls", "-r", "s3-only/").out
    run("get", "s3-only/a.txt", tmp_path / "b.txt")
    assert (tmp_path / "b.txt").read_text() == "hello"
    assert "1" in run("stats", "s3-only/").out
