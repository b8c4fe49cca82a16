"""Process that sends small files with obstore (`python -m core.objects.small_sender`)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from core.errors import StorageError
from core.objects.hashing import SHA256, Stamp, unreadable
from core.objects.small_worker import SmallWorker, run_worker


class Sender(SmallWorker):
    """Sends files."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self._mode: Any = "create" if settings["only_new"] else "overwrite"

    async def transfer(self, file: dict[str, Any]) -> dict[str, Any]:
        """Send one file; it is confirmed if the returned ETag is the MD5 of the sent bytes."""
        from obstore import put_async
        from obstore.exceptions import BaseError

        try:
            data, digest = _read(Path(file["path"]))
            answer = await put_async(
                self.store,
                file["key"],
                data,
                attributes={"Content-Type": file["type"], SHA256: digest},
                mode=self._mode,
                # The ETag of a multipart upload is not the MD5 with which the bytes are compared.
                use_multipart=False,
            )
        except StorageError:  # the regular upload tries again, and reports the error
            return {"failed": "file"}
        except BaseError:
            return {"failed": "server"}
        etag, version = (answer.get("e_tag") or "").strip('"'), answer.get("version")
        if etag == hashlib.md5(data, usedforsecurity=False).hexdigest():
            return {"sha256": digest, "etag": etag, "version": version, "size": len(data)}
        return {"differs": {"ETag": etag, "VersionId": version}}


def _read(path: Path) -> tuple[bytes, str]:
    """Return the content of a file and its hash; the file must not change while it is read."""
    stamp = Stamp.of(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    stamp.check(path)
    return data, hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    run_worker(Sender)
