"""The pages of the first-start wizard, as far as they are only words and places."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from gui import theme
from gui.widgets.labels import Text, heading, muted_label, text_label
from gui.widgets.panel import card

_MARGINS = (24, 8, 24, 16)


def welcome(demo: QWidget, connect: QWidget) -> QWidget:
    """Return the first page: the demo, or one's own bucket."""
    page = QWidget()
    box = QVBoxLayout(page)
    box.setContentsMargins(*_MARGINS)
    box.setSpacing(12)
    box.addWidget(
        words("Market data, user data, secrets and backups of the platform, in your own S3 bucket.")
    )
    box.addWidget(
        card(
            heading("Look around first"),
            words(
                "An embedded server on this computer with sample candles, order books, users and "
                "backups. It needs no account, and nothing leaves this computer."
            ),
            _left(demo),
            spacing=10,
        )
    )
    box.addWidget(
        card(
            heading("Connect to your bucket"),
            words(
                "Enter keys, or choose an AWS profile, the environment or a role. The connection "
                "is tested by writing, reading and removing one small object."
            ),
            _left(connect),
            spacing=10,
        )
    )
    box.addStretch(1)
    return page


def scrolled(*parts: QWidget) -> QScrollArea:
    """Return the widgets below each other on a page that scrolls when the screen is small."""
    page = QWidget()
    box = QVBoxLayout(page)
    box.setContentsMargins(*_MARGINS)
    box.setSpacing(12)
    for part in parts:
        box.addWidget(part)
    box.addStretch(1)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setWidget(page)
    return area


def words(text: str) -> Text:
    """Return a quiet paragraph."""
    return muted_label(text, wrap=True)


def big(text: str) -> Text:
    """Return the title of a page."""
    label = text_label(text)
    label.setFont(theme.bold_font(theme.FIGURE_SIZE))
    label.setContentsMargins(24, 20, 24, 8)
    return label


def _left(button: QWidget) -> QWidget:
    holder = QWidget()
    box = QHBoxLayout(holder)
    box.setContentsMargins(0, 0, 0, 0)
    box.addWidget(button)
    box.addStretch(1)
    return holder
