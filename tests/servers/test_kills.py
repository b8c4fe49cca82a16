"""Operations are killed at random moments and at system calls; the next run completes them."""

import os
import random
import shutil

import pytest
from servers.killing import KILLED, Site, kill_all
from servers.syscall_kills import kill_some, kills

KILLS = 12
SEED = int(os.environ.get("KILLS_SEED") or random.SystemRandom().randrange(10**6))


@pytest.mark.timeout(240)
def test_nothing_is_left_behind_after_a_kill(seaweed, tmp_path, forks):
    site = Site(seaweed, tmp_path, seaweed.client(), forks)
    wrong = kill_all(site, len(KILLED), SEED)
    site.client.close()
    assert not wrong, f"KILLS_SEED={SEED}: {wrong}"


@pytest.mark.skipif(shutil.which("strace") is None, reason="kills at system calls need strace")
@pytest.mark.timeout(600)
def test_an_action_killed_at_a_system_call_is_completed_by_the_next_run(seaweed, tmp_path):
    with kills(seaweed, tmp_path) as killing:
        killed, wrong = kill_some(killing, KILLS, random.Random(SEED))
    assert not wrong, f"KILLS_SEED={SEED}: {wrong}"
    assert killed > KILLS * 0.9
