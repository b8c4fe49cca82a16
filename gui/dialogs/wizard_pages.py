"""The static pages of the wizard."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from gui import theme
from gui.widgets.labels import Text, heading, muted_label, text_label
from gui.widgets.panel import card

_MARGINS = (24, 8, 24, 16)


def welcome(demo: QWidget, connect: QWidget, environment: QWidget, variables: str) -> QScrollArea:
    """Return the first page: a choice between the demo and the user's bucket.

    Args:
        demo: opens the demo.
        connect: opens the form.
        environment: opens the form, filled in from the environment.
        variables: the AWS variables that are set; empty for no such option.
    """
    cards = [
        card(
            heading("Explore the demo first"),
            paragraph(
                "An embedded server on this computer with sample candles, order books, users and "
                "backups. It needs no account, and no data leaves this computer."
            ),
            _left(demo),
            spacing=10,
        ),
        card(
            heading("Connect to your bucket"),
            paragraph(
                "Enter keys, or choose an AWS profile, the environment or a role. The connection "
                "is tested by writing, reading and deleting one small object."
            ),
            _left(connect),
            spacing=10,
        ),
    ]
    if variables:
        found = card(
            heading("Use the AWS environment variables"),
            paragraph(f"This program was started with {variables}."),
            _left(environment),
            spacing=10,
        )
        cards.insert(0, found)
    else:
        environment.setParent(cards[0])  # it is not a separate window
        environment.hide()
    about = "Market data, user data, secrets and backups of the platform, in your own S3 bucket."
    return scrolled(paragraph(about), *cards)


def scrolled(*parts: QWidget) -> QScrollArea:
    """Return a page with the widgets in a column, which scrolls on a small screen."""
    page = QWidget()
    box = QVBoxLayout(page)
    box.setContentsMargins(*_MARGINS)
    box.setSpacing(12)
    for part in parts:
        box.addWidget(part)
    box.addStretch(1)
    area = QScrollArea()
    area.setAccessibleName("Set-up page")
    area.setWidgetResizable(True)
    area.setWidget(page)
    return area


def paragraph(text: str) -> Text:
    """Return a muted paragraph."""
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
