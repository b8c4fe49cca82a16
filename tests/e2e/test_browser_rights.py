"""A user with rights on one prefix only: there everything works, elsewhere the window names what is missing."""

import pytest
from helpers.demo import plain_client
from helpers.limited_user import user_of_demo
from helpers.user_input import User
from PySide6.QtWidgets import QAbstractItemView, QLabel

from core.model.connection import Connection, KeySource, Profile
from gui.tab_list import TABS
from gui.tabs.browser.tree_model import State

BUCKET, ALLOWED = "tentimecrypto", "market-data/ohlcv/BTC-USD/"
DAY = f"{ALLOWED}1h/2024/01/15/"


@pytest.fixture
def limited(program, demo_server, qtbot):
    """The window of a user that may list, read and write `ALLOWED` only."""
    iam = plain_client(demo_server, "iam", demo_server.admin)
    keys = user_of_demo(iam, BUCKET, ALLOWED)
    iam.close()
    profile = Profile("desk", KeySource.SESSION, endpoint_url=demo_server.endpoint_url)
    program.window.show()
    program.connector.open_connection(Connection(profile, keys))
    user = User(qtbot, program.window)
    user.until(lambda: program.context.workspace is not None)
    return user


def notes(model, parent):
    return [model.index(row, 0, parent).data() for row in range(model.rowCount(parent))]


def test_the_permitted_folder_is_browsed_and_the_others_are_locked(program, limited):
    tab = program.window.show_tab("browser")
    tree = tab.tree_panel.model
    limited.until(lambda: tree.state_of("") is State.LOCKED)
    assert notes(tree, tree.index_of("")) == ["needs s3:ListBucket"]
    limited.until(lambda: "This needs s3:ListBucket." in tab.folder.state.empty._text.text())
    assert tab.folder.state.empty.isVisible()
    tab.navigation.go(f"s3://{BUCKET}/{DAY}")
    limited.until(lambda: tab.folder.model.total == 24 and tree.index_of(DAY).isValid())
    for above in ("market-data/", "market-data/ohlcv/"):
        assert tree.state_of(above) is State.LOCKED
        assert notes(tree, tree.index_of(above))[-1] == "needs s3:ListBucket"
    assert tree.state_of(ALLOWED) is State.COMPLETE
    limited.choose(tab.folder.table, "2024-01-15T10:00:00Z.json")
    limited.until(lambda: tab.object.inspection is not None)


def texts(window):
    """Return all visible texts of a window, with those of its lists."""
    found = [label.text() for label in window.findChildren(QLabel) if label.isVisible()]
    for view in window.findChildren(QAbstractItemView):
        model = view.model()
        if view.isVisible() and model is not None:
            found += [
                str(model.index(row, column).data())
                for row in range(model.rowCount())
                for column in range(model.columnCount())
            ]
    return "\n".join(found)


def test_the_keys_of_the_permitted_folder_are_searched(program, limited):
    tab = program.window.show_tab("browser")
    tab.navigation.go(DAY)
    limited.until(lambda: tab.folder.model.total == 24)
    tab.open_page("search")
    page = tab.contents.page
    limited.press("List the keys", page)
    limited.press("List only the open folder", page)
    limited.until(lambda: page.model.rowCount() == 24)
    page.field.setText("T10")
    limited.until(lambda: page.model.rowCount() == 1)


def test_files_are_uploaded_into_the_permitted_folder_and_elsewhere_the_action_is_named(
    program, limited, demo_s3, demo_prefix, tmp_path
):
    paths = [tmp_path / name for name in ("a.json", "b.json")]
    for path in paths:
        path.write_text(path.name)
    chosen = tuple(str(path) for path in paths)
    folder = f"{ALLOWED}{demo_prefix}"
    browser = program.window.show_tab("browser")
    browser.navigation.go(DAY)
    limited.until(lambda: browser.folder.model.total == 24)
    browser.handling.upload(folder, list(chosen))
    uploads = program.window.tab("uploads")
    limited.press("Upload 2 files", uploads)
    limited.until(lambda: uploads.pane.model.batches and not uploads.pane.model.batches[0].active)
    stored = demo_s3.list_objects_v2(Bucket=BUCKET, Prefix=folder)["Contents"]
    assert [row["Key"] for row in stored] == [f"{folder}{path.name}" for path in paths]
    for row in stored:
        demo_s3.delete_object(Bucket=BUCKET, Key=row["Key"])
    browser.handling.upload(f"user-data/{demo_prefix}", list(chosen))
    # Whether the keys are free is asked first.
    missing = f"s3:GetObject on s3://{BUCKET}/user-data/{demo_prefix}a.json is not allowed"
    limited.until(lambda: missing in texts(uploads))
    assert not demo_s3.list_objects_v2(Bucket=BUCKET, Prefix=f"user-data/{demo_prefix}")["KeyCount"]


#: What each tab names; links are made without a request, so nothing is missing there.
MISSING = {
    "credentials": ("secretsmanager:ListSecrets",),
    "browser": ("s3:ListBucket",),
    "uploads": ("s3:ListBucketMultipartUploads",),
    "statistics": ("s3:ListBucket on s3://tentimecrypto is not allowed",),
    "backups": ("s3:ListBucket on s3://tentimecrypto/backups/database/ is not allowed",),
    "bucket": ("requires s3:GetBucketPolicy", "s3:GetLifecycleConfiguration"),
}


def test_every_tab_names_what_is_missing(program, limited):
    for spec in TABS:
        tab = program.window.show_tab(spec.id)
        limited.until(lambda tab=tab: tab.isVisible() and not tab.busy)
        if spec.id == "statistics":
            tab.scan.click()
        for action in MISSING.get(spec.id, ()):
            limited.until(lambda tab=tab, action=action: action in texts(tab))
