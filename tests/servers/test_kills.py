"""Each operation is killed once at a random moment and leaves nothing behind."""

import os
import random

import pytest
from servers.killing import KILLED, Site, kill_all

SEED = int(os.environ.get("KILLS_SEED") or random.SystemRandom().randrange(10**6))


@pytest.mark.timeout(240)
def test_nothing_is_left_behind_after_a_kill(seaweed, tmp_path):
    site = Site(seaweed, tmp_path, seaweed.client())
    wrong = kill_all(site, len(KILLED), SEED)
    site.client.close()
    assert not wrong, f"KILLS_SEED={SEED}: {wrong}"
