"""The commands `link` and `links`."""

import json

import pytest

from core.cli import main
from core.errors import ErrorKind
from core.links import check
from core.links.check import check_link

KEY = "analytics/daily/report.json"


@pytest.fixture
def run(demo_server, monkeypatch, capsys):
    monkeypatch.setenv("AWS_ENDPOINT_URL", demo_server.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", demo_server.admin.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", demo_server.admin.secret_access_key.reveal())

    def call(*arguments, code=0):
        assert main(list(arguments)) == code
        return capsys.readouterr()

    return call


@pytest.fixture
def stored(run, tmp_path):
    (tmp_path / "report.json").write_bytes(b"{}")
    run("put", str(tmp_path / "report.json"), KEY, "--overwrite")
    return KEY


def test_a_form_is_printed_with_its_fields(run):
    (form,) = json.loads(run("link", "in/", "--post", "--max-size", "20MB", "--json").out)
    assert form["fields"]["key"] == "in/${filename}"
    assert form["method"] == "POST"
    assert "X-Amz" not in form["url"]
    assert run("link", "in/", "--post").out.startswith("curl ")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("x", "--put", "--post"), ErrorKind.USAGE),
        (("x", "--max-size", "5MB"), ErrorKind.USAGE),
        (("x", "--put", "--test"), ErrorKind.USAGE),
        (("x", "--post", "--max-size", "lots"), ErrorKind.INVALID_INPUT),
        (("x", "--post", "--max-size", "6GiB"), ErrorKind.INVALID_INPUT),
        (("x", "y", "--download-name", "z"), ErrorKind.INVALID_INPUT),
        (("x", "--post", "--format", "qr"), ErrorKind.INVALID_INPUT),
    ],
)
def test_contradictions_are_refused(run, arguments, code):
    output = run("link", *arguments, code=code.value)
    assert output.out == ""
    assert "Traceback" not in output.err


def test_a_link_is_tested_and_printed_in_each_format(run, stored):
    output = run("link", stored, "--download", "--test")
    assert f"{stored}: works" in output.err
    assert "response-content-disposition=attachment" in output.out
    assert "<a href=" in run("link", stored, "--format", "html").out
    assert run("link", stored, "--format", "csv").out.startswith("key,method,expires,url")
    assert "█" in run("link", stored, "--format", "qr").out
    run("link", f"{stored}-missing", "--test", code=ErrorKind.NOT_S3.value)


def test_each_tested_link_is_written_before_the_next_is_tested(run, stored, monkeypatch, capsys):
    before = []

    def checked(one, **options):
        before.append(capsys.readouterr().out)
        return check_link(one, **options)

    monkeypatch.setattr(check, "check_link", checked)
    assert main(["--json-lines", "link", stored, f"{stored}-missing", "--test"]) == 32
    lines = [*before, capsys.readouterr().out]
    rows = [json.loads(line) for line in lines[1:]]
    assert lines[0] == ""
    assert [row["key"] for row in rows] == [stored, f"{stored}-missing"]
    assert [row["test"]["works"] for row in rows] == [True, False]


def test_links_are_listed_without_their_urls_and_denied(run, stored):
    run("link", stored)
    output = run("links")
    assert stored in output.out
    assert "X-Amz" not in output.out
    (statement,) = json.loads(run("links", "--deny", stored).out)
    assert statement["Resource"] == f"arn:aws:s3:::tentimecrypto/{stored}"
    run("links", "--deny", "never/linked", code=ErrorKind.NOT_FOUND.value)


def test_a_key_is_deactivated_only_with_yes(run, stored, demo_server):
    run("link", stored)
    key_id = demo_server.admin.access_key_id
    output = run("links", "--deactivate-key", key_id)
    assert "Nothing was changed" in output.err
    assert stored in output.out
    run("ls", "analytics/")
