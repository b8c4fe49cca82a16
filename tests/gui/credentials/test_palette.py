"""The search finds and opens secrets of the Credentials tab."""

from helpers.credentials import STORAGE, opened, settled

from gui.tabs.credentials import CredentialsTab
from gui.tabs.credentials.rotation.doctor_dialog import DoctorDialog


def test_the_palette_leads_to_the_board_the_doctor_and_the_rotation(tab, qtbot):
    tab.open_target("hygiene")
    settled(qtbot, tab)
    assert tab.hygiene.isVisible()
    tab.open_target("rotate")
    settled(qtbot, tab)
    assert tab.rotation_pane.isVisible()
    assert tab.rotation.secret == STORAGE
    tab.open_target("doctor")
    dialog = opened(qtbot, tab, DoctorDialog)
    settled(qtbot, tab)
    dialog.reject()


def test_without_a_connection_the_acts_of_the_palette_do_no_harm(qtbot, context):
    tab = CredentialsTab(context)
    qtbot.addWidget(tab)
    tab.show()
    tab.ensure_loaded()
    for target in ("hygiene", "rotate", "doctor"):
        tab.open_target(target)
    settled(qtbot, tab)
    assert tab.doctor.dialog is None
    assert not tab.rotation_pane.isVisible()
