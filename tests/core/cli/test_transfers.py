"""`put`, `get` and `sweep` return the right text, JSON and exit codes on every S3 server."""

import hashlib
import json
import os
import signal

import pytest
from helpers.fault_proxy import FaultProxy, rule
from helpers.program import finished
from helpers.quick_program import command
from helpers.waiting import until

from core.cli import main
from core.cli.output import Output, ReaderClosed
from core.cli.transfer_report import Files, show_report
from core.errors import ErrorKind
from core.model.objects import Verdict
from core.transfer.values import Failure, TransferReport
from core.work import CancelToken

_SHORT = ("--json", "--retry-seconds", "2")


@pytest.fixture
def run(s3_server, s3_bucket, monkeypatch, capsys, tmp_path):
    """Run one command on a separate bucket, and return what it printed."""
    for name, value in s3_server.environment(tmp_path / "home").items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)

    def call(*arguments, code=0):
        given = main([*(str(word) for word in arguments), "--bucket", s3_bucket])
        printed = capsys.readouterr()
        assert given == code, printed.err
        return printed

    return call


@pytest.fixture
def quick(s3_server, s3_bucket, tmp_path):
    """Start a command in a separate process, with short waits, through a proxy."""
    import subprocess

    def start(proxy, *arguments):
        return subprocess.Popen(
            command(*map(str, arguments), "--bucket", s3_bucket),
            env=s3_server.environment(tmp_path / "home", proxy.url),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return start


def put_object(s3_client, s3_bucket, key, body=b"x"):
    s3_client.put_object(Bucket=s3_bucket, Key=key, Body=body)


def stored(s3_client, s3_bucket):
    found = s3_client.list_objects_v2(Bucket=s3_bucket).get("Contents", ())
    return {row["Key"]: row["Size"] for row in found}


@pytest.mark.parametrize("s3_server", ["demo"], indirect=True)  # other servers change such keys
@pytest.mark.parametrize(
    ("target", "key"),
    [
        ("s3:///", "a.txt"),
        ("s3:////logs/", "/logs/a.txt"),
        ("s3:////logs/b.txt", "/logs/b.txt"),
        ("/logs/b.txt", "/logs/b.txt"),
        ("/b.txt", "/b.txt"),
        # A typed path, of which the first slash is hardly meant.
        ("/logs/", "logs/a.txt"),
    ],
)
def test_a_file_is_stored_under_the_key_that_an_address_names(
    run, s3_client, s3_bucket, tmp_path, target, key
):
    """With `--if-exists`, the first slash of a key was removed."""
    (tmp_path / "a.txt").write_bytes(b"1")
    run("put", tmp_path / "a.txt", target, "--if-exists", "skip")
    assert [*stored(s3_client, s3_bucket)] == [key]


@pytest.mark.parametrize("target", ["x/", "x/key.csv"])
def test_a_source_that_cannot_be_uploaded_is_never_a_success(run, tmp_path, target):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "bad\udcff").write_text("1")
    invalid = ErrorKind.INVALID_INPUT.value
    run("put", tmp_path / "none.csv", target, code=ErrorKind.NOT_FOUND.value)
    run("put", tmp_path / "pipe", target, code=invalid)
    if target.endswith("/"):
        run("put", tmp_path / "bad\udcff", target, code=invalid)


def test_what_a_folder_upload_left_out_is_named_with_its_reason(
    run, tmp_path, s3_client, s3_bucket
):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "a").write_text("1")
    (tmp_path / "t" / "b").write_text("22")
    os.mkfifo(tmp_path / "t" / "pipe")
    put_object(s3_client, s3_bucket, "in/t/b")
    printed = run("put", tmp_path / "t", "in/", "--json", code=ErrorKind.INVALID_INPUT.value)
    report = json.loads(printed.out)
    assert report["planned"] == 3
    (done,), (skipped,), (failed,) = report["done"], report["skipped"], report["failed"]
    assert (done["key"], done["path"], done["size"]) == ("in/t/a", str(tmp_path / "t" / "a"), 1)
    assert done["verdict"].startswith("verified (")
    assert report["verdicts"] == {done["verdict"]: 1}
    assert (skipped["key"], skipped["reason"]) == ("in/t/b", "it already exists")
    assert (failed["key"], failed["kind"]) == ("in/t/pipe", "invalid_input")
    assert (failed["path"], "named pipe" in failed["reason"]) == (
        str(tmp_path / "t" / "pipe"),
        True,
    )
    text = run("put", tmp_path / "t", "in/", code=ErrorKind.INVALID_INPUT.value)
    assert "failed in/t/pipe: It is a named pipe" in text.err
    assert "skipped 2 files: it already exists" in text.err
    assert "uploaded 0 of 3 files" in text.out
    assert "2 skipped, 1 failed" in text.out
    (tmp_path / "t" / "pipe").unlink()
    assert "0 failed" in run("put", tmp_path / "t", "in/").out  # all that was skipped was wanted


def test_a_name_that_is_not_utf8_stands_in_the_json(run, tmp_path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "bad\udcff").write_text("1")
    printed = run("put", tmp_path / "t", "in/", "--json", code=ErrorKind.INVALID_INPUT.value)
    (failed,) = json.loads(printed.out)["failed"]
    assert "bad" in failed["path"]
    assert "UTF-8" in failed["reason"]


def test_one_key_is_never_skipped_and_never_replaced_silently(run, tmp_path, s3_client, s3_bucket):
    for size in (3, 9 << 20):
        (tmp_path / "f").write_bytes(os.urandom(size))
        put_object(s3_client, s3_bucket, f"k{size}", b"precious")
        run("put", tmp_path / "f", f"k{size}", code=ErrorKind.ALREADY_EXISTS.value)
        assert stored(s3_client, s3_bucket)[f"k{size}"] == len(b"precious")
        printed = run("put", tmp_path / "f", f"k{size}", "--overwrite", "--json")
        assert json.loads(printed.out)["verdict"].startswith("verified (")
        assert stored(s3_client, s3_bucket)[f"k{size}"] == size


def test_objects_that_collide_on_a_disk_all_arrive(run, tmp_path, s3_client, s3_bucket):
    for key in ("q/data", "q/data/a.csv", "q/CASE", "q/case"):
        put_object(s3_client, s3_bucket, key, key.encode())
    printed = run("get", "q/", tmp_path / "out", "--recursive")
    assert "downloaded 4 of 4 files" in printed.out
    assert "stored as data.object: q/data" in printed.err
    contents = {path.read_text() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert contents == {"q/data", "q/data/a.csv", "q/CASE", "q/case"}
    report = json.loads(run("get", "q/", tmp_path / "again", "-r", "--json").out)
    paths = {each["key"]: each["path"] for each in report["done"]}
    assert paths["q/data"] == str(tmp_path / "again" / "data.object")
    assert sum(report["verdicts"].values()) == 4


def test_what_cannot_be_downloaded_is_named_and_counts(run, tmp_path, s3_client, s3_bucket):
    put_object(s3_client, s3_bucket, "p/a")
    put_object(s3_client, s3_bucket, "p/b")
    (tmp_path / "a").mkdir()
    printed = run("get", "p/", tmp_path, "-r", "--json", code=ErrorKind.ALREADY_EXISTS.value)
    report = json.loads(printed.out)
    assert [each["key"] for each in report["done"]] == ["p/b"]
    assert [(each["key"], each["kind"]) for each in report["failed"]] == [("p/a", "already_exists")]


@pytest.mark.parametrize("text", [("put", "{source}", "in/"), ("get", "er/", "{target}", "-r")])
def test_an_outage_ends_a_batch_once(text, quick, tmp_path, s3_server, s3_client, s3_bucket):
    (tmp_path / "source").mkdir()
    for number in range(30):
        (tmp_path / "source" / str(number)).write_text("x")
        put_object(s3_client, s3_bucket, f"er/{number}")
    places = {"source": tmp_path / "source", "target": tmp_path / "target"}
    with FaultProxy(s3_server, rule(["Put", "Get", "GetRange"], "error_503")) as proxy:
        begun = quick(proxy, *(word.format(**places) for word in text), *_SHORT)
        done = finished(begun, text, 60)
    assert done.returncode == ErrorKind.THROTTLED.value, done.stderr
    report = json.loads(done.stdout)
    assert report["planned"] == 30 == len(report["failed"])
    assert report["seconds"] < 8
    assert {each["kind"] for each in report["failed"]} == {"throttled"}


def test_without_retries_a_failure_is_reported_at_once(quick, tmp_path, s3_server):
    (tmp_path / "f").write_text("x")
    with FaultProxy(s3_server, rule("Put", "error_503")) as proxy:
        arguments = ("put", tmp_path / "f", "in/", "--retry-seconds", "0")
        done = finished(quick(proxy, *arguments), arguments, 60)
        assert proxy.seen.count("Put") == 1
    assert done.returncode == ErrorKind.THROTTLED.value


def test_a_moment_without_a_server_is_survived(quick, tmp_path, s3_server, s3_client, s3_bucket):
    (tmp_path / "s").mkdir()
    for number in range(3):
        (tmp_path / "s" / str(number)).write_text("x")
    with FaultProxy(
        s3_server, rule(["Put"], "reset", "first"), rule("Put", "error_503", "second")
    ) as proxy:
        arguments = ("put", tmp_path / "s", "in/")
        done = finished(quick(proxy, *arguments), arguments, 60)
        assert len(proxy.struck) == 2
    assert done.returncode == 0, done.stderr
    assert len(stored(s3_client, s3_bucket)) == 3


@pytest.mark.parametrize("size", [100, 9 << 20])
def test_ctrl_c_of_a_stalled_upload_leaves_nothing_and_counts(
    quick, tmp_path, s3_server, s3_client, s3_bucket, size
):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "f").write_bytes(os.urandom(size))
    with FaultProxy(s3_server, rule(["Put", "Part"], "stall_before")) as proxy:
        begun = quick(proxy, "put", tmp_path / "s", "in/")
        until(lambda: bool({"Put", "Part"} & set(proxy.seen)))
        begun.send_signal(signal.SIGINT)
        done = finished(begun, ("put",), 10)
    assert done.returncode == ErrorKind.CANCELLED.value
    assert "uploaded 0 of 1 file," in done.stdout
    assert "1 cancelled" in done.stdout
    assert stored(s3_client, s3_bucket) == {}
    assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=s3_bucket)


def test_sweep_lists_and_removes_what_is_old_enough(run, s3_client, s3_bucket):
    begun = s3_client.create_multipart_upload(Bucket=s3_bucket, Key="a/foreign")
    printed = run("sweep")
    assert "a/foreign" in printed.out
    assert "others" in printed.out
    assert "Nothing was removed" in printed.err
    (listed,) = json.loads(run("sweep", "--json").out)["uploads"]
    assert (listed["key"], listed["upload_id"]) == ("a/foreign", begun["UploadId"])
    assert (listed["size"], listed["owner"], listed["removed"]) == (0, "others", False)
    assert "no unfinished uploads" in run("sweep", "b/").err
    run("sweep", "--remove", "--older-than", "36500d")
    assert len(s3_client.list_multipart_uploads(Bucket=s3_bucket)["Uploads"]) == 1
    report = json.loads(run("sweep", "--remove", "--older-than", "0", "--json").out)
    assert report["uploads"][0]["removed"]
    assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=s3_bucket)
    run("sweep", "--older-than", "soon", code=ErrorKind.INVALID_INPUT.value)


def test_a_write_that_the_server_did_not_guard_is_named(run, tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr("core.objects.conditions.is_supported", lambda *_a, **_k: False)
    one = run("put", tmp_path / "a", "one")
    assert "The server ignored the condition that the key one is free." in one.err
    assert "may have been replaced" in one.err
    assert json.loads(run("put", tmp_path / "b", "two", "--json").out)["race_free"] is False
    assert "ignored" not in run("put", tmp_path / "a", "one", "--overwrite").err


def test_files_that_the_server_did_not_guard_are_counted(capsys):
    report = TransferReport(2, (0, 1), (), (), 2, 1.0, (Verdict.SHA256,) * 2, unguarded=(0, 1))
    files = Files(["x/a", "x/b"], ["/a", "/b"], [1, 1])
    assert show_report(Output(as_json=False, token=CancelToken()), report, files, "uploaded") == 0
    assert "for 2 files" in capsys.readouterr().err
    assert show_report(Output(as_json=True, token=CancelToken()), report, files, "uploaded") == 0
    assert [each["race_free"] for each in json.loads(capsys.readouterr().out)["done"]] == [
        False,
        False,
    ]


def test_the_remedy_is_that_of_the_most_frequent_cause(capsys):
    corrupt = Failure(0, "a/", ErrorKind.CORRUPT, "x", remedy="Rename it.")
    missing = [
        Failure(number, str(number), ErrorKind.NO_SUCH_BUCKET, "y", remedy="Check the bucket.")
        for number in (1, 2)
    ]
    report = TransferReport(3, (), (), (corrupt, *missing), 0, 1.0, ())
    files = Files(["a/", "1", "2"], ["b/", "3", "4"], [1, 1, 1], "target")
    out = Output(as_json=False, token=CancelToken())
    assert show_report(out, report, files, "copied") == ErrorKind.NO_SUCH_BUCKET.value
    printed = capsys.readouterr().err
    assert "Check the bucket." in printed
    assert "Rename it." not in printed


@pytest.mark.parametrize("as_json", [False, True])
def test_a_failure_has_its_exit_code_although_the_reader_has_ended(monkeypatch, as_json):
    def gone(_text):
        raise ReaderClosed

    monkeypatch.setattr("core.cli.output.write", gone)
    failed = Failure(0, "a", ErrorKind.LOCAL_IO, "x")
    report = TransferReport(1, (), (), (failed,), 0, 1.0, ())
    out = Output(as_json=as_json, token=CancelToken())
    code = show_report(out, report, Files(["a"], ["/a"], [1]), "downloaded")
    assert code == ErrorKind.LOCAL_IO.value


def test_a_hash_list_is_written_for_what_was_transferred(run, tmp_path):
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.txt", "sub/b.txt"):
        (folder / name).write_text(name)
    lists = [tmp_path / f"{name}.sums" for name in ("up", "down", "one", "back")]
    run("put", str(folder), "sums/", "--hash-list", str(lists[0]))
    run("get", "sums/data/", str(tmp_path / "in"), "-r", "--hash-list", str(lists[1]))
    run("put", str(folder / "a.txt"), "single.txt", "--hash-list", str(lists[2]))
    run("get", "single.txt", str(tmp_path / "in"), "--hash-list", str(lists[3]))
    for path, root in zip(lists, (folder, tmp_path / "in", tmp_path, tmp_path / "in"), strict=True):
        lines = dict(reversed(line.split("  ")) for line in path.read_text().splitlines())
        for name, digest in lines.items():
            body = (folder / "a.txt") if path is lists[2] else root / name
            assert hashlib.sha256(body.read_bytes()).hexdigest() == digest
    assert len(lists[0].read_text().splitlines()) == 2
    assert [path.read_text().endswith("  single.txt\n") for path in lists[2:]] == [True, True]
    missing = str(tmp_path / "none" / "sums")
    run("put", str(folder), "none/", "--hash-list", missing, code=ErrorKind.NOT_FOUND.value)
    run("get", "sums/data/", str(tmp_path / "x"), "-r", "--hash-list", missing,
        code=ErrorKind.NOT_FOUND.value)  # fmt: skip
