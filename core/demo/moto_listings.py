"""Faster listings for moto, whose own take 0.2 s for a page of 1,000 keys.

The answers stay the same, except that versions of keys with control characters can be listed, too;
`tests/core/demo/test_listings.py` compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from datetime import datetime
from functools import cache, wraps
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.s3.models import FakeKey
from moto.s3.responses import S3Response
from moto.s3.utils import _VersionedKeyStore


def speed_up_listings() -> None:
    """Replace the parts of moto that repeat work for each key of a bucket or each request."""
    classes: Any = (DomainDispatcherApplication, _VersionedKeyStore, S3Response)
    application, keys, response = classes
    application.get_backend_for_host = _cached(application.get_backend_for_host)
    keys.items = keys.iteritems = _newest_versions
    keys.lists = keys.iterlists = _all_versions
    response.serialized = _with_fast_objects(response.serialized)


def _cached(find: Callable[..., Any]) -> Callable[..., Any]:
    """Remember the service of a host name: moto reads a folder of its package to find it."""

    @cache
    def by_host(host: str | None) -> Any:
        return find(applications[0], host)

    applications: list[Any] = []

    @wraps(find)
    def found(application: Any, host: str | None) -> Any:
        applications[:] = [application]
        return by_host(host)

    return found


def _newest_versions(keys: Any) -> Iterator[tuple[str, Any]]:
    """Yield each key with its newest version, from a copy, since other threads add keys.

    A generator, since the garbage collector would search a list of all pairs.
    """
    return ((key, versions[-1]) for key, versions in dict(keys).items())


class _Copied(list[Any]):
    """The versions of one key; a deep copy, which moto makes of all keys, is a plain loop."""

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        shared: Any = FakeKey  # whose bytes `moto_setup` shares with the copy
        return [
            shared.__deepcopy__(version, memo) if isinstance(version, FakeKey) else copy(version)
            for version in self
        ]


def _all_versions(keys: Any) -> Iterator[tuple[str, list[Any]]]:
    """Yield each key with all its versions."""
    return ((key, _Copied(versions)) for key, versions in dict(keys).items())


def _with_fast_objects(serialized: Callable[..., Any]) -> Callable[..., Any]:
    """Write the objects of a listing here, and everything else with moto's serializer."""

    @wraps(serialized)
    def fast(response: Any, answer: Any) -> Any:
        versions = response.data.get("Action") == "ListObjectVersions"
        if versions and response.querystring.get("encoding-type") == ["url"]:
            _encode_keys(answer.result)
        parts = _PARTS.get(response.data.get("Action"), {})
        listed = parts if isinstance(answer.result, dict) else {}
        elements = [
            write(item) for name, write in listed.items() for item in answer.result.pop(name, ())
        ]
        status, headers, body = serialized(response, answer)
        if elements:
            # Before the closing tag, after the elements that moto has written.
            start, end, rest = body.rpartition("</List")
            if not end:
                message = f"moto's answer to {response.data['Action']} has an unexpected form"
                raise RuntimeError(message)
            body = "".join((start, *elements, end, rest))
        return status, headers, body

    return fast


def _encode_keys(result: dict[str, Any]) -> None:
    """Encode the keys of a listing of versions, as moto does only in listings of objects.

    XML lacks most control characters, so that clients request keys in the form of URLs. Source:
    Amazon S3 API reference, "ListObjectVersions", EncodingType.
    """
    for name in ("Prefix", "Delimiter", "KeyMarker", "NextKeyMarker"):
        if result.get(name):
            result[name] = quote(result[name], safe="/")
    for name in ("Versions", "DeleteMarkers"):
        for item in result.get(name, ()):
            item["Key"] = quote(item["Key"], safe="/")
    for item in result.get("CommonPrefixes", ()):
        item["Prefix"] = quote(item["Prefix"], safe="/")
    result["EncodingType"] = "url"


def _object(item: dict[str, Any]) -> str:
    return f"<Contents><Key>{escape(item['Key'])}</Key>{_facts(item)}{_owner(item)}</Contents>"


def _version(item: dict[str, Any]) -> str:
    return f"<Version>{_facts(item)}{_which(item)}{_owner(item)}</Version>"


def _delete_marker(item: dict[str, Any]) -> str:
    modified = f"<LastModified>{_moment(item)}</LastModified>"
    return f"<DeleteMarker>{modified}{_which(item)}{_owner(item)}</DeleteMarker>"


def _facts(item: dict[str, Any]) -> str:
    algorithms = "".join(
        f"<ChecksumAlgorithm>{escape(name)}</ChecksumAlgorithm>"
        for name in item.get("ChecksumAlgorithm", ())
    )
    return (
        f"<LastModified>{_moment(item)}</LastModified><ETag>{escape(item['ETag'])}</ETag>"
        f"{algorithms}<Size>{item['Size']}</Size>"
        f"<StorageClass>{escape(item['StorageClass'])}</StorageClass>"
    )


def _which(item: dict[str, Any]) -> str:
    latest = "true" if item["IsLatest"] else "false"
    return (
        f"<Key>{escape(item['Key'])}</Key><VersionId>{escape(str(item['VersionId']))}</VersionId>"
        f"<IsLatest>{latest}</IsLatest>"
    )


def _owner(item: dict[str, Any]) -> str:
    owner = item.get("Owner")
    if not owner:
        return ""
    name, number = escape(owner["DisplayName"]), escape(owner["ID"])
    return f"<Owner><DisplayName>{name}</DisplayName><ID>{number}</ID></Owner>"


def _moment(item: dict[str, Any]) -> str:
    moment: datetime = item["LastModified"]
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


#: The parts of an answer that are written here, in their order.
_PARTS: dict[str, dict[str, Callable[[dict[str, Any]], str]]] = {
    "ListObjectsV2": {"Contents": _object},
    "ListObjectVersions": {"Versions": _version, "DeleteMarkers": _delete_marker},
}
