"""The limits of bandwidth and parallelism, which apply to running transfers at once."""

from __future__ import annotations

from PySide6.QtWidgets import QDoubleSpinBox, QFormLayout, QSpinBox, QWidget

from core.limits import LimitValues
from core.units import format_count, format_rate
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import inset

_MEGABYTE = 1_000_000
_MAX_MEGABYTES, _MAX_PARALLEL = 10_000.0, 64


class LimitsDialog(Dialog):
    """Fields for both limits; 0 stands for no limit.

    Args:
        parent: the view that opens it.
        values: the present limits.
    """

    def __init__(self, parent: QWidget | None, values: LimitValues) -> None:
        super().__init__(
            parent,
            "Limits of transfers",
            "The bandwidth is that of all uploads and downloads together; the number of requests "
            "applies to each direction. Running transfers use new limits at once.",
        )
        self.bandwidth = inset(QDoubleSpinBox())
        self.bandwidth.setRange(0, _MAX_MEGABYTES)
        self.bandwidth.setDecimals(1)
        self.bandwidth.setSingleStep(0.5)
        self.bandwidth.setSuffix(" MB/s")
        self.bandwidth.setSpecialValueText("unlimited")
        self.bandwidth.setValue((values.bytes_per_second or 0) / _MEGABYTE)
        self.bandwidth.setAccessibleName("Bandwidth")
        self.parallel = inset(QSpinBox())
        self.parallel.setRange(0, _MAX_PARALLEL)
        self.parallel.setSpecialValueText("automatic")
        self.parallel.setValue(values.parallel or 0)
        self.parallel.setAccessibleName("Requests at a time")
        fields = QFormLayout()
        fields.addRow("Bandwidth", self.bandwidth)
        fields.addRow("Requests at a time", self.parallel)
        self.body.addLayout(fields)
        self.go = primary_button("Apply", self.accept)
        self.go.setDefault(True)
        self.add_buttons(plain_button("Cancel", self.reject), self.go)

    @property
    def values(self) -> LimitValues:
        """The limits in the fields."""
        megabytes, parallel = self.bandwidth.value(), self.parallel.value()
        return LimitValues(megabytes * _MEGABYTE if megabytes else None, parallel or None)


def limits_text(values: LimitValues) -> str:
    """Return the limits as a label, for example `Limits: 2.0 MB/s, 4 at a time`."""
    rate = format_rate(values.bytes_per_second) if values.bytes_per_second else ""
    parallel = format_count(values.parallel) if values.parallel else ""
    if rate and parallel:
        return f"Limits: {rate}, {parallel} at a time"
    if rate:
        return f"Limit: {rate}"
    return f"Limit: {parallel} at a time" if parallel else "No limits"
