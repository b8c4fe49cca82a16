"""Objects of other tools are listed, downloaded and verified as by stock boto3."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from helpers.crc import checksum
from helpers.program import Program
from helpers.s3_servers import heavy_servers, make_bucket

from core.objects.listing import list_pages
from core.objects.reading import download, read
from core.work import Work
from core.workspace import Workspace

on_servers = pytest.mark.parametrize("s3_server", heavy_servers(), indirect=True)
ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")
_BIN = Path(sys.executable).parent
#: Larger than one part of every tool's default, and not a multiple of it.
BIG = 17_000_003


def content(size, seed=7):
    return bytes((n * seed) & 255 for n in range(251)) * (size // 251 + 1)


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.json"
    path.write_bytes(content(3_001)[:3_001])
    return path


@pytest.fixture
def big(tmp_path):
    path = tmp_path / "big.bin"
    path.write_bytes(content(BIG, 11)[:BIG])
    return path


def run(server, home, *arguments, **more):
    """Run a program of another maker with the server's keys."""
    done = subprocess.run(
        [str(_BIN / arguments[0]), *arguments[1:]],
        env={**server.environment(home), "AWS_REGION": "us-east-1", **more},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{arguments}: {done.stdout[-500:]}{done.stderr[-2000:]}"


def written_by_aws_cli(server, bucket, home, path, key):
    place = f"s3://{bucket}/{key}"
    run(server, home, "aws", "--endpoint-url", server.endpoint_url, "s3", "cp", str(path), place)


def written_by_s5cmd(server, bucket, home, path, key):
    place = f"s3://{bucket}/{key}"
    arguments = ("--part-size", "6", str(path), place)
    run(server, home, "s5cmd", "--endpoint-url", server.endpoint_url, "cp", *arguments)


def written_by_rclone(server, bucket, home, path, key):
    options = {
        "TYPE": "s3", "PROVIDER": "Other", "ENDPOINT": server.endpoint_url, "ENV_AUTH": "true",
        "CHUNK_SIZE": "5Mi", "UPLOAD_CUTOFF": "5Mi",
    }  # fmt: skip
    more = {f"RCLONE_CONFIG_X_{name}": value for name, value in options.items()}
    run(server, home, "rclone", "copyto", str(path), f"x:{bucket}/{key}", **more)


def written_by_boto3(server, bucket, _home, path, key):
    client = server.client()
    config = TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20)
    client.upload_file(str(path), bucket, key, Config=config)
    client.close()


TOOLS = {
    "aws-cli": written_by_aws_cli,
    "s5cmd": written_by_s5cmd,
    "rclone": written_by_rclone,
    "boto3": written_by_boto3,
}


@pytest.fixture
def workspace(s3_server, s3_bucket):
    opened = Workspace.open(s3_server.connection(s3_bucket))
    yield opened
    opened.close()


def listed(workspace, prefix=""):
    pages = list_pages(workspace.bucket, prefix, work=Work())
    return {key: size for page in pages for key, size in zip(page.keys, page.sizes, strict=True)}


def stock(client, bucket, prefix=""):
    """What stock boto3 lists."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {row["Key"]: row["Size"] for page in pages for row in page.get("Contents", ())}


def same_as_stock(workspace, client, bucket, tmp_path):
    """Assert that our listing, read and download agree with stock boto3; return the verdicts."""
    keys = stock(client, bucket)
    assert listed(workspace) == keys
    verdicts = {}
    for number, key in enumerate(keys):
        body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert read(workspace.bucket, key) == body
        got = download(workspace.bucket, key, tmp_path / f"got-{number}")
        assert (got.path.read_bytes(), got.size) == (body, len(body))
        verdicts[key] = got.verdict.value
    return verdicts


@on_servers
@pytest.mark.parametrize("tool", TOOLS)
def test_what_a_tool_has_written_is_read_and_verified(
    s3_server, s3_client, s3_bucket, workspace, small, big, tmp_path, tool
):
    write = TOOLS[tool]
    write(s3_server, s3_bucket, tmp_path, small, "a b/ü:1+2%20.json")
    write(s3_server, s3_bucket, tmp_path, big, "big/17 MB.bin")
    verdicts = same_as_stock(workspace, s3_client, s3_bucket, tmp_path)
    assert set(verdicts) == {"a b/ü:1+2%20.json", "big/17 MB.bin"}
    assert verdicts["a b/ü:1+2%20.json"].startswith("verified")
    assert (
        hashlib.sha256((tmp_path / "got-1").read_bytes()).digest()
        == hashlib.sha256(big.read_bytes()).digest()
    )


def copied_by_rclone(server, bucket, home, key, target):
    options = {
        "TYPE": "s3", "PROVIDER": "Other", "ENDPOINT": server.endpoint_url, "ENV_AUTH": "true",
        "COPY_CUTOFF": "6Mi",
    }  # fmt: skip
    more = {f"RCLONE_CONFIG_X_{name}": value for name, value in options.items()}
    run(server, home, "rclone", "copyto", f"x:{bucket}/{key}", f"x:{bucket}/{target}", **more)


def copied_by_aws_cli(server, bucket, home, key, target):
    config = home / "aws-config"
    config.write_text(
        "[default]\ns3 =\n  multipart_threshold = 6MB\n  multipart_chunksize = 5MB\n"
        "  preferred_transfer_client = classic\n"
    )
    places = [f"s3://{bucket}/{key}", f"s3://{bucket}/{target}"]
    run(
        server, home, "aws", "--endpoint-url", server.endpoint_url, "s3", "cp", *places,
        AWS_CONFIG_FILE=str(config),
    )  # fmt: skip


@pytest.mark.parametrize("copied", [copied_by_aws_cli, copied_by_rclone])
def test_what_the_server_copied_in_parts_for_a_tool_is_never_corrupt(
    seaweed, big, tmp_path, copied
):
    """SeaweedFS composes the ETag of such an object of values that are no MD5s."""
    client = seaweed.client()
    name = make_bucket(client)
    client.upload_file(str(big), name, "big.bin")
    client.close()
    copied(seaweed, name, tmp_path, "big.bin", "copy.bin")
    workspace = Workspace.open(seaweed.connection(name))
    try:
        got = download(workspace.bucket, "copy.bin", tmp_path / "got")
    finally:
        workspace.close()
    assert got.path.read_bytes() == big.read_bytes()
    assert got.verdict.value.startswith(("verified", "not verifiable"))


def put_with_checksum(client, bucket, algorithm, parts):
    """Store parts as one object whose checksums the server records; boto3 computes what it can."""

    def named(part):
        own = algorithm in {"CRC32C", "CRC64NVME"}
        return {f"Checksum{algorithm}": checksum(algorithm, part)} if own else {
            "ChecksumAlgorithm": algorithm
        }  # fmt: skip

    where = {"Bucket": bucket, "Key": "sum.bin"}
    if len(parts) == 1:
        client.put_object(Body=parts[0], **where, **named(parts[0]))
        return
    upload = client.create_multipart_upload(ChecksumAlgorithm=algorithm, **where)["UploadId"]
    done = []
    for number, part in enumerate(parts, 1):
        answer = client.upload_part(
            UploadId=upload, PartNumber=number, Body=part, **where, **named(part)
        )
        sums = {
            n: v for n, v in answer.items() if n.startswith("Checksum") and n.endswith(algorithm)
        }
        done.append({"PartNumber": number, "ETag": answer["ETag"], **sums})
    client.complete_multipart_upload(UploadId=upload, MultipartUpload={"Parts": done}, **where)


@on_servers
@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_checksum_algorithm(
    s3_server, s3_client, s3_bucket, workspace, tmp_path, algorithm, parts
):
    s3_server.require("checksums")
    bodies = [content(5 << 20)[: 5 << 20], b"the end"] if parts == 2 else [content(3_001)]
    try:
        put_with_checksum(s3_client, s3_bucket, algorithm, bodies)
    except ClientError as error:
        pytest.skip(f"not supported by this server ({s3_server.name}): {algorithm}: {error}")
    assert s3_client.get_object(Bucket=s3_bucket, Key="sum.bin")["Body"].read() == b"".join(bodies)
    verdicts = same_as_stock(workspace, s3_client, s3_bucket, tmp_path)
    if verdicts["sum.bin"] == "size only" and parts == 2:
        s3_server.require("parts of an object")
    assert verdicts["sum.bin"].startswith("verified")


def test_a_page_of_mixed_origin(s3_server, s3_client, s3_bucket, workspace, small, tmp_path, forks):
    """Some objects of a page have a checksum and others do not: every key is decoded once."""
    plain = s3_server.client(request_checksum_calculation="when_required")
    for number in range(6):
        key = f"market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T{number:02}:00:00Z.json"
        if number % 2:
            plain.put_object(Bucket=s3_bucket, Key=key, Body=b"{}")
        else:
            s3_client.put_object(Bucket=s3_bucket, Key=key, Body=b"{}", ChecksumAlgorithm="SHA256")
    for tool in ("s5cmd", "rclone"):
        TOOLS[tool](s3_server, s3_bucket, tmp_path, small, f"market-data/{tool}:1%3A2+3.json")
    plain.close()
    same_as_stock(workspace, s3_client, s3_bucket, tmp_path)
    program = Program(s3_server, s3_bucket, tmp_path / "home", forks)
    done = program.run("ls", "market-data/", "-r")
    assert done.returncode == 0, done.stderr
    assert [line.split("\t")[-1] for line in done.stdout.splitlines()] == sorted(
        stock(s3_client, s3_bucket)
    )


#: Characters that XML, URLs, shells and file systems treat in different ways.
ODD = (
    "plus+and space", "percent%41%2F%", "amp&lt;", "quote\"'", "<angle>", "ümlaut", "日本語",
    "emoji😀", "a?b=c", "hash#1", "back\\slash", "colon:semi;", "comma,", "tilde~", "star*",
    "pipe|", "curly{}", "square[]", "caret^", "tick`", "dollar$", "at@", "paren()", "equals=",
    "trailing.", ".leading", "a..b", "tab\there", "del\x7f", "nbsp\u00a0", "\u202ertl",
    "e\u0301 decomposed", "\u00e9 composed",
)  # fmt: skip


def test_all_kinds_of_keys(s3_server, s3_client, s3_bucket, workspace, tmp_path):
    for name in ODD:
        try:
            s3_client.put_object(Bucket=s3_bucket, Key=f"keys/{name}", Body=name.encode())
        except ClientError:
            assert s3_server.name != "demo", f"the embedded server refuses {name!r}"
    verdicts = same_as_stock(workspace, s3_client, s3_bucket, tmp_path)
    assert len(verdicts) > len(ODD) - 4
    assert all(text.startswith("verified") for text in verdicts.values())


def test_the_tools_are_those_of_the_environment():
    assert [
        name for name in ("aws", "s5cmd", "rclone") if not os.access(_BIN / name, os.X_OK)
    ] == []
