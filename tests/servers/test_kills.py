"""Each operation is killed once at a random moment and leaves nothing behind."""

import os
import random
import shutil

import pytest
from servers.killing import KILLED, Site, kill_all
from servers.syscall_kills import kill_some, kills

SEED = int(os.environ.get("KILLS_SEED") or random.SystemRandom().randrange(10**6))


@pytest.mark.timeout(240)
def test_nothing_is_left_behind_after_a_kill(seaweed, tmp_path):
    site = Site(seaweed, tmp_path, seaweed.client())
    wrong = kill_all(site, len(KILLED), SEED)
    site.client.close()
    assert not wrong, f"KILLS_SEED={SEED}: {wrong}"


@pytest.mark.skipif(shutil.which("strace") is None, reason="kills at system calls need strace")
@pytest.mark.timeout(240)
def test_the_queue_loses_nothing_when_it_is_killed_at_a_system_call(seaweed, tmp_path):
    with kills(seaweed, tmp_path) as killing:
        wrong = kill_some(killing, 4, random.Random(SEED))
    assert not wrong, f"KILLS_SEED={SEED}: {wrong}"
