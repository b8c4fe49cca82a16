"""Elides a name so that the part that differs from its neighbours stays visible."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable

from PySide6.QtCore import Qt, QTextBoundaryFinder
from PySide6.QtGui import QFontMetrics

_DOTS = "…"
#: A time as it is displayed; its end is elided first, since the day matters most.
_MOMENT = re.compile(
    r"\d{1,2} [A-Z][a-z]{2} \d{4}\b.*|\d{4}-\d{2}-\d{2}([ T][\d:.]+)?( ?(Z|UTC|[+-]\d{2}:\d{2}))?"
)
_PARTS = re.compile(r"(\d{1,2} [A-Z][a-z]{2})( \d{4})( \d{2}:\d{2})?(:\d{2})?")
#: Shorter forms of a time as numbers of its parts, the most complete first.
_MOMENT_FORMS = ((0, 1, 2, 3), (0, 1, 2), (0, 2), (0, 2, 3), (0, 1), (0,))
#: The parts by importance: year, day, minute, second.
_IMPORTANCE = (1, 0, 2, 3)
#: A time within a sentence, and its shorter forms: without the zone, the seconds, the year.
_WITHIN = re.compile(
    r"(\d{1,2} [A-Z][a-z]{2})( \d{4})( \d{2}:\d{2})(:\d{2})?( UTC(?:[+-]\d{1,2}(?::\d{2})?)?)?"
)
_SHORTER = (r"\1\2\3\4", r"\1\2\3", r"\1\3")


def fitted_text(text: str, metrics: QFontMetrics, width: int) -> str:
    """Return a text to be wrapped, of which no part without a line break is wider than `width`.

    Wider parts, such as keys without slashes, are elided in the middle.

    Args:
        text: the complete text.
        metrics: measures the font in which it is drawn.
        width: the available width in pixels.
    """
    if metrics.horizontalAdvance(text) <= width:
        return text
    return "".join(_fitted_part(part, metrics, width) for part in _unbreakable_parts(text))


def _fitted_part(part: str, metrics: QFontMetrics, width: int) -> str:
    # Blanks at the end of a line are not drawn.
    word = part.rstrip()
    if metrics.horizontalAdvance(word) <= width:
        return part
    return metrics.elidedText(word, Qt.TextElideMode.ElideMiddle, width) + part[len(word) :]


def _unbreakable_parts(text: str) -> Iterable[str]:
    """Divide a text at the places where Qt may break a line."""
    # Qt counts UTF-16 code units, Python code points.
    units = text.encode("utf-16-le", "surrogatepass")
    finder = QTextBoundaryFinder(QTextBoundaryFinder.BoundaryType.Line, text)
    begin = 0
    while (end := finder.toNextBoundary()) > begin:
        yield units[2 * begin : 2 * end].decode("utf-16-le", "surrogatepass")
        begin = end
    yield units[2 * begin :].decode("utf-16-le", "surrogatepass")


def elided_name(text: str, neighbours: Collection[str], metrics: QFontMetrics, width: int) -> str:
    """Return a text elided to a width, with the part that differs from its neighbours.

    Of a key, folders that its name repeats are left out, as in `BTC-USD/…/2024-01-15.json`; of one
    below a shared folder also the beginning, as in `…/01/15/10.json`. Of another
    text the middle is if the differing part survives that; else the shared beginning, as in
    `…15T10:00:00Z.json`; else all but the beginning of the differing part.

    Args:
        text: the complete text.
        neighbours: the texts of the rows next to it.
        metrics: measures the font in which it is drawn.
        width: the available width in pixels.
    """
    if metrics.horizontalAdvance(text) <= width:
        return text
    if is_moment(text):
        return _elided_moment(text, neighbours, metrics, width)
    begin, end = differing_part(text, neighbours)
    path = _without_repetition(text, begin, neighbours, metrics, width)
    path = path or _elided_path(text, begin, metrics, width)
    return path or _elided_differing(text, (begin, end), metrics, width)


def _elided_differing(
    text: str, differing: tuple[int, int], metrics: QFontMetrics, width: int
) -> str:
    """Return a text elided in the middle, or else before or after its differing part."""
    begin, end = differing
    middle = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, width)
    head, dots, tail = middle.partition(_DOTS)
    # The cut of the middle does not touch the differing part.
    if not dots or begin == end or end <= len(head) or begin >= len(text) - len(tail):
        return middle
    left = metrics.elidedText(text, Qt.TextElideMode.ElideLeft, width)
    start = len(text) - (len(left) - len(_DOTS))
    if begin >= start:
        # The text begins with a complete word or number, which is easier to recognise.
        while start < begin and text[start - 1].isalnum():
            start += 1
        return _DOTS + text[start:]
    # The dots are as long as one character that they replace, such as a quotation mark.
    rest = text if begin <= len(_DOTS) else _DOTS + text[begin:]
    return metrics.elidedText(rest, Qt.TextElideMode.ElideRight, width)


def _without_repetition(
    text: str, begin: int, neighbours: Collection[str], metrics: QFontMetrics, width: int
) -> str:
    """Return a key without the folders that its name repeats, and without those that it shares.

    Empty if there are none, if a neighbour could be shown in the same way, or if the rest does not
    fit.
    """
    *folders, name = text.split("/")
    first = len(folders)
    while first and folders[first - 1] and folders[first - 1] in name:
        first -= 1
    # A single folder is as short as what would be shown instead of it.
    if not 0 < first < len(folders) - 1:
        return ""
    alike = [each for each in neighbours if each != text and each.endswith(f"/{name}")]
    left, start = 0, 0
    while left < first and start <= begin:
        shared = "/".join(folders[left:first])
        path = "/".join([_DOTS] * bool(left) + [shared, _DOTS, name])
        if metrics.horizontalAdvance(path) <= width:
            # A neighbour of the same name may differ only in what is left out.
            return "" if any(f"/{shared}/" in f"/{each}" for each in alike) else path
        start += len(folders[left]) + 1
        left += 1
    return ""


def _elided_path(text: str, begin: int, metrics: QFontMetrics, width: int) -> str:
    """Return `…/` and as many of the last parts of a key as fit; "" if `begin` would be left out."""
    cut = text.find("/")
    while 0 < cut < begin:
        path = _DOTS + text[cut:]
        if metrics.horizontalAdvance(path) <= width:
            return path
        cut = text.find("/", cut + 1)
    return ""


def elided_sentence(text: str, metrics: QFontMetrics, mode: Qt.TextElideMode, width: int) -> str:
    """Return a sentence elided to a width; times in it are shortened first.

    Args:
        text: the complete text.
        metrics: measures the font in which it is drawn.
        mode: where to elide if no shorter form of a time fits.
        width: the available width in pixels.
    """
    shorter = text
    for form in ("", *_SHORTER):
        shorter = _WITHIN.sub(form, text) if form else text
        if metrics.horizontalAdvance(shorter) <= width:
            return shorter
    return metrics.elidedText(shorter, mode, width)


def is_moment(text: str) -> bool:
    """Return whether a text is a time as formatted by the program."""
    return _MOMENT.fullmatch(text) is not None


def differing_part(text: str, neighbours: Iterable[str]) -> tuple[int, int]:
    """Return start and end of the part in which a text differs from its most similar neighbour.

    It begins at the start of a word or number. Both are 0 if nothing can be compared.
    """
    others = [other for other in neighbours if other and other != text]
    if not others:
        return 0, 0
    # Compared with the most similar neighbour, from which the name is hardest to distinguish.
    nearest = max(others, key=lambda other: _shared(text, other))
    begin = _shared(text, nearest)
    # Beginning and end must not overlap, as in `aa` and `aaa`.
    most = min(len(text), len(nearest)) - begin
    behind = min(_shared(text[::-1], nearest[::-1]), most)
    end = len(text) - behind
    while begin and text[begin - 1].isalnum():
        begin -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    return begin, max(end, begin + 1)


def _elided_moment(text: str, neighbours: Iterable[str], metrics: QFontMetrics, width: int) -> str:
    """Return a shorter form, with the parts in which the neighbours differ if they fit.

    Otherwise the zone, the seconds, the year and finally the time are omitted until it fits.
    """
    parts = _parts(text)
    if parts is None:
        return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)
    others = [other for each in neighbours if (other := _parts(each)) is not None]
    differing = {at for at in range(4) if any(other[at] != parts[at] for other in others)}
    fitting = [
        form
        for form in _MOMENT_FORMS
        if metrics.horizontalAdvance("".join(parts[at] for at in form)) <= width
    ]
    if not fitting:
        return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)
    chosen = max(fitting, key=lambda form: [at in form for at in _IMPORTANCE if at in differing])
    return "".join(parts[at] for at in chosen)


def _parts(text: str) -> tuple[str, str, str, str] | None:
    """Return day, year, minute and second of a time as texts."""
    found = _PARTS.match(text)
    if found is None:
        return None
    day, year, minute, second = (part or "" for part in found.groups())
    return day, year, minute, second


def _shared(one: str, other: str) -> int:
    return len(os.path.commonprefix([one, other]))  # noqa: RUF071 - letter by letter is wanted
