"""A server that answers listings in the order of S3 or of a file system, and a client of it."""

import random
from bisect import bisect_right

from core.objects.key_ranges import KeyRange
from core.objects.listing_plan import ListingPlan
from core.objects.pages import Columns


def columns_of(keys, folders=()):
    count = len(keys)
    return Columns(
        keys, [1] * count, ["x"] * count, ["STANDARD"] * count, ["e"] * count, list(folders)
    )


def by_bytes(key):
    return key


def by_path(key):
    return key.split("/")


class Server:
    """Answers with pages of ten entries, in the order of S3 or of a file system."""

    def __init__(self, keys, *, order=by_bytes, obeys=True, size=10):
        self.order, self.obeys, self.size = order, obeys, size
        self.keys = sorted(keys, key=order)
        self.known, self.cached = set(keys), {}
        self.calls = self.empty = 0

    def ask(self, request):
        self.calls += 1
        entries = self._entries(request.prefix, request.delimiter)
        start = request.token or (request.after if self.obeys else "")
        begin = bisect_right(entries, self.order(start), key=self.order) if start else 0
        if self.order is by_path and not request.token:
            # SeaweedFS lists nothing of a folder that is named.
            while begin < len(entries) and start and entries[begin].startswith(f"{start}/"):
                begin += 1
        page = entries[begin : begin + self.size]
        self.empty += not page
        more = page[-1] if begin + self.size < len(entries) else None
        keys = [entry for entry in page if entry in self.known]
        return columns_of(keys, [entry for entry in page if entry not in self.known]), more

    def _entries(self, prefix, delimiter):
        if (prefix, delimiter) not in self.cached:
            self.cached[prefix, delimiter] = self._all_entries(prefix, delimiter)
        return self.cached[prefix, delimiter]

    def _all_entries(self, prefix, delimiter):
        keys = [key for key in self.keys if key.startswith(prefix)]
        if not delimiter:
            return keys
        found = {}
        for key in keys:
            behind = key[len(prefix) :]
            found[prefix + behind.partition("/")[0] + "/" if "/" in behind else key] = None
        return list(found)


def listed(server, prefix="", *, wanted=8, divide=True, seed=1, any_order=True):
    """List with answers in any order, and return the keys and the most requests at a time."""
    chosen, plan = (
        random.Random(seed),
        ListingPlan(KeyRange(prefix), divide=divide, any_order=any_order),
    )
    plan.wanted, keys, flying, most = wanted, [], [], 0
    while True:
        flying += plan.following(len(flying))
        most = max(most, len(flying))
        if not flying:
            return keys, most
        request = flying.pop(chosen.randrange(len(flying)))
        for page in plan.answered(request, *server.ask(request), len(flying)):
            keys += page.keys
