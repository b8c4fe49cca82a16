"""Links as plain text, Markdown, HTML, CSV or QR codes. Anyone with the result can use the links."""

from __future__ import annotations

import csv
import html
import io
import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from core.errors import InvalidInput
from core.links.make import Link
from core.units import format_moment, iso_utc

if TYPE_CHECKING:
    from segno import QRCode

#: Characters that start a formula in a spreadsheet (OWASP ASVS 5, 1.2.10).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")
#: The largest QR code holds 2,953 bytes at its lowest level of error correction (ISO/IEC 18004).
QR_BYTES = 2953


def as_text(links: Sequence[Link]) -> str:
    """Return one URL per line; for a form, a curl command that uploads the file FILE."""
    return "\n".join(_curl_command(link) if link.form else link.url.reveal() for link in links)


def as_markdown(links: Sequence[Link]) -> str:
    """Return a Markdown list of links, each with its actual expiry; forms are code blocks."""
    return "\n".join(map(_markdown_item, links))


def as_html(links: Sequence[Link]) -> str:
    """Return a web page with the links and forms, which needs no other file and no script."""
    items = "\n".join(map(_html_item, links))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        # The address of this page must not be sent to the server of the links.
        '<meta name="referrer" content="no-referrer"><title>Links</title></head><body>\n'
        f"<ul>\n{items}\n</ul>\n</body></html>\n"
    )


def as_csv(links: Sequence[Link]) -> str:
    """Return RFC 4180 rows of key, method, expiry and URL; formulas are escaped."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("key", "method", "expires", "url"))
    for link in links:
        key = f"'{link.key}" if link.key.startswith(_FORMULA) else link.key
        url = _curl_command(link) if link.form else link.url.reveal()
        writer.writerow((key, link.method, iso_utc(link.expires), url))
    return out.getvalue()


def qr_code(link: Link) -> QRCode:
    """Return the QR code of a link.

    Raises:
        InvalidInput: the link is a form, or its URL is too long for a QR code.
    """
    import segno

    url = link.url.reveal()
    if link.form is not None:
        raise InvalidInput(
            "A form has no QR code",
            cause="It consists of fields that are sent with the file, not of a URL.",
            remedy="Copy the form as HTML, or create an upload link.",
            subject=link.key,
        )
    if len(url.encode()) > QR_BYTES:
        raise InvalidInput(
            f"The link for {link.key} is too long for a QR code",
            cause=f"A QR code holds up to {QR_BYTES:,} bytes. Links that are signed with temporary "
            "credentials contain their session token, which is long.",
            remedy="Send the link as text.",
            subject=link.key,
        )
    # The version number follows from the length; boosting the error correction costs no space.
    return segno.make(url, error="l", micro=False, boost_error=True)


def _markdown_item(link: Link) -> str:
    until = f"({link.method}, until {format_moment(link.expires)})"
    if link.form is not None:
        return f"- {_escaped(link.key)} {until}\n\n      {_curl_command(link)}\n"
    return f"- [{_escaped(link.key)}](<{link.url.reveal()}>) {until}"


def _html_item(link: Link) -> str:
    url, key = html.escape(link.url.reveal()), html.escape(link.key)
    until = html.escape(f"{link.method}, until {format_moment(link.expires)}")
    if link.form is None:
        return f'<li><a href="{url}" rel="noreferrer">{key}</a> ({until})</li>'
    fields = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in link.form.revealed_fields().items()
    )
    # S3 ignores fields after the file, so it is the last one.
    return (
        f'<li>{key} ({until})<form action="{url}" method="post" '
        f'enctype="multipart/form-data">{fields}<input type="file" name="file" required>'
        "<button>Upload</button></form></li>"
    )


def _curl_command(link: Link) -> str:
    """Return the command that sends a form with the file FILE."""
    assert link.form is not None
    # `--form-string` takes a value literally, while `-F` reads a file after @ or <.
    fields = (
        f"--form-string {_shell_word(f'{name}={value}')}"
        for name, value in link.form.revealed_fields().items()
    )
    return f"curl {' '.join(fields)} -F file=@FILE {shlex.quote(link.url.reveal())}"


def _escaped(text: str) -> str:
    # Keys are arbitrary text and must not become Markdown, for example another link or, after a
    # line break, a heading.
    plain = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return "".join(f"\\{char}" if char in "\\[]<>`*_" else char for char in plain)


def _shell_word(text: str) -> str:
    """Return a word of a command line, on one line whatever characters it has."""
    if text.isprintable():
        return shlex.quote(text)
    escaped = "".join(
        char
        if char.isprintable() and char not in "\\'"
        else "".join(f"\\x{b:02x}" for b in char.encode())
        for char in text
    )
    return f"$'{escaped}'"


#: Formats in which a list of links can be copied.
FORMATS: tuple[tuple[str, Callable[[Sequence[Link]], str]], ...] = (
    ("Text", as_text),
    ("Markdown", as_markdown),
    ("HTML", as_html),
    ("CSV", as_csv),
)
