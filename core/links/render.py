"""Links as plain text, Markdown or CSV. Anyone with the result can use the links."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

from core.links.make import Link
from core.units import format_moment, iso_utc

#: Characters that start a formula in a spreadsheet (OWASP ASVS 5, 1.2.10).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")


def as_text(links: Sequence[Link]) -> str:
    """Return one URL per line."""
    return "\n".join(link.url.reveal() for link in links)


def as_markdown(links: Sequence[Link]) -> str:
    """Return a Markdown list of links, each with its actual expiry."""
    return "\n".join(
        f"- [{_escaped(link.key)}](<{link.url.reveal()}>) ({link.method}, until "
        f"{format_moment(link.expires)})"
        for link in links
    )


def as_csv(links: Sequence[Link]) -> str:
    """Return RFC 4180 rows of key, method, expiry and URL; formulas are escaped."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("key", "method", "expires", "url"))
    for link in links:
        key = f"'{link.key}" if link.key.startswith(_FORMULA) else link.key
        writer.writerow((key, link.method, iso_utc(link.expires), link.url.reveal()))
    return out.getvalue()


def _escaped(text: str) -> str:
    # Keys are arbitrary text and must not become Markdown, for example another link.
    return "".join(f"\\{char}" if char in "\\[]<>`*_" else char for char in text)


#: Formats in which a list of links can be copied.
FORMATS: tuple[tuple[str, Callable[[Sequence[Link]], str]], ...] = (
    ("Text", as_text),
    ("Markdown", as_markdown),
    ("CSV", as_csv),
)
