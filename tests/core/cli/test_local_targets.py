"""What `get` writes where, with folders that exist and do not, and targets of `cp` like paths."""

import pytest

from core.cli import main
from core.cli.local_targets import check_key_target
from core.errors import ErrorKind, InvalidInput

FAILED_FILE, NOT_FOUND, USAGE = (
    ErrorKind.LOCAL_IO.value, ErrorKind.NOT_FOUND.value, ErrorKind.USAGE.value,
)  # fmt: skip


@pytest.fixture
def run(s3_server, s3_bucket, s3_client, monkeypatch, capsys, tmp_path):
    """Run one command on a bucket with a folder `t/`, in an empty folder, and return its output."""
    for name, value in s3_server.environment(tmp_path / "home").items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    for key in ("t/a.txt", "t/sub/b.txt"):
        s3_client.put_object(Bucket=s3_bucket, Key=key, Body=key.encode())
    (tmp_path / "here" / "exist").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")

    def call(*arguments, code=0):
        given = main([*arguments, "--bucket", s3_bucket])
        printed = capsys.readouterr()
        assert given == code, printed.err
        return printed.err

    return call


def files(folder):
    """Return all files and empty folders below a folder."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() or not any(path.iterdir())
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["t/a.txt"], {"a.txt"}),
        (["t/a.txt", "."], {"a.txt"}),
        (["t/a.txt", "exist"], {"exist/a.txt"}),
        (["t/a.txt", "exist/"], {"exist/a.txt"}),
        (["t/a.txt", "new"], {"new"}),
        (["t/a.txt", "new/"], {"new/a.txt"}),
        (["t/a.txt", "new/deep/"], {"new/deep/a.txt"}),
        (["t/a.txt", "new/x"], {"new/x"}),
        (["t/a.txt", "new/", "--if-exists", "overwrite"], {"new/a.txt"}),
        (["-r", "t/", "exist"], {"exist/a.txt", "exist/sub/b.txt"}),
        (["-r", "t/", "new"], {"new/a.txt", "new/sub/b.txt"}),
        (["-r", "t/", "new/"], {"new/a.txt", "new/sub/b.txt"}),
        (["t/a*", "new/"], {"new/a.txt"}),
        (["t/a.txt", "new/", "--dry-run"], set()),
    ],
)
def test_objects_are_downloaded_to_the_named_place(run, tmp_path, arguments, expected):
    run("get", *arguments)
    assert files(tmp_path / "here") - {"exist"} == expected


@pytest.mark.parametrize("more", [[], ["-r"], ["--dry-run"], ["--if-exists", "skip"]])
@pytest.mark.parametrize("target", ["file/", "file/new/"])
def test_a_file_is_no_folder(run, tmp_path, more, target):
    (tmp_path / "here" / "file").write_text("x")
    assert "file is a file and not a folder" in run(
        "get", "t/a.txt", target, *more, code=FAILED_FILE
    )
    assert files(tmp_path / "here") == {"exist", "file"}


@pytest.mark.parametrize("key", ["t", "t/", "none", "none/"])
def test_a_failed_download_leaves_no_folder_and_a_prefix_is_named_as_one(
    run, tmp_path, key, s3_server
):
    if key == "t/" and s3_server.name == "seaweed":
        pytest.skip("folders of this server are empty objects")
    printed = run("get", key, "new/deep/", code=NOT_FOUND)
    assert ("t/ is a folder" in printed and "--recursive" in printed) == key.startswith("t")
    assert files(tmp_path / "here") == {"exist"}


@pytest.mark.parametrize("command", ["cp", "mv"])
def test_a_folder_of_this_computer_is_no_target_of_a_copy(run, tmp_path, command):
    for target in ("./exist/", "../x/", "/x/", f"{tmp_path}/", ".", "..", "~/x", "C:\\x"):
        assert "strongroom get" in run(command, "t/a.txt", target, code=USAGE)
    run("get", "-r", "t/", "new")
    assert files(tmp_path / "here" / "new") == {"a.txt", "sub/b.txt"}


@pytest.mark.parametrize("key", ["a/", ".a/", "..a", "C:", "a/./b", "s3:///./a", "s3://b//a", ""])
def test_keys_are_targets_of_copies(key):
    check_key_target(key, "cp")
    with pytest.raises(InvalidInput, match="of this computer"):
        check_key_target("./a", "cp")
