"""The kills of `make kills`: commands killed at random moments; nothing may be left behind."""

import argparse
import random
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from helpers.forks import Forks
from helpers.seaweed import running_seaweed
from servers.killing import KILLED, Site, kill_once
from servers.syscall_kills import kill_some, kills


def main() -> int:
    """Kill as many commands as the options say; return 1 when one leaves something wrong."""
    parser = argparse.ArgumentParser(prog="make kills", description=__doc__)
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument(
        "--syscalls", type=int, default=2_000, help="kills at system calls, by strace"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"{options.count} kills; --seed {options.seed} repeats their moments", flush=True)
    began, wrong, draw = time.monotonic(), 0, random.Random(options.seed)
    with (
        running_seaweed() as server,
        TemporaryDirectory(prefix="strongroom-kills-") as name,
        Forks() as forks,
    ):
        site = Site(server, Path(name), server.client(), forks)
        for number in range(options.count):
            found = kill_once(site, KILLED[number % len(KILLED)], draw, number)
            wrong += bool(found)
            if found:
                print(f"WRONG  {found}", flush=True)
        queue = Path(name) / "queue"
        queue.mkdir()
        with kills(server, queue) as killing:
            killed, failures = kill_some(killing, options.syscalls, draw)
            wrong += len(failures)
            for found in failures:
                print(f"WRONG  {found}", flush=True)
        print(f"{killed} of {options.syscalls} actions were killed at a system call")
    seconds = time.monotonic() - began
    count = options.count + options.syscalls
    print(f"{count} kills in {seconds:.0f} s, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
