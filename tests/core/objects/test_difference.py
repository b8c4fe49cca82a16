"""Two versions are compared by values or lines, exactly as they are written."""

import gzip

import pytest
from helpers.s3_servers import make_bucket

from core.aws.clients import ClientFactory
from core.errors import InvalidInput
from core.objects import difference
from core.objects.bucket import Bucket
from core.objects.difference import compare_contents, compare_versions
from core.objects.writing import put


def test_json_is_compared_by_paths_and_numbers_as_written():
    older = b'{"a": 1.0, "rows": [{"close": 42017.50}, {"close": 2}], "gone": null}'
    newer = b'{"rows": [{"close": 42017.5}, {"close": 2}], "a": 1.0, "new": "x"}'
    found = compare_contents(older, newer)
    assert found.kind == "JSON values"
    assert found.lines == (
        "- rows[0].close: 42017.50", "+ rows[0].close: 42017.5", "- gone: null", '+ new: "x"',
    )  # fmt: skip


def test_an_order_that_means_nothing_is_reported():
    (line,) = compare_contents(b'{"a": 1, "b": 2}', b'{"b": 2, "a": 1}').lines
    assert "only the order" in line


def test_texts_are_compared_by_lines_also_in_gzip():
    found = compare_contents(gzip.compress(b"one\ntwo\nthree"), b"one\n2\nthree")
    assert found.kind == "lines"
    assert found.lines == ("@@ -1,3 +1,3 @@", " one", "-two", "+2", " three")
    assert compare_contents(gzip.compress(b"same"), b"same").lines == ()


def test_bytes_and_bombs_are_only_counted(monkeypatch):
    assert compare_contents(b"\xff\x00", b"\xff").kind == "bytes"
    monkeypatch.setattr(difference, "MOST_BYTES", 1000)
    bomb = gzip.compress(b"0" * 100_000)
    assert compare_contents(bomb, b"\xff").lines[0].startswith("The bytes differ")
    assert compare_contents(b"\x1f\x8bbroken", b"x").kind == "bytes"


def test_deep_and_long_values_are_bounded(monkeypatch):
    deep = b"[" * 3000 + b"]" * 3000
    assert compare_contents(deep, b"[1]").lines
    monkeypatch.setattr(difference, "_MOST_LINES", 3)
    found = compare_contents(b"[1,2,3,4]", b"[5,6,7,8]")
    assert (len(found.lines), found.omitted) == (3, 5)


def test_two_versions_of_an_object(s3_server, s3_client, monkeypatch):
    name = make_bucket(s3_client)
    s3_client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    clients = ClientFactory(s3_server.connection(name))
    bucket = Bucket(clients, name)
    first, second = (put(bucket, "k", data).version_id for data in (b"a\n", b"b\n"))
    assert compare_versions(bucket, "k", first, second).lines[1:] == ("-a", "+b")
    monkeypatch.setattr(difference, "MOST_BYTES", 1)
    with pytest.raises(InvalidInput, match="too large"):
        compare_versions(bucket, "k", first, second)
    clients.close()
