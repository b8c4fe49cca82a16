"""A bucket in memory whose listings have the order, the pages and the options of S3."""

from dataclasses import dataclass, field
from types import SimpleNamespace

from core.objects.pages import Columns

MODIFIED = "2024-06-01T00:00:00.000Z"


@dataclass
class ListedBucket:
    """Keys with their sizes, and the requests that were sent; a fake of a bucket and a workspace.

    `page_of` replaces `core.objects.level.page_of`.
    """

    keys: dict = field(default_factory=dict)
    page_size: int = 1000
    requests: list = field(default_factory=list)
    name: str = "bucket"
    client: None = None

    @property
    def bucket(self):
        return self

    @property
    def clients(self):
        profile = SimpleNamespace(name="profile")
        return SimpleNamespace(
            endpoint_url=None, connection=SimpleNamespace(profile=profile),
            client_to_try=lambda bucket: f"client of {bucket}",
        )  # fmt: skip

    def page_of(self, _bucket, prefix, *, delimiter="", token=None, after="", size=0, work=None):
        self.requests.append((prefix, after, token))
        begin = token or after
        entries = sorted({self._entry(key, prefix, delimiter)
                          for key in self.keys if key.startswith(prefix) and key > begin},
                         key=lambda text: text.encode())  # fmt: skip
        page = [entry for entry in entries if entry > begin][: self.page_size]
        keys = [
            entry
            for entry in page
            if entry in self.keys and not self._is_folder(entry, prefix, delimiter)
        ]
        folders = [entry for entry in page if entry not in keys]
        following = page[-1] if len(page) == self.page_size else None
        # A folder is the token of everything in it.
        following = following + "\U0010ffff" if following in folders else following
        return self._columns(keys, folders), following

    def _is_folder(self, entry, prefix, delimiter):
        return bool(delimiter) and delimiter in entry[len(prefix) :]

    @staticmethod
    def _entry(key, prefix, delimiter):
        behind = key[len(prefix) :]
        if not delimiter or delimiter not in behind:
            return key
        return prefix + behind.partition(delimiter)[0] + delimiter

    def _columns(self, keys, folders):
        sizes = [self.keys[key] for key in keys]
        count = len(keys)
        etags = [f"{size:032x}" for size in sizes]
        return Columns(keys, sizes, [MODIFIED] * count, ["STANDARD"] * count, etags, folders)

    def use(self, monkeypatch=None):
        """Let listings read this bucket, in a program without `monkeypatch` until its end."""
        from core.catalog import listed_keys
        from core.objects import listing, page_requests

        replace = setattr if monkeypatch is None else monkeypatch.setattr
        for module in (listed_keys, listing):
            replace(module, "page_of", self.page_of)
        # Without a server no request can be sent without botocore.
        replace(page_requests, "DirectPages", SimpleNamespace(of=lambda *_: None))
        return self
