"""The view of pictures, which are decoded only on request and with a memory limit."""

from __future__ import annotations

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt, Signal
from PySide6.QtGui import QImage, QImageReader, QPixmap, QResizeEvent
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

from core.preview import Picture, Problem
from core.preview.pictures import drawn_part
from core.units import format_size
from gui.widgets.empty import EmptyState
from gui.widgets.labels import muted_label

#: A small file may declare a picture of gigabytes.
_MEGABYTES = 64
_SIDE = 2048


class PictureView(QWidget):
    """One picture, decoded only on request, since decoders may be vulnerable to malicious files.

    Signals:
        wanted: the `Picture` that the user wants to see; answer with `show_image`, from a thread.
    """

    wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture = Picture("", b"")
        self._image = QImage()
        self._closed = EmptyState("", "", "Show the picture", self._on_wanted)
        self._label = QLabel()
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._label.setMinimumSize(40, 40)
        self._label.setAccessibleName("Picture")
        self._caption = muted_label()
        opened = QWidget()
        box = QVBoxLayout(opened)
        box.addWidget(self._label, 1)
        box.addWidget(self._caption, 0, Qt.AlignmentFlag.AlignHCenter)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._closed)
        self._stack.addWidget(opened)
        self.setMinimumHeight(200)

    def show_content(self, picture: Picture) -> None:
        """Show the properties of a picture and the button to open it."""
        self._picture = picture
        self._image = QImage()
        size = format_size(len(picture.data))
        if picture.width:
            pixels = f"{picture.width:,} x {picture.height:,} pixels"
            title = f"{picture.form} picture, {size}, {pixels}"
        else:
            title = f"{picture.form} picture, {size}"
        self._closed.set_text(
            title,
            "Pictures are opened only on request, since decoding a malicious file may be harmful.",
        )
        self._stack.setCurrentIndex(0)

    def go_to(self, problem: Problem) -> None:
        """Do nothing, since pictures have no rows."""

    def _on_wanted(self) -> None:
        self._closed.set_text("Opening…", "")
        self.wanted.emit(self._picture)

    def show_image(self, picture: Picture, image: QImage) -> None:
        """Show the decoded picture, or that it cannot be shown."""
        # The user has selected another object while this picture was decoded.
        if picture is not self._picture:
            return
        if image.isNull():
            self._closed.set_text("This picture cannot be shown", "It is corrupt or too large.")
            return
        self._image = image
        self._caption.setText(
            f"{picture.form}, {image.width():,} x {image.height():,} pixels shown"
        )
        self._fit()
        self._stack.setCurrentIndex(1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the picture into the new size."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._image.isNull():
            return
        ratio = self.devicePixelRatioF()
        # At most the size of the picture: enlarging it would only blur it.
        area = (QSize(self._label.width(), self._label.height()) * ratio).boundedTo(
            self._image.size()
        )
        mode = Qt.AspectRatioMode.KeepAspectRatio
        smooth = Qt.TransformationMode.SmoothTransformation
        pixmap = QPixmap.fromImage(self._image.scaled(area, mode, smooth))
        pixmap.setDevicePixelRatio(ratio)
        self._label.setPixmap(pixmap)


def decoded(picture: Picture) -> QImage:
    """Return the picture with at most 2,048 pixels per side; a null image if it is refused.

    Safe to call in a worker thread. Uses at most 64 MB for the decoded pixels.
    """
    QImageReader.setAllocationLimit(_MEGABYTES)
    # A buffer without a parent, because this function runs in a worker thread.
    device = QBuffer()
    device.setData(QByteArray(drawn_part(picture.form, picture.data)))
    device.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(device, QByteArray(picture.form.lower().encode()))
    # Only the decoder of the detected format may read the data, not every one that Qt would try.
    reader.setDecideFormatFromContent(False)
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid() and max(size.width(), size.height()) > _SIDE:
        reader.setScaledSize(size.scaled(_SIDE, _SIDE, Qt.AspectRatioMode.KeepAspectRatio))
    return reader.read()
