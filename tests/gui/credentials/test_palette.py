"""The search and other views open secrets and actions of the Credentials tab."""

from helpers.credentials import STORAGE, opened, settled

from gui.dialogs.profile_editor import ProfileEditor
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
    for target in ("hygiene", "rotate", "doctor", "profile"):
        tab.open_target(target)
    settled(qtbot, tab)
    assert tab.doctor.dialog is None
    assert not tab.rotation_pane.isVisible()


def test_another_view_opens_the_current_profile_for_new_keys(tab, qtbot, context):
    tab.open_target("profile")
    editor = opened(qtbot, tab, ProfileEditor)
    assert context.workspace.profile.name in editor.windowTitle()
    editor.reject()
