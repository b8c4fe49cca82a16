"""Refreshes a catalogue several times; two of these programs and a reader run at the same time."""

import sys

from helpers.listed_bucket import ListedBucket

from core.catalog.refresh import refresh
from core.work import Work

ROUNDS = 5


def keys_of(number):
    """Return the keys of one round; each round has all keys of the former ones."""
    return {f"folder/{each:04}": 1 for each in range(100 * (number + 1))}


def main() -> None:
    """Refresh in `ROUNDS` rounds, completely or only what is new."""
    complete = sys.argv[1] == "complete"
    bucket = ListedBucket().use()
    for number in range(ROUNDS):
        bucket.keys = keys_of(number)
        refresh(bucket, Work(), complete=complete)


if __name__ == "__main__":
    main()
