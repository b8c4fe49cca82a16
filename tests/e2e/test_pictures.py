"""`--screenshots` writes a picture of every tab and page, in both themes."""

import os
import subprocess
import sys
from pathlib import Path

from PySide6.QtGui import QImage

from gui.tabs.browser.pages import PAGES

_ROOT = Path(__file__).resolve().parents[2]
_TABS = ("credentials", "browser", "uploads", "links", "statistics", "backups", "bucket")


def test_every_tab_is_drawn_in_its_size_and_both_themes(tmp_path):
    arguments = ["--demo", "--screenshots", str(tmp_path), "--size", "1280x800"]
    ended = subprocess.run(
        [sys.executable, "-m", "gui", *arguments],
        cwd=_ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    shown = [f"{number:02}-{name}" for number, name in enumerate(_TABS, 1)]
    shown += [f"02-browser-{page}" for page in PAGES]
    names = sorted(f"{name}-{shade}.png" for name in shown for shade in ("light", "dark"))
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in names:
        picture = QImage(str(tmp_path / name))
        assert picture.size().toTuple() == (1280, 800)
        ground = picture.pixelColor(640, 60).lightness()
        assert (ground > 200) if "light" in name else (ground < 60)
        colours = {picture.pixel(x, y) for x in range(0, 1280, 7) for y in range(90, 770, 7)}
        assert len(colours) > 12, f"{name} is nearly blank"
