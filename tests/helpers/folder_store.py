"""A store of backups in a folder, which several processes share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from core.backup.store import Stored
from core.errors import AlreadyExists, NotFound
from core.model.objects import Verdict
from core.work import Work


class FolderStore:
    """Objects as files; a file appears when it is complete, as an object of S3 does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def place(self) -> str:
        return f"folder {self.folder}"

    def prepare(self) -> None:
        """Do nothing: a store without a network needs no preparation."""

    def put(
        self, key: str, data: bytes, metadata: dict[str, str], *, work: Work, only_new: bool = True
    ) -> Verdict:
        work.check()
        path = self.folder / key
        if only_new and path.exists():
            raise AlreadyExists("There is an object of that key", subject=key)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / f"{path.name}.unfinished"
        unfinished.write_bytes(data)
        unfinished.rename(path)
        return Verdict.MD5

    def read(self, key: str, *, work: Work) -> bytes:
        work.check()
        try:
            return (self.folder / key).read_bytes()
        except FileNotFoundError:
            raise NotFound("There is no such object", subject=key) from None

    def list(self, prefix: str, *, work: Work) -> Iterator[Stored]:
        work.check()
        for path in sorted(self.folder.rglob("*")):
            key = path.relative_to(self.folder).as_posix()
            if path.is_file() and key.startswith(prefix):
                yield Stored(key, path.stat().st_size, "2026-01-01T00:00:00Z")

    def delete(self, keys: Iterable[str], *, work: Work) -> None:
        work.check()
        for key in keys:
            (self.folder / key).unlink(missing_ok=True)
