"""The layout and texts that the object list, the trash and the preview share."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from core.errors import AccessDenied, StorageError
from gui import actions, theme
from gui.widgets.labels import Text

#: The permission to list a folder, and what to do if it is missing for a folder above.
_LIST = "s3:ListBucket"
_OTHER_FOLDER = f"“{actions.tip('go_to')}” opens a folder below, which these keys may list."


def lay_out_list_pane(
    pane: QWidget,
    head: QWidget,
    tools: Sequence[QWidget],
    body: QWidget,
    foot: Sequence[QWidget],
) -> None:
    """Lay out a list with a header, its tools, and a footer with the number of rows.

    Args:
        pane: the widget to lay out.
        head: a bar of 36 px that shows where the rows are from.
        tools: the filter, which takes the free width, and buttons.
        body: the list, or what is shown instead.
        foot: the number of rows, which takes the free width, and buttons.
    """
    for label in foot:
        if isinstance(label, Text):
            label.setFont(theme.number_font(12))
    box = QVBoxLayout(pane)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(0)
    box.addWidget(head)
    box.addWidget(bar(*tools))
    box.addWidget(body, 1)
    box.addWidget(bar(*foot, surface="foot", height=theme.STATUS))


def remedy_of(error: StorageError) -> str:
    """Return what to do about a failure, and the missing permission if access was denied."""
    if isinstance(error, AccessDenied) and error.action:
        # The list of a folder below may be permitted, but nothing shows its name.
        other = f" {_OTHER_FOLDER}" if error.action == _LIST else ""
        return f"This needs {error.action}. {error.remedy}{other}"
    return error.remedy


def bar(
    *parts: QWidget,
    before: Sequence[QWidget] = (),
    surface: str = "bar",
    height: int = theme.SECTION,
) -> QFrame:
    """Return widgets in a row with a thin line; the first one takes the free width.

    Args:
        parts: the widgets.
        before: widgets at the left of the first one, which have their sizes.
        surface: the appearance in the style sheet.
        height: the height in pixels.
    """
    frame = QFrame()
    frame.setProperty("surface", surface)
    frame.setFixedHeight(height)
    line = QHBoxLayout(frame)
    line.setContentsMargins(12, 0, 12, 0)
    line.setSpacing(8)
    for part in (*before, *parts):
        line.addWidget(part)
    line.setStretch(len(before), 1)
    return frame
