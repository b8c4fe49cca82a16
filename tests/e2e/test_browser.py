"""An analyst finds a candle file, previews it, saves one day as a file, deletes and restores."""

from uuid import uuid4

from PySide6.QtCore import Qt

from gui.views.candle_view import CandleView

BUCKET = "tentimecrypto"
DAY = "market-data/ohlcv/BTC-USD/1h/2024/01/15/"


def shown(user, tab, key):
    user.until(lambda: tab.object.inspection is not None and tab.object.inspection.info.key == key)


def test_browse_to_a_candle_chart(program, user):
    tab = program.window.show_tab("browser")
    table = tab.folder.table
    for name in ("market-data", "ohlcv", "BTC-USD", "1h", "2024", "01", "15"):
        user.enter(table, f"{name}/")
    user.choose(table, "2024-01-15T10:00:00Z.json")
    shown(user, tab, f"{DAY}2024-01-15T10:00:00Z.json")
    view = tab.object.preview.content_view
    assert isinstance(view, CandleView)
    assert "2 empty intervals: " in tab.object.preview.problems._text.text()
    user.press("Show", tab.object.preview.problems)
    assert view.chart.current is not None
    assert tab.object.inspector.verdict.text() == "verified"


def test_the_tree_leads_there_too_and_knows_the_counts(program, user):
    tab = program.window.show_tab("browser")
    tree = tab.tree_panel
    user.until(lambda: tree.total.text().endswith(" objects"))
    tree.view.setCurrentIndex(tree.model.index_of("market-data/"))
    user.until(lambda: tab.prefix == "market-data/")
    assert int(tree.model.count_text("market-data/").replace(",", "")) > 5000


def test_a_cut_off_file_is_shown_as_far_as_it_goes(program, user):
    key = "market-data/ohlcv/SOL-USD/1h/2024/02/11/2024-02-11T05:00:00Z.json"
    tab = program.window.show_tab("browser", key)
    shown(user, tab, key)
    assert isinstance(tab.object.preview.content_view, CandleView)
    assert "the file ends in the middle" in tab.object.preview.problems._text.text()


def test_an_object_of_thirty_megabytes_is_shown_from_its_beginning(program, user):
    key = "logs/audit/2024/02/29/2024-02-29T00:00:00Z_events.jsonl"
    tab = program.window.show_tab("browser", key)
    shown(user, tab, key)
    assert not tab.object.inspection.preview.complete
    assert tab.object.inspector.verdict.text() == "not checked"


def test_download_a_day(program, user, demo_s3, tmp_path):
    tab = program.window.show_tab("browser", "market-data/ohlcv/BTC-USD/1h/2024/01/")
    user.choose(tab.folder.table, "15/")
    tab.downloads.several(tab.folder.selected, tmp_path, tab.prefix)
    user.until(lambda: "objects downloaded" in tab.banner.text)
    assert "verified (" in tab.banner.text
    keys = [row["Key"] for row in demo_s3.list_objects_v2(Bucket=BUCKET, Prefix=DAY)["Contents"]]
    files = {path.name: path for path in (tmp_path / "15").iterdir()}
    assert sorted(files) == sorted(key.rpartition("/")[2] for key in keys)
    body = demo_s3.get_object(Bucket=BUCKET, Key=keys[0])["Body"].read()
    assert files[keys[0].rpartition("/")[2]].read_bytes() == body


def test_delete_a_folder_and_bring_it_back_with_ctrl_z(program, user, demo_s3, demo_prefix, qtbot):
    for name in ("keep.txt", "old/a.txt", "old/b.txt"):
        demo_s3.put_object(Bucket=BUCKET, Key=f"{demo_prefix}{name}", Body=b"x")
    tab = program.window.show_tab("browser", demo_prefix)
    table = tab.folder.table
    user.choose(table, "old/")
    qtbot.keyClick(table, Qt.Key.Key_Delete)
    user.until(lambda: tab.banner.text == "The folder old with 2 objects moved to the trash.")
    assert left(demo_s3, demo_prefix) == ["keep.txt"]
    user.until(lambda: [entry.key for entry in tab.folder.selected] == [f"{demo_prefix}keep.txt"])
    assert table.hasFocus()
    qtbot.keyClick(table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    user.until(lambda: tab.banner.text == "2 objects restored.")
    assert left(demo_s3, demo_prefix) == ["keep.txt", "old/a.txt", "old/b.txt"]
    user.until(lambda: [entry.key for entry in tab.folder.selected] == [f"{demo_prefix}old/"])


def test_what_others_deleted_is_restored_from_the_trash(program, user, demo_s3):
    key = f"0-{uuid4().hex}/lost.txt"  # at the beginning: the first page of versions has it
    demo_s3.put_object(Bucket=BUCKET, Key=key, Body=b"found again")
    demo_s3.delete_object(Bucket=BUCKET, Key=key)
    tab = program.window.show_tab("browser")
    user.until(lambda: tab.tree_panel.model.trash_index().isValid())
    tab.tree_panel.view.setCurrentIndex(tab.tree_panel.model.trash_index())
    user.choose(tab.trash_pane.table, key)
    user.press("Stop", tab.trash_pane)
    user.press("Restore", tab.trash_pane)
    user.until(lambda: tab.banner.text == "lost.txt restored.")
    assert demo_s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"found again"
    assert key not in [each.key for each in tab.trash_pane.model.objects]
    demo_s3.delete_object(Bucket=BUCKET, Key=key)


def left(s3, prefix):
    rows = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())
    return [row["Key"].removeprefix(prefix) for row in rows]
