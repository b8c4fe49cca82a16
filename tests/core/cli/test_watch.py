"""`watch` reports each file as text or JSON, on every S3 server."""

import json

import pytest

from core.cli import main
from core.errors import ErrorKind

DOCUMENT = {"user_id": "u1", "timestamp": "2024-01-15T10:30:00Z", "portfolio": {"assets": []}}


@pytest.fixture
def run(s3_server, s3_bucket, monkeypatch, capsys, tmp_path):
    """Watch a folder once on a separate bucket, and return what was printed."""
    for name, value in s3_server.environment(tmp_path / "home").items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    folder = tmp_path / "hot"
    folder.mkdir()

    def call(*arguments, files, code=0):
        for name, content in files.items():
            (folder / name).write_text(json.dumps(content))
        given = main(
            ["watch", str(folder), "--once", "--settle", "0", *arguments, "--bucket", s3_bucket]
        )
        printed = capsys.readouterr()
        assert given == code, printed.err
        return printed

    return call


def test_stored_and_refused_files_are_reported(run, s3_client, s3_bucket):
    printed = run(files={"a.json": DOCUMENT, "b.json": {}}, code=ErrorKind.INVALID_INPUT.value)
    assert printed.out.startswith("filed a.json  user-data/u1/portfolio/2024/01/15/")
    assert "refused b.json: The kind of b.json is unknown." in printed.err
    assert "1 filed, 1 refused" in printed.err
    (row,) = s3_client.list_objects_v2(Bucket=s3_bucket)["Contents"]
    body = s3_client.get_object(Bucket=s3_bucket, Key=row["Key"])["Body"].read()
    assert json.loads(body) == DOCUMENT


def test_json_has_every_file(run):
    lines = run("--json-lines", files={"a.json": DOCUMENT}).out.splitlines()
    assert [json.loads(line).get("state") for line in lines] == ["filed", None]
    found = json.loads(run("--json", files={"a.json": DOCUMENT}).out)
    assert found["counts"] == {"already stored": 1}
    assert len(found["keys"]) == 1


def test_a_path_that_is_no_folder_is_named(tmp_path, capsys):
    (tmp_path / "file").write_bytes(b"x")
    assert main(["watch", str(tmp_path / "file"), "--once"]) == ErrorKind.INVALID_INPUT.value
    assert f"{tmp_path / 'file'} is not a folder" in capsys.readouterr().err
    assert main(["watch", str(tmp_path / "none"), "--once"]) == ErrorKind.NOT_FOUND.value
    assert f"The folder {tmp_path / 'none'} does not exist" in capsys.readouterr().err
