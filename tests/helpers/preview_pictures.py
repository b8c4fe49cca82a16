"""Every kind of preview, made of the samples of the screenshots, and drawn without a window."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from PySide6.QtWidgets import QWidget

from core.demo.preview_samples import PreviewSample, preview_samples
from core.preview import Preview, join_previews, preview
from gui.views.preview_view import PreviewView


@cache
def previews() -> tuple[tuple[PreviewSample, Preview], ...]:
    """Return each kind of preview with its sample."""
    return tuple((sample, _preview_of(sample)) for sample in preview_samples())


def _preview_of(sample: PreviewSample) -> Preview:
    parts = [preview(body, key) for key, (_, body) in zip(sample.keys, sample.files, strict=True)]
    if not sample.joined:
        return parts[0]
    joined = join_previews(parts)
    assert joined is not None
    return joined


def pictures(view: PreviewView) -> Iterator[tuple[str, QWidget]]:
    """Show every representation of every kind of preview; yield the name of each."""
    for sample, seen in previews():
        for representation in seen.representations:
            view.show_preview(seen)
            view.switch.select(representation.label)
            yield f"{sample.name}-{representation.label.lower()}", view
