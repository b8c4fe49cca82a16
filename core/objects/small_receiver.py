"""Process that downloads small objects with obstore (`python -m core.objects.small_receiver`).

The files of up to `_TOGETHER` objects are flushed to the disk together, and then renamed.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import StorageError
from core.local.atomic import fsync_files, fsync_folder
from core.local.partial_files import create_partial, rename_into_place
from core.model.objects import Verdict
from core.objects.hashing import SHA256
from core.objects.small_worker import SmallWorker, run_worker

if TYPE_CHECKING:
    from obstore import GetResult

#: Files that are flushed together. Each keeps a descriptor open: the usual limit is 1,024.
_TOGETHER = 256
#: Maximum time in seconds between the arrival of a file and its appearance.
_LATEST = 0.5
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A verified object in a temporary file; the descriptor marks it as owned by this process."""

    number: int
    temporary: Path
    path: Path
    handle: int
    answer: dict[str, Any]


class Receiver(SmallWorker):
    """Downloads objects."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self._overwrite = bool(settings["overwrite"])
        # One thread, which therefore needs no lock for the list of arrived files.
        self._disk = ThreadPoolExecutor(1, "disk")
        self._arrived: list[_Arrived] = []

    async def run(self) -> None:
        """Download the objects, and publish their files at the latest after `_LATEST` seconds."""
        ticker = asyncio.create_task(self._publish_regularly())
        await super().run()
        ticker.cancel()

    async def finish(self) -> None:
        """Publish the last files."""
        await asyncio.get_running_loop().run_in_executor(self._disk, self._publish)

    async def _publish_regularly(self) -> None:
        while True:
            await asyncio.sleep(_LATEST)
            await asyncio.get_running_loop().run_in_executor(self._disk, self._publish)

    async def transfer(self, file: dict[str, Any]) -> dict[str, Any] | None:
        """Download and verify one object; it is answered when its file has its final name."""
        from obstore import get_async
        from obstore.exceptions import BaseError

        try:
            result = await get_async(self.store, file["key"])
            data = bytes(await result.bytes_async())
        except BaseError:
            return {"failed": "server"}
        answer = _verified(file, data, result)
        if answer is None:
            return {"failed": "unverified"}
        loop = asyncio.get_running_loop()
        stored = await loop.run_in_executor(self._disk, self._store_file, file, data, answer)
        return None if stored else {"failed": "file"}

    def _store_file(self, file: dict[str, Any], data: bytes, answer: dict[str, Any]) -> bool:
        """Write a temporary file; the regular download reports the error if that fails."""
        path = Path(file["path"])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if os.path.realpath(path.parent) != file["folder"]:
                return False
            temporary, handle = create_partial(path)
        except (OSError, StorageError):
            return False
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
        except OSError:
            _discard(temporary, handle)
            return False
        self._arrived.append(_Arrived(file["number"], temporary, path, handle, answer))
        if len(self._arrived) >= _TOGETHER:
            self._publish()
        return True

    def _publish(self) -> None:
        """Flush the arrived files, give them their names, and answer."""
        arrived, self._arrived = self._arrived, []
        try:
            fsync_files([one.handle for one in arrived])
        except OSError:  # for example a full disk, which some file systems report only now
            for one in arrived:
                _discard(one.temporary, one.handle)
                self.answer(one.number, {"failed": "file"})
            return
        named = [one for one in arrived if self._renamed(one)]
        unflushed = {
            folder for folder in {one.path.parent for one in named} if not _flushed(folder)
        }
        for one in named:
            if one.path.parent in unflushed:
                self._withdraw(one)
            else:
                self.answer(one.number, one.answer)

    def _withdraw(self, one: _Arrived) -> None:
        """Return an object whose name might be lost with the power to the regular download."""
        if not self._overwrite:
            # Otherwise the regular download would report this file as an existing one.
            with suppress(OSError):
                one.path.unlink()
        self.answer(one.number, {"failed": "file"})

    def _renamed(self, one: _Arrived) -> bool:
        try:
            rename_into_place(one.temporary, one.path, overwrite=self._overwrite)
        except (OSError, StorageError):  # for example a file that was created in the meantime
            _discard(one.temporary, one.handle)
            self.answer(one.number, {"failed": "file"})
            return False
        os.close(one.handle)
        return True


def _verified(file: dict[str, Any], data: bytes, result: GetResult) -> dict[str, Any] | None:
    """Return hash and verdict of an object; None if its bytes cannot be verified here.

    Only the SHA-256 that Strongroom stores and the MD5 that is the ETag of most small objects are
    compared. The regular download knows all others.
    """
    etag = (result.meta["e_tag"] or "").strip('"')
    if len(data) != file["size"] or (file["etag"] and file["etag"] != etag):
        return None
    digest = hashlib.sha256(data).hexdigest()
    recorded = str(result.attributes.get(SHA256, "")).lower()
    if _SHA256.fullmatch(recorded):
        verdict = Verdict.SHA256 if recorded == digest else None
    else:
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        verdict = Verdict.MD5 if etag.lower() == md5 else None
    return None if verdict is None else {"sha256": digest, "verdict": verdict.name}


def _flushed(folder: Path) -> bool:
    """Return whether the names in a folder are on the disk."""
    try:
        fsync_folder(folder)
    except OSError:
        return False
    return True


def _discard(temporary: Path, handle: int) -> None:
    # Removed before the descriptor is closed: then no other process takes it for a leftover.
    with suppress(OSError):
        temporary.unlink()
    os.close(handle)


if __name__ == "__main__":
    run_worker(Receiver)
