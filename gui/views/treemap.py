"""The treemap: where the bytes are, folder by folder, to drill into by mouse or keyboard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from core.layout import kind_of
from core.model.statistics import Share
from core.units import format_count, format_size
from gui import theme
from gui.views.canvas import Canvas
from gui.views.squarify import squarified
from gui.widgets.labels import shown, tooltip

#: How many levels below the present folder one rectangle stands for, and how many there are.
_LEVELS, _MOST = 3, 400
_GAP = 2.0
#: Kinds have their colour in both themes; white text on them has a contrast of 4.5 and more.
_COLOURS = {
    "ohlcv": "#2f6fed",
    "orderbook": "#8250df",
    "trades": "#a15c00",
    "portfolio": "#b8324f",
    "user_trades": "#a8477f",
    "analytics": "#3b6e8f",
    "backup": "#12805c",
    "log": "#5b6675",
    "other": "#4f5b6b",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One rectangle: the folder it stands for (empty for the rest), and its sums."""

    folder: str
    label: str
    share: Share


def cells_of(folders: Sequence[Share], root: str) -> list[Cell]:
    """Return the rectangles below a folder, the largest first; what is too small is one of them."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    depth = root.count("/") + 1 if root else 0
    for share in folders:
        if root and share.name != root and not share.name.startswith(f"{root}/"):
            continue
        name = "/".join(share.name.split("/")[: depth + _LEVELS])
        sums[name][0] += share.objects
        sums[name][1] += share.size
    found = sorted(sums.items(), key=lambda item: (-item[1][1], item[0]))
    cells = [Cell(name, _label(name, root), Share(name, *two)) for name, two in found[:_MOST]]
    rest = [two for _, two in found[_MOST:]]
    if rest:
        share = Share("", sum(two[0] for two in rest), sum(two[1] for two in rest))
        cells.append(Cell("", f"{len(rest)} more", share))
    return [cell for cell in cells if cell.share.size > 0]


def _label(folder: str, root: str) -> str:
    """Return the folder's name below the root, two segments at most."""
    below = folder[len(root) + 1 :] if root and folder != root else folder
    return "/".join(below.split("/")[-2:])


class Treemap(Canvas):
    """Rectangles whose area is the size of what they stand for.

    Signals:
        opened: a rectangle was chosen by click or Enter: its folder.
        left: the user asks for the folder above (Backspace).
    """

    opened = Signal(str)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cells: list[Cell] = []
        self._places: list[QRectF] = []
        self._chosen = -1
        self.setMouseTracking(True)
        self.setMinimumSize(200, 160)
        self.setAccessibleName("Treemap of sizes")

    def show_cells(self, cells: list[Cell]) -> None:
        """Show other rectangles."""
        self._cells, self._chosen = cells, -1
        told = [f"{c.label} {format_size(c.share.size)}" for c in cells[:20]]
        self.setAccessibleDescription("; ".join(told))
        self.redraw()

    @property
    def cells(self) -> list[Cell]:
        """The rectangles that are shown."""
        return self._cells

    def draw(self, painter: QPainter) -> None:
        """Draw all rectangles."""
        painter.fillRect(self.rect(), theme.tokens().panel)
        area = QRectF(self.rect()).adjusted(8, 8, -8, -8)
        self._places = squarified([cell.share.size for cell in self._cells], area)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for cell, place in zip(self._cells, self._places, strict=True):
            self._draw_cell(painter, cell, place.adjusted(0, 0, -_GAP, -_GAP))

    def draw_over(self, painter: QPainter) -> None:
        """Mark the chosen rectangle."""
        if 0 <= self._chosen < len(self._places):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.tokens().text, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self._places[self._chosen].adjusted(1, 1, -3, -3), 3, 3)
        self.draw_focus(painter)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark what is under the pointer."""
        self._choose(self._at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Mark nothing."""
        super().leaveEvent(event)
        if not self.hasFocus():
            self._choose(-1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open what was clicked."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._open(self._at(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk by size, Enter opens, Backspace goes up."""
        key, last = event.key(), len(self._cells) - 1
        if key in {Qt.Key.Key_Right, Qt.Key.Key_Down}:
            self._choose(min(self._chosen + 1, last))
        elif key in {Qt.Key.Key_Left, Qt.Key.Key_Up}:
            self._choose(max(self._chosen - 1, 0))
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._open(self._chosen)
        elif key == Qt.Key.Key_Backspace:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Tell what is under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            number = self._at(QPointF(event.pos()))
            text = self._told(number)
            QToolTip.showText(event.globalPos(), tooltip(text) if text else "", self)
            return True
        return super().event(event)

    def _told(self, number: int) -> str:
        if number < 0:
            return ""
        cell = self._cells[number]
        name = cell.folder or cell.label
        count = format_count(cell.share.objects)
        return f"{name}\n{format_size(cell.share.size)} in {count} objects"

    def _at(self, point: QPointF) -> int:
        return next((n for n, place in enumerate(self._places) if place.contains(point)), -1)

    def _choose(self, number: int) -> None:
        if number != self._chosen:
            self._chosen = number
            if self.hasFocus() and number >= 0:
                self.setAccessibleDescription(self._told(number).replace("\n", ", "))
            self.update()

    def _open(self, number: int) -> None:
        if number >= 0 and self._cells[number].folder:
            self.opened.emit(self._cells[number].folder)

    def _draw_cell(self, painter: QPainter, cell: Cell, place: QRectF) -> None:
        if place.width() < 1 or place.height() < 1:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(_COLOURS[kind_of(f"{cell.folder}/")]))
        painter.drawRoundedRect(place, 3, 3)
        if place.width() > 48 and place.height() > 20:
            self._draw_text(painter, cell, place.adjusted(8, 4, -6, -4))

    @staticmethod
    def _draw_text(painter: QPainter, cell: Cell, inner: QRectF) -> None:
        painter.setPen(QColor("#ffffff"))
        painter.setFont(theme.bold_font(12))
        metrics = painter.fontMetrics()
        label = metrics.elidedText(
            shown(cell.label), Qt.TextElideMode.ElideRight, int(inner.width())
        )
        line = QRectF(inner.x(), inner.y(), inner.width(), metrics.height())
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, label)
        if inner.height() > 32:
            painter.setFont(theme.text_font(11, tabular=True))
            below = line.translated(0, metrics.height() + 1)
            painter.drawText(below, Qt.AlignmentFlag.AlignLeft, format_size(cell.share.size))
