"""Links as text to hand on: plain, Markdown or CSV. The result holds rights: treat it so."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

from core.links.make import Link
from core.units import format_moment, iso_utc

#: What a spreadsheet would take for a formula (OWASP ASVS 5, 1.2.10).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")


def as_text(links: Sequence[Link]) -> str:
    """Return one URL a line."""
    return "\n".join(link.url.reveal() for link in links)


def as_markdown(links: Sequence[Link]) -> str:
    """Return a Markdown list of links, each with its real expiry."""
    return "\n".join(
        f"- [{_escaped(link.key)}](<{link.url.reveal()}>) ({link.method}, until "
        f"{format_moment(link.expires)})"
        for link in links
    )


def as_csv(links: Sequence[Link]) -> str:
    """Return RFC 4180 rows of key, method, expiry and URL; formulas are disarmed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("key", "method", "expires", "url"))
    for link in links:
        key = f"'{link.key}" if link.key.startswith(_FORMULA) else link.key
        writer.writerow((key, link.method, iso_utc(link.expires), link.url.reveal()))
    return out.getvalue()


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in "\\[]<>`*_" else char for char in text)


#: Every form a list of links can be copied in.
FORMATS: tuple[tuple[str, Callable[[Sequence[Link]], str]], ...] = (
    ("Text", as_text),
    ("Markdown", as_markdown),
    ("CSV", as_csv),
)
