"""Options of links: what the server answers with, and which version of the object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """Options of download links, and the content type of upload links.

    Attributes:
        download: browsers save the object instead of displaying it.
        name: the file name under which they save it; by default the last segment of the key.
        content_type: of the answer to a download; an upload must send exactly this type.
        version_id: the version of the object; by default the latest at the time of the request.
    """

    download: bool = False
    name: str = ""
    content_type: str = ""
    version_id: str = ""

    def check(self, method: str, count: int) -> None:
        """Check that the options are valid for a number of links.

        Raises:
            InvalidInput: they are not.
        """
        if method != "GET" and (self.download or self.name or self.version_id):
            raise InvalidInput(
                "A name and a version can only be chosen for download links",
                remedy="Omit them, or create download links.",
            )
        if count > 1 and (self.name or self.version_id):
            raise InvalidInput(
                "One name or version cannot apply to several links",
                remedy="Create these links one by one, or omit the name and the version.",
            )
        if any(ord(char) < 32 or ord(char) == 127 for char in self.name + self.content_type):
            raise InvalidInput(
                "The name or the content type contains a control character",
                cause="HTTP headers cannot contain line breaks and other control characters.",
                remedy="Remove it.",
            )

    def parameters(self, method: str, key: str) -> dict[str, Any]:
        """Return the parameters of the operation that is signed for a key."""
        if method == "PUT":
            return {"ContentType": self.content_type} if self.content_type else {}
        chosen: dict[str, Any] = {}
        if self.version_id:
            chosen["VersionId"] = self.version_id
        if self.content_type:
            chosen["ResponseContentType"] = self.content_type
        if self.download or self.name:
            chosen["ResponseContentDisposition"] = disposition(self.name or key.rsplit("/", 1)[-1])
        return chosen

    @property
    def differs_by_key(self) -> bool:
        """Whether the parameters of each key are different ones."""
        return self.download and not self.name


def disposition(name: str) -> str:
    """Return the header `Content-Disposition` that saves an answer under a name (RFC 6266).

    Old clients read `filename`, which is limited to ASCII; all others prefer `filename*`.
    """
    plain = "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
