"""The steps of the screenshots of previews show what they are named for."""

from helpers.browser import settled

from core.demo.preview_samples import preview_samples
from gui.app import steps
from gui.views.statistics_dialog import StatisticsDialog


def test_each_step_shows_its_view(tab, qtbot, monkeypatch):
    chosen = tuple(each for each in preview_samples() if each.name in ("compared", "csv"))
    monkeypatch.setattr(steps, "preview_samples", lambda: chosen)
    shown = {}
    for step in steps.preview_steps():
        for show in step.shows:
            show(tab)
            settled(qtbot, tab)
            # Nothing is selected in the folder that is shown after the samples were stored.
            qtbot.waitUntil(lambda named=bool(step.name): bool(tab.object.selection) or not named)
        if step.name:
            drawn = tab.object.preview
            qtbot.waitUntil(lambda drawn=drawn: drawn.preview is not None)
            shown[step.name] = drawn.switch.current
    (dialog,) = tab.findChildren(StatisticsDialog)
    assert dialog.box.currentText() == "value"
    dialog.close()
    assert shown == {
        "preview-compared-compare": "Compare", "preview-compared-charts": "Charts",
        "preview-csv": "Table", "preview-csv-statistics": "Table",
    }  # fmt: skip
