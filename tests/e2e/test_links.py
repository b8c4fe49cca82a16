"""A download link works with urllib alone, and an upload link accepts a file of another user."""

from urllib.request import Request, urlopen

from PySide6.QtWidgets import QApplication

BUCKET = "tentimecrypto"
REPORT = "analytics/risk/2024/01/15/2024-01-15T16:00:00Z.json"


def copied_link(user, tab, key, purpose):
    user.press(purpose, tab)
    tab.form.keys.setPlainText(key)
    user.press("Create link", tab)
    user.row(tab.made_table, key)
    user.press("Copy", tab)
    return QApplication.clipboard().text()


def test_make_a_link_and_fetch_it(program, user, demo_s3):
    browser = program.window.show_tab("browser", REPORT)
    user.until(lambda: browser.folder.selected)
    browser.object_actions["link"].trigger()
    links = program.window.tab("links")
    user.until(lambda: links.isVisible() and links.form.chosen_keys == [REPORT])
    url = copied_link(user, links, REPORT, "Download")
    with urlopen(url) as answer:
        assert answer.read() == demo_s3.get_object(Bucket=BUCKET, Key=REPORT)["Body"].read()
    user.press("Test", links)
    user.until(lambda: links.made.data(links.made.index(0, 3)))
    assert user.row(links.ledger_table, f"{BUCKET}/{REPORT}").isValid()
    QApplication.clipboard().clear()


def test_let_someone_upload(program, user, demo_s3, demo_prefix):
    key = f"{demo_prefix}from outside.csv"
    url = copied_link(user, program.window.show_tab("links"), key, "Upload")
    with urlopen(Request(url, b"a,b\n1,2\n", {"Content-Type": "text/csv"}, method="PUT")) as answer:
        assert answer.status == 200
    assert demo_s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"a,b\n1,2\n"
    QApplication.clipboard().clear()
