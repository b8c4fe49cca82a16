"""The leftovers of a killed permission test are removed by the next one."""

import signal
from dataclasses import replace

import pytest
from helpers.fault_proxy import FaultProxy, rule
from helpers.program import Program
from helpers.s3_servers import heavy_servers
from helpers.waiting import until

STEPS = ("Put", "Create", "Part", "Complete", "Abort", "Delete")


@pytest.mark.parametrize("s3_server", heavy_servers(), indirect=True)
@pytest.mark.parametrize("moment", ["stall_before", "stall_middle"])
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_each_request_leaves_nothing(
    s3_server, s3_client, s3_bucket, tmp_path, step, moment, forks
):
    source = tmp_path / "large.bin"
    source.write_bytes(b"large" * 2_000_000)
    with FaultProxy(s3_server, rule(step, moment, "first")) as proxy:
        reached = replace(s3_server, endpoint_url=proxy.url)
        program = Program(reached, s3_bucket, tmp_path / "home", forks)
        arguments = ("put", str(source), "large.bin")
        process = program.start(*arguments)
        until(lambda: proxy.struck, 60)
        assert process.killed().returncode == -signal.SIGKILL
        assert keys(s3_client, s3_bucket) or step in {"Put", "Delete"}
        done = program.run(*arguments)
    assert done.returncode == 0, done.stderr
    assert keys(s3_client, s3_bucket) == ["large.bin"]
    assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=s3_bucket)


def keys(client, bucket):
    return [row["Key"] for row in client.list_objects_v2(Bucket=bucket).get("Contents", ())]
