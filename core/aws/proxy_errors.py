"""Causes of failures of the HTTP proxy between this computer and the endpoint."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit
from urllib.request import getproxies

from urllib3.exceptions import LocationValueError

_PROXY = re.compile(r"\b407\b|proxy", re.IGNORECASE)
_DNS = re.compile(
    r"name resolution|failed to resolve|getaddrinfo|name or service not", re.IGNORECASE
)
_TUNNEL = re.compile(r"tunnel connection failed: (\d{3})", re.IGNORECASE)

REMEDY = (
    "Check the variable HTTPS_PROXY, or HTTP_PROXY if the endpoint begins with http://, the user "
    "name and the password of the proxy, and NO_PROXY."
)


def is_dns_failure(links: Sequence[BaseException]) -> bool:
    """Return whether a name could not be resolved, by the exceptions from the outermost inwards."""
    # The failure may only be named in the text of an inner exception.
    return any(isinstance(link, socket.gaierror) or _DNS.search(str(link)) for link in links)


def is_of_proxy(links: Sequence[BaseException]) -> bool:
    """Return whether a failure without an answer is that of a proxy or of its address."""
    if any(_PROXY.search(str(link)) for link in links):
        return True
    # The endpoint was checked before.
    return any(map(_is_url_error, links)) and any(
        getproxies().get(scheme) for scheme in ("http", "https")
    )


def proxy_cause(links: Sequence[BaseException], url: str = "") -> str:
    """Return the cause of a failure of a proxy.

    Args:
        links: the exceptions, from the outermost inwards.
        url: the address of the proxy, possibly with a password; empty if it is unknown.
    """
    if url.count("://") > 1:  # botocore writes http:// before other schemes
        return "The proxy is not an HTTP proxy; others, such as SOCKS, are not supported."
    if any(map(_is_url_error, links)):
        return "The address of the proxy is not a valid URL."
    text = " ".join(str(link) for link in links)
    tunnel = _TUNNEL.search(text)
    if re.search(r"\b407\b", text):
        what = "requires authentication (407)"
    elif tunnel is not None:
        what = f"refused the connection to the endpoint with HTTP status {tunnel[1]}"
    elif is_dns_failure(links):
        what = "cannot be reached: its host name cannot be resolved (DNS)"
    else:
        what = "cannot be reached, or does not answer like an HTTP proxy"
    return f"The proxy{_place(url)} {what}."


def _is_url_error(error: BaseException) -> bool:
    named = isinstance(error, ValueError) and "url" in str(error).lower()
    return named or isinstance(error, LocationValueError)


def _place(url: str) -> str:
    """Return the address of a proxy without its user name and password."""
    try:
        host = urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return f" {host}" if host else ""
