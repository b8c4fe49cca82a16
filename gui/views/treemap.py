"""The treemap of sizes by folder; each tile is a folder that can be opened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QToolTip, QWidget

from core.layout.parsing import kind_of
from core.model.statistics import Share
from core.units import format_counted, format_size
from gui import theme
from gui.views.canvas import Canvas
from gui.views.squarify import Direction, neighbour, squarified
from gui.widgets.labels import shown, tooltip

#: Maximum depth of the folder of a tile below the folder shown, and maximum number of tiles.
_LEVELS, _MOST = 3, 400
_GAP = 2.0
_OTHER_MODIFIERS = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ControlModifier
_ARROWS = {
    Qt.Key.Key_Left: Direction.LEFT,
    Qt.Key.Key_Right: Direction.RIGHT,
    Qt.Key.Key_Up: Direction.UP,
    Qt.Key.Key_Down: Direction.DOWN,
}
#: Colours of kinds in both themes; white text on them has a contrast of at least 4.5.
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
    """One tile: its folder and total.

    `folder` is empty for the tile of all folders that are too small for a separate one. `enterable`
    is False for that tile, and for the objects directly in the folder shown.
    """

    folder: str
    label: str
    share: Share
    enterable: bool = True

    @property
    def text(self) -> str:
        """The complete name with size and count, in two lines."""
        objects = format_counted(self.share.objects, "object")
        name = self.folder if self.enterable else self.label
        return f"{name}\n{format_size(self.share.size)} in {objects}"


def cells_of(folders: Sequence[Share], root: str) -> list[Cell]:
    """Return the tiles below a folder, the largest first; the smallest ones share a tile."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    # Below the folder shown, so that opening a tile reveals the next levels.
    depth = (root.count("/") + 1 if root else 0) + _LEVELS
    for share in folders:
        if root and share.name != root and not share.name.startswith(f"{root}/"):
            continue
        group = sums["/".join(share.name.split("/", depth)[:depth])]
        group[0] += share.objects
        group[1] += share.size
    found = sorted(sums.items(), key=lambda item: (-item[1][1], item[0]))
    cells = [_cell(name, Share(name, *two), root) for name, two in found[:_MOST]]
    rest = [two for _, two in found[_MOST:]]
    if rest:
        share = Share("", sum(two[0] for two in rest), sum(two[1] for two in rest))
        label = format_counted(len(rest), "smaller folder")
        cells.append(Cell("", label, share, enterable=False))
    # Empty files have no area.
    return [cell for cell in cells if cell.share.size > 0]


def _cell(name: str, share: Share, root: str) -> Cell:
    """Return a tile with its name below the root."""
    if name == root:
        return Cell(name, "Objects in this folder", share, enterable=False)
    below = name[len(root) + 1 :] if root else name
    return Cell(name, below, share)


class _TileButton(QAbstractButton):
    """An invisible button over a tile, through which a screen reader can press it.

    Qt builds the accessible tree from child widgets. Interfaces written in Python for painted tiles
    would have to be deleted by Qt and by Python at the same time, so real widgets are used.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.cell: Cell | None = None
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the arrow keys of the treemap reach all tiles
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw nothing: the treemap draws the tile."""


class Treemap(Canvas):
    """Tiles whose areas are proportional to sizes.

    The pointer marks the tile below it, the arrow keys go to the next tile in their direction. A
    screen reader gets the marked tile as the description, and a button for each tile that is large
    enough for a name.

    Signals:
        entered: a tile was clicked, or Enter pressed on it; the folder.
        left: the user wants to show the parent folder (Backspace).
        menu_wanted: a tile's folder, and the screen position for its menu.
    """

    entered = Signal(str)
    left = Signal()
    menu_wanted = Signal(str, QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cells: list[Cell] = []
        self._places: list[QRectF] = []
        self._chosen = -1
        #: The tile on which the mouse button was pressed; with None a release has no effect.
        self._pressed: Cell | None = None
        self._buttons: list[_TileButton] = []
        self.setMouseTracking(True)
        self.setMinimumSize(200, 120)
        self.setAccessibleName("Treemap of sizes")

    def show_cells(self, cells: list[Cell]) -> None:
        """Show other tiles; the marked one stays marked if its folder is among them."""
        folder = self.current.folder if self.current else None
        self._cells = cells
        self._chosen = next((n for n, cell in enumerate(cells) if cell.folder == folder), -1)
        # With the focus a tile must be marked, because Enter opens the marked one.
        if self._chosen < 0 and cells and self.hasFocus():
            self._chosen = 0
        self._describe()
        self.redraw()
        self._place_buttons()

    @property
    def cells(self) -> list[Cell]:
        """The tiles shown."""
        return self._cells

    @property
    def current(self) -> Cell | None:
        """The marked tile."""
        return self._cells[self._chosen] if 0 <= self._chosen < len(self._cells) else None

    def place_of(self, cell: Cell) -> QRectF:
        """Return the area of a tile."""
        self._lay_out()
        return self._places[self._cells.index(cell)]

    def redraw(self) -> None:
        """Lay out the tiles and draw everything again."""
        self._places = []
        super().redraw()

    def draw(self, painter: QPainter) -> None:
        """Draw all tiles."""
        painter.fillRect(self.rect(), theme.tokens().panel)
        self._lay_out(force=True)
        if not self._cells:
            painter.setPen(theme.tokens().muted)
            text = "The objects of this folder are empty: there is no size to show."
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for cell, place in zip(self._cells, self._places, strict=True):
            self._draw_cell(painter, cell, place.adjusted(0, 0, -_GAP, -_GAP))

    def draw_over(self, painter: QPainter) -> None:
        """Draw the mark of the current tile, which the pointer or the keyboard has selected."""
        if 0 <= self._chosen < len(self._places):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.tokens().text, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self._places[self._chosen].adjusted(1, 1, -3, -3), 3, 3)
        self.draw_focus(painter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the tiles out in the new size."""
        super().resizeEvent(event)
        self._places = []
        self._place_buttons()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark the tile under the pointer."""
        number = self._at(event.position())
        self._choose(number)
        enterable = number >= 0 and self._cells[number].enterable
        hand, arrow = Qt.CursorShape.PointingHandCursor, Qt.CursorShape.ArrowCursor
        self.setCursor(hand if enterable else arrow)

    def leaveEvent(self, event: QEvent) -> None:
        """Remove the mark unless the treemap has the keyboard focus."""
        super().leaveEvent(event)
        if not self.hasFocus():
            self._choose(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Store the pressed tile, since a click is a press and release on the same tile."""
        super().mousePressEvent(event)
        number = self._at(event.position())
        left = event.button() == Qt.MouseButton.LeftButton
        self._pressed = self._cells[number] if left and number >= 0 else None
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Ignore double clicks, since the first click has replaced the tiles."""
        self._pressed = None
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Enter the tile that was clicked."""
        pressed, self._pressed = self._pressed, None
        number = self._at(event.position())
        if pressed is not None and number >= 0 and self._cells[number].folder == pressed.folder:
            self._enter(number)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Request the menu of the tile under the pointer, or of the marked one."""
        keyboard = event.reason() == QContextMenuEvent.Reason.Keyboard
        number = self._chosen if keyboard else self._at(QPointF(event.pos()))
        if 0 <= number < len(self._places) and self._cells[number].folder:
            place = self._places[number].center().toPoint() if keyboard else event.pos()
            self.menu_wanted.emit(self._cells[number].folder, self.mapToGlobal(place))

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Mark the largest tile if none is marked, so that Enter has a target."""
        super().focusInEvent(event)
        if self._chosen < 0 and self._cells:
            self._choose(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle arrows (next tile), Home and End (largest, smallest), Enter and Backspace."""
        key, last = Qt.Key(event.key()), len(self._cells) - 1
        if event.modifiers() & _OTHER_MODIFIERS:  # not a key of the treemap
            super().keyPressEvent(event)
        elif key in _ARROWS and self._cells:
            self._lay_out()
            self._choose(neighbour(self._places, max(self._chosen, 0), _ARROWS[key]))
            self._announce()
        elif key in {Qt.Key.Key_Home, Qt.Key.Key_End}:
            self._choose(min(0, last) if key == Qt.Key.Key_Home else last)
            self._announce()
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._enter(self._chosen)
        elif key == Qt.Key.Key_Backspace:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Show a tooltip for the tile under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            number = self._at(QPointF(event.pos()))
            text = self._cells[number].text if number >= 0 else ""
            QToolTip.showText(event.globalPos(), tooltip(text) if text else "", self)
            return True
        return super().event(event)

    def _lay_out(self, *, force: bool = False) -> None:
        if force or len(self._places) != len(self._cells):
            area = QRectF(self.rect()).adjusted(8, 8, -8, -8)
            self._places = squarified([cell.share.size for cell in self._cells], area)

    def _at(self, point: QPointF) -> int:
        self._lay_out()
        return next((n for n, place in enumerate(self._places) if place.contains(point)), -1)

    def _choose(self, number: int) -> None:
        if number != self._chosen:
            self._chosen = number
            self._describe()
            self.update()

    def _describe(self) -> None:
        """Describe the marked tile for screen readers, or the largest ones without a mark."""
        if self.current is not None:
            text = self.current.text.replace("\n", ", ")
            self.setAccessibleDescription(f"{text}, tile {self._chosen + 1} of {len(self._cells)}")
        else:
            # The largest ones: a screen reader reads the description aloud.
            labels = [f"{c.label} {format_size(c.share.size)}" for c in self._cells[:20]]
            self.setAccessibleDescription("; ".join(labels))

    def _announce(self) -> None:
        """Announce the marked tile: screen readers do not read a changed description themselves."""
        if QAccessible.isActive():
            text = self.accessibleDescription()
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def _place_buttons(self) -> None:
        """Move the buttons to the tiles that can be entered and have room for a name."""
        self._lay_out()
        tiles = [
            (cell, place)
            for cell, place in zip(self._cells, self._places, strict=True)
            if cell.enterable and _has_room(place)
        ]
        while len(self._buttons) < len(tiles):
            self._buttons.append(self._button())
        for button, (cell, place) in zip(self._buttons, tiles, strict=False):
            button.cell = cell
            button.setAccessibleName(shown(cell.text.replace("\n", ", ")))
            # Without the gap: rounded to pixels, neighbouring buttons would overlap.
            button.setGeometry(place.adjusted(0, 0, -_GAP, -_GAP).toAlignedRect())
            button.show()
        # Hidden, not deleted: a press replaces the tiles while its button still emits the signal.
        for button in self._buttons[len(tiles) :]:
            button.hide()

    def _button(self) -> _TileButton:
        button = _TileButton(self)
        button.clicked.connect(lambda _checked=False: self._enter_cell(button.cell))
        return button

    def _enter_cell(self, cell: Cell | None) -> None:
        if cell is not None and cell in self._cells:
            self._enter(self._cells.index(cell))

    def _enter(self, number: int) -> None:
        if 0 <= number < len(self._cells) and self._cells[number].enterable:
            self.entered.emit(self._cells[number].folder)

    def _draw_cell(self, painter: QPainter, cell: Cell, place: QRectF) -> None:
        if place.width() < 1 or place.height() < 1:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(_COLOURS[kind_of(f"{cell.folder}/")]))
        painter.drawRoundedRect(place, 3, 3)
        if _has_room(place):
            self._draw_text(painter, cell, place.adjusted(8, 4, -6, -4))

    @staticmethod
    def _draw_text(painter: QPainter, cell: Cell, inner: QRectF) -> None:
        painter.setPen(QColor("#ffffff"))
        painter.setFont(theme.bold_font(12))
        metrics = QFontMetricsF(painter.font())
        line = QRectF(inner.x(), inner.y(), inner.width(), metrics.height())
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, _fitting(cell.label, metrics, line))
        size = format_size(cell.share.size)
        painter.setFont(theme.text_font(11, tabular=True))
        wide = QFontMetricsF(painter.font()).horizontalAdvance(size)
        # The size only follows if it is complete: a shortened number is a wrong one.
        if inner.height() > 32 and wide <= inner.width():
            below = line.translated(0, metrics.height() + 1)
            painter.drawText(below, Qt.AlignmentFlag.AlignLeft, size)


def _has_room(place: QRectF) -> bool:
    """Return whether a tile is large enough for its name."""
    return place.width() > 48 and place.height() > 20


def _fitting(label: str, metrics: QFontMetricsF, line: QRectF) -> str:
    """Return as many of the last segments of a label as fit, or the last one elided."""
    text = shown(label)
    while "/" in text and metrics.horizontalAdvance(text) > line.width():
        text = text.partition("/")[2]
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, line.width())
