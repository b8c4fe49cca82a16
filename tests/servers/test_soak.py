"""Uploads of a folder, many times: every process ends with exit code 0, the engine too.

A native thread that is alive while the interpreter ends aborts the process after everything has
arrived: it shows in one run of ten only.
"""

import os
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.program import Program

from core.engine.client import EngineClient
from core.transfer.plan import plan_upload
from core.transfer.values import IfExists
from core.work import Work
from core.workspace import Workspace

ROUNDS = int(os.environ.get("SOAK") or 10)
FILES, PARALLEL = 40, 3


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "files"
    made.mkdir()
    for number in range(FILES):
        (made / f"{number:03}.json").write_bytes(random.Random(number).randbytes(3_000))
    return made


def stored(client, bucket, prefix):
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return sum(len(page.get("Contents", ())) for page in pages)


@pytest.mark.timeout(60 + ROUNDS * 10)
def test_every_upload_of_a_folder_ends_well(
    s3_server, s3_client, s3_bucket, folder, tmp_path, forks
):
    program = Program(s3_server, s3_bucket, tmp_path, forks)
    with ThreadPoolExecutor(PARALLEL) as pool:
        runs = list(pool.map(lambda n: program.run("put", str(folder), f"{n}/"), range(ROUNDS)))
    bad = [(r.returncode, r.stdout[-200:], r.stderr[-600:]) for r in runs if r.returncode]
    assert bad == []
    assert stored(s3_client, s3_bucket, "") == ROUNDS * FILES


@pytest.mark.timeout(60 + ROUNDS * 10)
def test_the_engine_ends_well_after_uploads(s3_server, s3_client, s3_bucket, folder):
    connection = s3_server.connection(s3_bucket)
    workspace = Workspace.open(connection)
    codes = []
    for number in range(max(2, ROUNDS // 10)):
        plan = plan_upload(workspace, Work(), paths=[str(folder)], prefix=f"{number}/")
        client = EngineClient()
        arguments = plan.arguments(IfExists.SKIP)
        report = client.call("transfer.upload", arguments, connection=connection, work=Work())
        (engine,) = client._idle
        engine.disconnect()
        codes.append(engine._process.wait(30))  # a busy machine: `close` would kill it sooner
        client.close()
        assert len(report.done) == FILES
    workspace.close()
    assert set(codes) == {0}
    assert stored(s3_client, s3_bucket, "") == len(codes) * FILES
