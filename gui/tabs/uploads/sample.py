"""A few small files for screenshots."""

from __future__ import annotations

import json

from core.paths import cache_dir


def sample_folder() -> str:
    """Write two folders of small reports into a folder of the cache and return that folder."""
    root = cache_dir() / "imports"
    folders = (root / "reports-2024", root / "reports-2025")
    for folder, count in zip(folders, (12, 40), strict=True):
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, count + 1):
            body = {"report_type": "daily", "analysis": {"day": number, "volume": number * 1021}}
            text = json.dumps(body, indent=2) + " " * (number * 731)
            (folder / f"daily-{number:02}.json").write_text(text)
    return str(root)
