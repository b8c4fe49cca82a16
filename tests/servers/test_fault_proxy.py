"""The fault proxy damages exactly what a rule names, and nothing else."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from helpers.fault_proxy import FaultProxy, rule
from helpers.faults import FAULTS

BODY = bytes(range(256)) * 40


@pytest.fixture
def stored(s3_client, s3_bucket):
    s3_client.put_object(Bucket=s3_bucket, Key="a/b.bin", Body=BODY, Metadata={"kind": "test"})
    return {"Bucket": s3_bucket, "Key": "a/b.bin"}


def once(server, proxy, **config):
    return server.client(proxy.url, **{"retries": {"total_max_attempts": 1}, **config})


def test_it_is_transparent_without_rules(s3_server, stored):
    with FaultProxy(s3_server) as proxy:
        client = once(s3_server, proxy)
        client.put_object(Bucket=stored["Bucket"], Key="new key ü", Body=BODY)
        assert client.get_object(**stored)["Body"].read() == BODY
        assert client.get_object(**stored, Range="bytes=1-4")["Body"].read() == BODY[1:5]
        assert client.head_object(**stored)["ContentLength"] == len(BODY)
        keys = [o["Key"] for o in client.list_objects_v2(Bucket=stored["Bucket"])["Contents"]]
        client.delete_object(**stored)
        client.close()
    assert keys == ["a/b.bin", "new key ü"]
    assert proxy.seen == ["Put", "Get", "GetRange", "Head", "List", "Delete"]
    assert proxy.struck == []


def test_the_parts_of_an_upload_are_reported_apart(s3_server, s3_bucket):
    with FaultProxy(s3_server) as proxy:
        client = once(s3_server, proxy)
        where = {"Bucket": s3_bucket, "Key": "big"}
        upload = {**where, "UploadId": client.create_multipart_upload(**where)["UploadId"]}
        tag = client.upload_part(**upload, PartNumber=1, Body=BODY)["ETag"]
        client.list_parts(**upload)
        parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
        client.complete_multipart_upload(**upload, MultipartUpload=parts)
        other = client.create_multipart_upload(**where)["UploadId"]
        client.abort_multipart_upload(**where, UploadId=other)
        client.close()
    assert proxy.seen == ["Create", "Part", "ListParts", "Complete", "Create", "Abort"]


@pytest.mark.parametrize(
    ("occasion", "struck"), [("first", [0]), ("second", [1]), ("every", [0, 1, 2])]
)
def test_a_rule_strikes_on_its_occasion(seaweed, occasion, struck):
    failed = []
    with FaultProxy(seaweed, rule("HeadBucket", "error_503", occasion)) as proxy:
        client = once(seaweed, proxy)
        for number in range(3):
            try:
                client.head_bucket(Bucket="tentimecrypto")
            except ClientError:
                failed.append(number)
        client.close()
    assert failed == struck


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_reaches_a_client_that_reads(seaweed, name):
    client = seaweed.client()
    client.put_object(Bucket="tentimecrypto", Key="fault.bin", Body=BODY)
    outcome = "the right body"
    with FaultProxy(seaweed, rule("GetRange", name)) as proxy:
        reader = once(seaweed, proxy, read_timeout=0.5 if name.startswith("stall") else 30)
        try:
            answer = reader.get_object(
                Bucket="tentimecrypto", Key="fault.bin", Range=f"bytes=0-{len(BODY) - 1}"
            )
            if answer["Body"].read() != BODY:
                outcome = "another body"
        except (BotoCoreError, ClientError, ValueError) as error:  # botocore: a length "9, 9"
            outcome = type(error).__name__
        reader.close()
    client.close()
    assert proxy.struck[0] == ("GetRange", name)
    harmless = {"range_ignored", "wrong_type", "flip_up", "truncate_up"}
    assert (outcome == "the right body") == (name in harmless), outcome


def test_leaving_ends_stalled_exchanges_at_once(seaweed):
    before = threading.active_count()
    with ThreadPoolExecutor(4) as pool:
        with FaultProxy(seaweed, rule("*", "stall_before")) as proxy:
            clients = [once(seaweed, proxy, read_timeout=60) for _ in range(4)]
            asked = [pool.submit(c.head_bucket, Bucket="tentimecrypto") for c in clients]
            while len(proxy.struck) < 4:
                threading.Event().wait(0.01)
            began = time.monotonic()
        took = time.monotonic() - began
        errors = [each.exception(timeout=10) for each in asked]
    assert took < 10
    assert all(isinstance(error, BotoCoreError) for error in errors)
    assert threading.active_count() == before
