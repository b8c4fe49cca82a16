"""Controls that replace each other, such as “Check” and “Stop”, without losing the focus."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtWidgets import QWidget


def show_only(controls: Sequence[QWidget], wanted: Collection[QWidget]) -> None:
    """Show some of several controls and hide the others.

    If one that is hidden has the focus, the first enabled one that is shown gets it: Qt would move
    it to the next control, which may be anywhere.

    Args:
        controls: the controls that replace each other, the preferred ones first.
        wanted: those that are to be visible.
    """
    shown = [control for control in controls if control in wanted]
    hidden = [control for control in controls if control not in wanted]
    for control in shown:
        control.show()
    focus = controls[0].window().focusWidget()  # also correct while another window is active
    enabled = [control for control in shown if control.isEnabled()]
    if focus in hidden and enabled:
        enabled[0].setFocus()
    for control in hidden:
        control.hide()
