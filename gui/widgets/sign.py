"""A label with an icon in a colour of the theme."""

from __future__ import annotations

from gui import theme
from gui.widgets.icons import pixmap
from gui.widgets.labels import Text


class Sign(Text):
    """An icon that is drawn again when the theme changes; a pixmap alone would stay as it is.

    Args:
        name: the icon, as in `pixmap`; empty for none yet.
        tone: the token of its colour.
    """

    def __init__(self, name: str = "", tone: str = "text") -> None:
        super().__init__()
        self._name, self._icon_tone = name, tone
        self._paint()
        theme.current().changed.connect(self._paint)

    def show_icon(self, name: str, tone: str) -> None:
        """Show another icon or colour."""
        self._name, self._icon_tone = name, tone
        self._paint()

    def _paint(self) -> None:
        if self._name:
            self.setPixmap(pixmap(self._name, self._icon_tone))
