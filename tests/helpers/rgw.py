"""A Ceph object gateway (RGW) for tests: one monitor, one in-memory store and the gateway.

It checks what the embedded server lets through: signatures, Content-MD5, altered bodies, expired
links, the seven-day limit, key lengths, part sizes. Release 16, which Debian 12 has, does not
implement S3's additional checksums. `.ci/test-servers rgw` installs it; `make referee` does so.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest
from helpers.s3_servers import S3Server, make_bucket
from helpers.seaweed import ending_with_parent, free_ports

_KEY_ID, _SECRET = "AKIAIOSFODNN7EXAMPLE", "rgw-secret-key-for-tests-0123456789"
#: Keys and ARN of a second user, which may do nothing until the policy of a bucket permits it.
OTHER_USER = (
    "AKIAI44QH8DHBEXAMPLE",
    "rgw-secret-of-another-user-0123456789",
    "arn:aws:iam:::user/other",
)
_START_SECONDS, _ATTEMPTS = 90.0, 3
_FOLDERS = "/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin"
_LACKS = (
    ("checksums", "release 16 ignores x-amz-checksum-* headers"),
    ("conditional completion", "release 16 ignores If-None-Match on Complete"),
)
_CONFIGURATION = """\
[global]
fsid = {fsid}
mon initial members = a
mon host = [v1:127.0.0.1:{monitor}]
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon warn on pool no redundancy = false
run dir = {folder}
log file = {folder}/$name.log
admin socket = {folder}/$name.asok
ms bind ipv6 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
[mon]
mon data = {folder}/mon
[mgr]
mgr data = {folder}/mgr
mgr initial modules =
[osd]
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd max object name len = 1024
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{gateway} tcp_nodelay=1
rgw dns name = localhost
"""


@pytest.fixture(scope="session")
def rgw() -> Iterator[S3Server]:
    """Ceph's S3 server."""
    with running_rgw() as server:
        yield server


@contextmanager
def running_rgw() -> Iterator[S3Server]:
    """Start the processes, yield the server once it stores objects, and end them."""
    if not shutil.which("radosgw", path=_FOLDERS):
        pytest.fail("radosgw is not installed: run .ci/test-servers rgw")
    cluster = _started_cluster()
    try:
        yield cluster.server
    finally:
        cluster.end()


def _started_cluster() -> "_Cluster":
    """Start a cluster; one that does not answer, or whose port another program took, is replaced."""
    with _one_at_a_time():
        for attempt in range(1, _ATTEMPTS + 1):
            cluster = _Cluster(Path(tempfile.mkdtemp(prefix="strongroom-rgw-", dir="/tmp")))
            try:
                cluster.start()
            except BaseException as error:
                cluster.end()
                expected = isinstance(error, AssertionError | subprocess.TimeoutExpired)
                if attempt == _ATTEMPTS or not expected:
                    raise
            else:
                return cluster
    raise AssertionError


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold a lock between the processes of a test run: two that start at once starve each other."""
    with (Path(tempfile.gettempdir()) / "strongroom-rgw-start.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class _Cluster:
    """The processes of one server; all of them stay in the foreground, as our children."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._monitor, self._gateway = free_ports(2)
        self._environment = {**os.environ, "PATH": _FOLDERS}
        url = f"http://127.0.0.1:{self._gateway}"
        self.server = S3Server("rgw", url, _KEY_ID, _SECRET, lacks=_LACKS)

    def start(self) -> None:
        """Start everything in its order and wait for the gateway."""
        folder, fsid, store = self._folder, str(uuid4()), str(uuid4())
        for name in ("mon", "mgr", "osd"):
            (folder / name).mkdir()
        values = {"fsid": fsid, "folder": folder, "monitor": self._monitor}
        (folder / "ceph.conf").write_text(_CONFIGURATION.format(gateway=self._gateway, **values))
        address = f"[v1:127.0.0.1:{self._monitor}]"
        self._run("monmaptool", "--create", "--addv", "a", address, "--fsid", fsid, "monmap")
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", "monmap")
        self._start("ceph-mon", "-i", "a")
        self._run("ceph", "-s")
        self._start("ceph-mgr", "-i", "x")
        self._run("ceph", "osd", "new", store, "0")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", store)
        self._run("ceph", "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=localhost")
        self._start("ceph-osd", "-i", "0")
        keys = (f"--access-key={_KEY_ID}", f"--secret-key={_SECRET}")
        user = ("--uid=admin", "--display-name=admin")
        self._run("radosgw-admin", "user", "create", *user, *keys)
        key, secret, arn = OTHER_USER
        other = (f"--uid={arn.rpartition('/')[2]}", "--display-name=other")
        keys = (f"--access-key={key}", f"--secret-key={secret}")
        self._run("radosgw-admin", "user", "create", *other, *keys)
        self._start("radosgw", "-n", "client.rgw")
        self._wait_until_ready(self.server)

    def end(self) -> None:
        """End all processes, the last first, and remove their files."""
        for process in reversed(self._processes):
            process.kill()
            process.wait(10)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        configuration = () if program == "monmaptool" else ("-c", "ceph.conf")
        done = subprocess.run(
            [program, *configuration, *arguments], cwd=self._folder, env=self._environment,
            capture_output=True, text=True, timeout=_START_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stdout[-1000:]}{done.stderr[-2000:]}"

    def _start(self, program: str, *arguments: str) -> None:
        with (self._folder / f"{program}.out").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    [*ending_with_parent(), program, "-f", "-c", "ceph.conf", *arguments],
                    cwd=self._folder, env=self._environment,
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )
            )  # fmt: skip

    def _wait_until_ready(self, server: S3Server) -> None:
        client = server.client(retries={"total_max_attempts": 1}, connect_timeout=1)
        end = time.monotonic() + _START_SECONDS
        ready = False
        while not ready:
            ended = [p.args for p in self._processes if p.poll() is not None]
            assert not ended, f"a process of Ceph ended: {ended}"
            assert time.monotonic() < end, "RGW did not answer in time"
            with suppress(Exception):
                bucket = make_bucket(client, "ready")
                client.put_object(Bucket=bucket, Key="ready", Body=b"x")
                ready = True
            threading.Event().wait(0.1)
        client.create_bucket(Bucket="tentimecrypto")
        client.close()
