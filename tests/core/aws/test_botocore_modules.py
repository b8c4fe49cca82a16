"""Threads that need botocore at the same moment, in a process that has not imported it yet."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading, time

class Slow:
    # The threads meet in the cycle, as on a busy computer; a second at most.
    def __init__(self):
        self.inside, self.both = set(), threading.Event()

    def find_spec(self, name, path=None, target=None):
        if name.startswith("botocore.docs."):
            self.inside.add(threading.get_ident())
            if len(self.inside) == 2:
                self.both.set()
            self.both.wait(1)
            self.both.set()
            time.sleep(0.01)

sys.meta_path.insert(0, Slow())
from core.aws.aws_profiles import aws_profile_names
from core.aws.clients import ClientFactory
from core.backup.store import BucketStore
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.objects.bucket import Bucket
from core.redaction import Secret

def clients():
    profile = Profile(name="p", source=KeySource.KEYRING, region="us-east-1")
    return ClientFactory(Connection(profile, AccessKeys("AKIDEXAMPLE", Secret("s"))))

STARTS = {
    "client": lambda: clients().s3(),
    "keys": lambda: clients().frozen_keys(),
    "prepare": lambda: BucketStore(Bucket(clients(), "b")).prepare(),
    "profiles": aws_profile_names,
}
failed = []

def run(name):
    try:
        STARTS[name]()
    except Exception as error:
        failed.append(f"{name}: {error!r}")

assert not [name for name in sys.modules if name.startswith("botocore.session")]
threads = [threading.Thread(target=run, args=(name,)) for name in sys.argv[1:]]
[each.start() for each in threads]
[each.join(60) for each in threads]
print(failed)
sys.exit(bool(failed))
"""


@pytest.mark.parametrize(
    "names",
    [("prepare", "client"), ("client", "prepare"), ("profiles", "client"), ("client", "profiles"),
     ("keys", "prepare"), ("prepare", "keys")],
)  # fmt: skip
def test_two_threads_import_botocore_completely(names, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names], capture_output=True, text=True, timeout=120,
        check=False, env={"HOME": str(tmp_path), "PATH": "/usr/bin", "AWS_EC2_METADATA_DISABLED": "true"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
