"""What becomes of the entry of a schedule that is changed in the window."""

from dataclasses import replace

from core.backup.schedule import checked_schedule
from core.backup.schedules import save_schedule, schedules
from core.model.schedule import Every, ScheduleFormat


def test_a_change_of_the_starter_names_the_entry_that_is_left(tab, path, qtbot):
    sentences = {
        ScheduleFormat.SYSTEMD: "The timer of the former one was removed, if it was installed",
        ScheduleFormat.CRON: "Also remove the entry of the former one from cron.",
        None: "",
    }
    for starter, sentence in sentences.items():
        made = checked_schedule(str(path), ("users",), Every.HOUR, "00:00")
        former = save_schedule(replace(made, starter=starter))
        tab.routines.schedules._save(replace(former, starter=None), former)
        qtbot.waitUntil(lambda: not tab.context.runner.busy, timeout=20_000)
        assert f"was saved. {sentence}".rstrip() in tab.banner.text
        assert [each.starter for each in schedules().values()] == [None]
