"""An object server in memory that sends ranges."""

import hashlib
import re

from helpers.object_server import Server, error
from helpers.stub_server import Reply

#: Bytes of a range in the tests.
RANGE = 4096


class RangeServer(Server):
    """An object server that sends ranges, and lets a test change each answer to a range.

    `damage(first, reply)` returns the reply that is sent instead.
    """

    def __init__(self, body, *, own=True):
        super().__init__()
        self.damage = lambda _first, reply: reply
        self.store(body, own=own)

    def store(self, body, *, own=True):
        meta = {"x-amz-meta-sha256": hashlib.sha256(body).hexdigest()} if own else {}
        self.objects["/b/k"] = (body, f'"{hashlib.md5(body).hexdigest()}"', meta)

    def _get(self, asked, path):
        complete = super()._get(asked, path)
        if asked.headers.get("if-match", complete.headers["ETag"]) != complete.headers["ETag"]:
            return error(412, "PreconditionFailed")
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", asked.headers.get("range", ""))
        if not found:
            return complete
        first, last = int(found[1]), min(int(found[2]), len(complete.body) - 1)
        place = {"Content-Range": f"bytes {first}-{last}/{len(complete.body)}"}
        reply = Reply(206, {**complete.headers, **place}, complete.body[first : last + 1])
        return self.damage(first, reply)
