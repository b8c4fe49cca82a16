"""Standard input and output: complete objects or none, complete bytes or an exit code."""

import json
import os
import signal
import subprocess

import pytest
from helpers.fault_proxy import FaultProxy, rule
from helpers.quick_program import command
from helpers.s3_servers import heavy_servers
from helpers.waiting import until

from core.errors import ErrorKind
from core.objects import streams

_BIG = 20 << 20
#: One independent server: the commands above it are the same for all.
pytestmark = pytest.mark.parametrize("s3_server", heavy_servers(), indirect=True)


@pytest.fixture
def stored(s3_client, s3_bucket):
    def call(key):
        return s3_client.get_object(Bucket=s3_bucket, Key=key)["Body"].read()

    return call


@pytest.mark.parametrize("size", [0, 9, 8 << 20, _BIG])
def test_standard_input_is_stored_completely(run, feed, stored, size):
    data = os.urandom(size)
    feed(data)
    written = json.loads(run("put", "-", "a/key", "--json").out)
    assert (written["key"], written["size"]) == ("a/key", size)
    assert written["verdict"].startswith("verified (")
    assert stored("a/key") == data


def test_an_input_of_another_size_stores_nothing(run, feed, bodies, s3_client, s3_bucket):
    invalid = ErrorKind.INVALID_INPUT.value
    for size, expected in ((10, 9), (9, 10), (_BIG, _BIG + 1), (_BIG, _BIG - 1)):
        feed(bytes(size))
        printed = run("put", "-", "key", "--size", expected, code=invalid)
        assert "Nothing was written." in printed.err
        assert bodies() == {}
        assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=s3_bucket)
    feed(bytes(_BIG))
    run("put", "-", "key", "--size", _BIG)


def test_an_input_that_is_too_long_for_its_parts_stores_nothing(run, feed, bodies, monkeypatch):
    monkeypatch.setattr(streams, "MOST_BYTES", 17 << 20)
    feed(bytes(_BIG))
    printed = run("put", "-", "key", code=ErrorKind.INVALID_INPUT.value)
    assert "State the exact number of bytes. On the command line: --size BYTES." in printed.err
    assert bodies() == {}


@pytest.mark.parametrize("size", [9, _BIG])
def test_an_existing_object_is_only_replaced_with_overwrite(run, feed, put, stored, size):
    put("key", body=b"precious")
    feed(bytes(size))
    run("put", "-", "key", code=ErrorKind.ALREADY_EXISTS.value)
    assert stored("key") == b"precious"
    feed(bytes(size))
    run("put", "-", "key", "--overwrite")
    assert len(stored("key")) == size


def test_standard_input_needs_a_key_and_is_uploaded_alone(run, feed, tmp_path):
    feed(b"x")
    usage = ErrorKind.USAGE.value
    run("put", "-", "folder/", code=usage)
    run("put", "-", tmp_path, "key", code=usage)
    run("put", "-", "key", "--dry-run", code=usage)
    run("put", "-", "key", "--if-exists", "if-newer", code=usage)


@pytest.mark.parametrize("size", [0, 9, 9 << 20])
def test_an_object_is_written_to_standard_output(run, s3_client, s3_bucket, size):
    data = b"0123456789abcdef" * (size // 16) + b"x" * (size % 16)
    s3_client.put_object(Bucket=s3_bucket, Key="key", Body=data)
    printed = run("get", "key", "-")
    assert printed.out.encode() == data
    assert "verified (" in printed.err
    run("get", "key", "-", "--json", code=ErrorKind.USAGE.value)
    run("get", "none", "-", code=ErrorKind.NOT_FOUND.value)


def test_damaged_bytes_are_never_a_success(run, s3_client, s3_bucket, s3_server, monkeypatch):
    for size in (1000, 9 << 20):
        s3_client.put_object(Bucket=s3_bucket, Key="key", Body=b"x" * size)
        with FaultProxy(s3_server, rule("GetRange", "flip_down", "first")) as proxy:
            monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
            printed = run("get", "key", "-", code=ErrorKind.CORRUPT.value)
            assert proxy.struck
        monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint_url)
        assert (printed.out == "") == (size == 1000)
        assert ("written to standard output are not valid" in printed.err) == (size > 1000)


def test_an_interrupted_output_continues_where_it_ended(
    run, s3_client, s3_bucket, s3_server, monkeypatch
):
    data = b"0123456789abcdef" * (9 << 16)
    s3_client.put_object(Bucket=s3_bucket, Key="key", Body=data)
    with FaultProxy(s3_server, rule("GetRange", "cut_rst", "second")) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        printed = run("get", "key", "-")
        assert proxy.struck
    assert printed.out.encode() == data


def test_an_interrupt_while_input_is_awaited_leaves_nothing(
    s3_server, s3_client, s3_bucket, tmp_path
):
    begun = subprocess.Popen(
        command("put", "-", "key", "--bucket", s3_bucket),
        env=s3_server.environment(tmp_path / "home"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=False,
    )  # fmt: skip
    begun.stdin.write(bytes(_BIG))
    begun.stdin.flush()
    until(lambda: s3_client.list_multipart_uploads(Bucket=s3_bucket).get("Uploads"))
    begun.send_signal(signal.SIGINT)
    assert begun.wait(10) == ErrorKind.CANCELLED.value
    begun.stdin.close()
    begun.stdout.close()
    begun.stderr.close()
    until(lambda: "Uploads" not in s3_client.list_multipart_uploads(Bucket=s3_bucket))
    assert "Contents" not in s3_client.list_objects_v2(Bucket=s3_bucket)


def test_a_file_whose_name_is_a_dash_is_no_standard_stream(
    run, feed, stored, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-").write_bytes(b"file")
    feed(b"input")
    run("put", "./-", "one")
    assert stored("one") == b"file"
    run("put", ".//-", "many/")
    assert stored("many/-") == b"file"
    (tmp_path / "-").unlink()
    assert run("get", "one", "./-").out.endswith("verified (SHA-256)\n")
    assert (tmp_path / "-").read_bytes() == b"file"
    assert run("get", "one", "-").out == "file"
