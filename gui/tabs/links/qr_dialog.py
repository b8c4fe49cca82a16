"""The QR code of a link, for a phone that has no other way to receive it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QLabel, QWidget

from core.links.make import Link
from core.links.render import qr_code
from gui.widgets.buttons import plain_button
from gui.widgets.dialog import Dialog
from gui.widgets.labels import muted_label, shown

#: Light modules around a code, which scanners need (ISO/IEC 18004), and its preferred size.
_BORDER, _SIZE = 4, 360
_TEXT = "Anyone who scans it, or sees a picture of it, can use the link until it expires."


class QRDialog(Dialog):
    """A dialog with the QR code of one link.

    Raises:
        InvalidInput: the link has no QR code; see `core.links.render.qr_code`.
    """

    def __init__(self, parent: QWidget | None, link: Link) -> None:
        super().__init__(parent, f"QR code for {link.key}", _TEXT, width=_SIZE + 40)
        image = _image(link)
        # A multiple of the modules: a blurred code cannot be scanned.
        factor = max(_SIZE // image.width(), 1)
        side = image.width() * factor
        label = QLabel()
        label.setPixmap(
            QPixmap.fromImage(
                image.scaled(
                    QSize(side, side),
                    Qt.AspectRatioMode.KeepAspectRatio,
                    Qt.TransformationMode.FastTransformation,
                )
            )
        )
        label.setAccessibleName(f"QR code of the link for {shown(link.key)}")
        label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        label.setFixedHeight(side)
        self.body.addWidget(label)
        end = muted_label()
        end.show_live(partial(_end, link))
        self.body.addWidget(end)
        self.add_buttons(plain_button("Close", self.reject))


def _end(link: Link) -> str:
    """Return when a link expires or has expired, as a sentence."""
    text = link.expiry_text
    return f"E{text[1:]}" if text.startswith("expired") else f"Expires {text}"


def _image(link: Link) -> QImage:
    """Return the code with one pixel for each module, black on white in every theme."""
    rows = [list(row) for row in qr_code(link).matrix_iter(border=_BORDER)]
    image = QImage(len(rows[0]), len(rows), QImage.Format.Format_Grayscale8)
    image.fill(Qt.GlobalColor.white)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                image.setPixel(x, y, 0xFF000000)
    return image
