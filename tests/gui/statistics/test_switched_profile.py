"""A scan that ends while another profile is in force says nothing about that profile's bucket."""

from dataclasses import replace

from core.statistics.saved import load
from core.workspace import Workspace


def test_a_scan_of_the_former_profile_is_not_stored_for_the_present_one(tab, context, qtbot):
    former = context.workspace
    connection = former.connection
    tab.hide()  # else the switch would end the scan
    tab.scan.click()
    (scan,) = (task for task in context.runner.tasks if task.bulk and task.running)
    # Another server, whose bucket has the same name.
    profile = replace(connection.profile, name="other")
    other = Workspace.open(replace(connection, profile=profile))
    context.set_workspace(other)
    qtbot.waitUntil(lambda: not scan.running and not tab.busy, timeout=30_000)
    assert scan.state == "done"
    assert load("other", profile.bucket) is None
    assert tab._found is None
    other.close()
