"""Every cause of an error has exactly one remedy.

`pytest -s tests/core/test_remedies.py -k table` prints it.
"""

import ast
import errno
import os
from pathlib import Path

import pytest
from botocore import exceptions as boto

from core import errors
from core.aws.fault_codes import SECRET_IS_FULL, TABLE
from core.aws.faults import NO_BUCKET_OR_S3, translate
from core.cli.hints import remedy_with_options
from core.errors import _OS_CAUSES, ErrorKind, StorageError, explain_os_error, local_io_error

ROOT = Path(__file__).parents[2]
FAMILY = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, StorageError)
}
#: A cancel is no failure: there is nothing to do about it.
NO_REMEDY = {"Cancelled"}


def client_error(code, message="no", status=400, operation="GetObject"):
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {"x-amz-request-id": "1"}},
    }
    return boto.ClientError(answer, operation)


def aws_rows():
    """Yield kind, codes, cause and remedy of each row, as they are shown for one object."""
    for row in (*TABLE, SECRET_IS_FULL, NO_BUCKET_OR_S3):
        code = row.codes.split()[0] if row.codes else "LimitExceededException"
        operation = "s3:GetObject" if row.codes else "secretsmanager:PutSecretValue"
        fault = translate(client_error(code), operation, "s3://bucket/key")
        yield fault.kind.name, row.codes or code, fault.cause, fault.remedy


def os_rows():
    """Yield the same for what the operating system refuses."""
    for numbers in _OS_CAUSES:
        cause, remedy = explain_os_error(OSError(numbers[0], os.strerror(numbers[0])), "/file")
        yield "LOCAL_IO", " ".join(errno.errorcode[number] for number in numbers), cause, remedy


def raised():
    """Yield (place, class, keywords) of every `StorageError` that core raises."""
    for path in sorted((ROOT / "core").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func).rpartition(".")[2]
                if name in FAMILY:
                    keywords = {word.arg: word.value for word in node.keywords}
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", name, keywords


def test_the_table_has_one_remedy_for_each_cause():
    rows = [*aws_rows(), *os_rows()]
    lines = [
        f"{kind:24}{codes}\n    {cause}\n    -> {remedy}" for kind, codes, cause, remedy in rows
    ]
    print("\n".join(lines))  # noqa: T201 - the table itself, for `pytest -s`
    assert len(rows) > 50
    assert all(cause and remedy for _, _, cause, remedy in rows)
    assert not [line for line in lines if "{" in line]
    remedies = {}
    for _kind, _codes, cause, remedy in rows:
        remedies.setdefault(remedy, set()).add(cause)
    assert not {remedy: causes for remedy, causes in remedies.items() if len(causes) > 1}


def test_every_error_that_is_made_in_core_names_a_remedy():
    missing = [
        f"{place} {name}"
        for place, name, keywords in raised()
        if name not in NO_REMEDY
        and None not in keywords  # made from keywords that are given elsewhere
        and "remedy" not in keywords
        and not getattr(errors, name).usual_remedy
    ]
    assert missing == []


def test_no_text_of_an_error_states_an_effect_besides_its_field():
    # An action that has changed something replaces the effect, and could not replace such a text.
    fields = ("summary", "cause", "remedy")
    wrong = [
        f"{place} {word}"
        for place, _, keywords in raised()
        for word in fields
        if word in keywords and "Nothing was" in ast.unparse(keywords[word])
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (errno.ENOENT, "does not exist"),
        (errno.EACCES, "permission"),
        (errno.EPERM, "permission"),
        (errno.EROFS, "read-only"),
        (errno.ENOSPC, "full"),
        (errno.EDQUOT, "quota"),
        (errno.EISDIR, "folder"),
        (errno.EMFILE, "Too many files"),
        (errno.ENAMETOOLONG, "name"),
        (errno.EIO, "device"),
    ],
)
def test_a_local_failure_is_explained_by_its_cause(number, word):
    fault = local_io_error(OSError(number, os.strerror(number)), "notes cannot be read", "/notes")
    assert fault.kind is ErrorKind.LOCAL_IO
    assert word in fault.cause
    assert fault.subject == "/notes"
    permission = "permission" in fault.remedy.lower()
    assert permission is (number in {errno.EACCES, errno.EPERM})


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EEXIST])
def test_a_folder_that_is_missing_or_is_a_file_is_named_instead_of_the_file(number, tmp_path):
    (tmp_path / "taken").write_bytes(b"x")
    error = OSError(number, os.strerror(number))
    cause, remedy = explain_os_error(error, tmp_path / "none" / "a.csv")
    assert cause == f"The folder {tmp_path / 'none'} does not exist."
    assert remedy == "Correct the path, or create the folder."
    cause, _remedy = explain_os_error(error, tmp_path / "taken" / "a.csv")
    assert "is a file, not a folder" in cause


def test_an_unknown_local_failure_says_what_the_system_says():
    cause, remedy = explain_os_error(OSError(errno.EDOM, "out of domain", "/d/x"))
    assert cause == "/d/x: out of domain."
    assert remedy
    assert "the file: OSError." in explain_os_error(OSError())[0]


def denial(message, operation="GetObject"):
    return client_error("AccessDenied", message, 403, operation)


USER = "User: arn:aws:iam::1:user/bot is not authorized to perform:"


@pytest.mark.parametrize(
    ("error", "inside", "remedy", "never"),
    [
        (
            denial(f"{USER} s3:GetObject on resource: \"arn:aws:s3:::b/k\" because no "
                   "identity-based policy allows the s3:GetObject action"),
            "s3:GetObject", "allow s3:GetObject on s3://b/k in the identity-based policy", "KMS",
        ),
        (
            denial(f"{USER} s3:GetObject on resource: \"arn:aws:s3:::b/k\" with an explicit deny in "
                   "a service control policy"),
            "s3:GetObject", "change the service control policy that denies", "grant s3:",
        ),
        (
            denial(f"{USER} kms:Decrypt on resource: arn:aws:kms:us-east-1:1:key/k because no "
                   "resource-based policy allows the kms:Decrypt action"),
            "s3:GetObject", "kms:Decrypt on arn:aws:kms:us-east-1:1:key/k", "s3://b/k",
        ),
        (
            denial(f"{USER} sts:AssumeRole on resource: arn:aws:iam::1:role/ops", "AssumeRole"),
            "s3:GetObject", "sts:AssumeRole on arn:aws:iam::1:role/ops", "s3://",
        ),
        (denial("Access Denied", "AssumeRole"), "s3:GetObject", "grant sts:AssumeRole in", "s3://"),
        (denial("Access Denied"), "s3:GetObject", "grant s3:GetObject on s3://b/k", "sts:"),
        (client_error("SignatureDoesNotMatch", status=403), "s3:X", "secret key", "rotated"),
        (client_error("InvalidToken"), "s3:X", "session token", "rotated"),
        (client_error("OptInRequired", status=403), "s3:X", "billing", "grant"),
        (client_error("NoSuchUpload", status=404), "s3:X", "Start the upload again", "case matters"),
        (client_error("KeyTooLongError"), "s3:X", "shorter name", "Remove something"),
        (client_error("EntityTooSmall"), "s3:X", "larger parts", "smaller"),
        (client_error("IncompleteBody"), "s3:X", "network", "dashboard"),
        (client_error("KMS.DisabledException"), "s3:X", "enable the KMS key", "grant"),
    ],
)  # fmt: skip
def test_a_remedy_names_the_thing_that_has_to_be_changed(error, inside, remedy, never):
    fault = translate(error, inside, "s3://b/k")
    assert remedy in fault.remedy
    assert never not in fault.remedy


@pytest.mark.parametrize(
    ("error", "summary", "remedy"),
    [
        (boto.NoRegionError(), "No region is set", "--region NAME"),
        (boto.InvalidRegionError(region_name="xx yy"), "The region", "--region NAME"),
        (boto.InvalidProxiesConfigError(), "The proxy settings", "HTTPS_PROXY"),
        (
            boto.InvalidIMDSEndpointError(endpoint="x"),
            "metadata service",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        ),
        (boto.InvalidEndpointConfigurationError(msg="x"), "The endpoint", "--endpoint-url URL"),
        (boto.ProfileNotFound(profile="x"), "credentials", "list-profiles"),
        (
            boto.PartialCredentialsError(provider="env", cred_var="x"),
            "credentials",
            ("both the access key"),
        ),
        (boto.MetadataRetrievalError(error_msg="x"), "credentials", "Attach a role"),
        (boto.ConfigParseError(path="x", error="y"), "credentials", "configuration file"),
        (
            boto.CredentialRetrievalError(provider="x", error_msg="y"),
            "credentials",
            "in a terminal",
        ),
        (boto.NoCredentialsError(), "credentials", "another credential source"),
        (boto.UnauthorizedSSOTokenError(), "sign-in", "aws sso login"),
    ],
)
def test_a_source_or_an_address_that_is_wrong_is_named(error, summary, remedy):
    fault = translate(error, "s3:GetObject", "s3://b/k")
    assert summary in fault.summary
    assert remedy in remedy_with_options(fault)
