"""The line icons, drawn in colours of the theme."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from gui import theme

#: Width and height of an icon in device-independent pixels.
SIZE = 16
#: Device pixel ratios: Qt chooses the picture for the screen, also between two screens.
_SCALES = (1, 2, 3)


def icon(name: str, tone: str = "text") -> QIcon:
    """Return the icon `name` of `resources/icons` in a token's colour, crisp up to 300 %."""
    colours = theme.tokens()
    return _icon(name, getattr(colours, tone).name(), colours.line.name())


@lru_cache(maxsize=256)
def _icon(name: str, colour: str, disabled: str) -> QIcon:
    # A form has hundreds of buttons with the same few icons.
    made = QIcon()
    for scale in _SCALES:
        made.addPixmap(_drawn(name, colour, scale))
        made.addPixmap(_drawn(name, disabled, scale), QIcon.Mode.Disabled)
    return made


def pixmap(name: str, tone: str = "text", *, scale: int = 2) -> QPixmap:
    """Return the icon as a picture for a label."""
    return _drawn(name, getattr(theme.tokens(), tone).name(), scale)


@lru_cache(maxsize=512)
def _drawn(name: str, colour: str, scale: int) -> QPixmap:
    # Rendered from the text: Qt cannot recolour an SVG afterwards.
    source = (theme.RESOURCES / "icons" / f"{name}.svg").read_bytes()
    renderer = QSvgRenderer(QByteArray(source.replace(b"currentColor", colour.encode())))
    picture = QPixmap(QSize(SIZE, SIZE) * scale)
    picture.setDevicePixelRatio(scale)
    picture.fill(QColor(Qt.GlobalColor.transparent))
    painter = QPainter(picture)
    renderer.render(painter, QRectF(0, 0, SIZE, SIZE))
    painter.end()
    return picture
