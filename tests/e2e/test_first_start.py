"""The first start leads from the wizard to a chart, and with one click into the demo."""

import json
from uuid import uuid4

from helpers.demo import plain_client
from helpers.user_input import User

from core.local.profiles import ProfileStore
from gui.dialogs.wizard import CHOICE_SETTING, DEMO_CHOICE, Wizard
from gui.views.candle_view import CandleView

BUCKET = "tentimecrypto"


def test_from_the_wizard_to_a_candle_chart(program, demo_server, demo_s3, qtbot):
    secret_name = f"cryptotrading/first-start-{uuid4().hex[:8]}"
    program.start()
    user = User(qtbot, program.window)
    wizard = user.dialog(Wizard)
    user.press("Connect to AWS…", wizard)
    user.fill("Name of the profile", "first", wizard)
    user.fill("Access key id", demo_server.admin.access_key_id, wizard)
    user.fill("Secret access key", demo_server.admin.secret_access_key.reveal(), wizard)
    user.fill("Endpoint", demo_server.endpoint_url, wizard)
    user.fill("Secret with the S3 keys", secret_name, wizard)
    user.press("Test and connect", wizard)
    user.press("Open Strongroom", wizard)
    user.until(lambda: program.context.identity is not None)

    assert ProfileStore().current().name == "first"
    secrets = plain_client(demo_server, "secretsmanager", demo_server.admin)
    stored = json.loads(secrets.get_secret_value(SecretId=secret_name)["SecretString"])
    secrets.close()
    assert stored["aws_access_key_id"] == demo_server.admin.access_key_id
    assert stored["bucket_name"] == BUCKET
    left = demo_s3.list_objects_v2(Bucket=BUCKET, Prefix="strongroom-check/")
    assert left["KeyCount"] == 0

    browser = program.window.show_tab("browser")
    for folder in ("market-data", "ohlcv", "BTC-USD", "1h", "2024", "01", "15"):
        user.enter(browser.folder.table, f"{folder}/")
    user.choose(browser.folder.table, "2024-01-15T10:00:00Z.json")
    user.until(lambda: isinstance(browser.object.preview.content_view, CandleView))
    user.until(lambda: browser.object.inspection is not None)
    key = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10:00:00Z.json"
    body = json.loads(demo_s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    shown = browser.object.inspection.preview.representations[0].candles
    assert len(shown) == len({each["timestamp"] for each in body["data"]}) >= 60


def test_one_click_into_the_demo(program, qtbot):
    program.start()
    user = User(qtbot, program.window)
    user.press("Explore the demo", user.dialog(Wizard))
    # A separate process starts and fills its buckets: slow on a busy machine.
    user.until(lambda: program.context.identity is not None, timeout=60_000)
    assert program.context.identity.user == "strongroom-admin"
    assert program.context.workspace.profile.name == "demo"
    assert program.context.demo_database.exists()
    assert ProfileStore().list() == ()


def test_the_demo_opens_at_once_when_it_was_chosen_before(program, qtbot):
    program._settings.set(CHOICE_SETTING, DEMO_CHOICE)
    wanted = []
    program.context.profile_wanted.disconnect(program.connector.open_profile)
    program.context.profile_wanted.connect(wanted.append)
    program.start()
    User(qtbot, program.window).until(lambda: wanted == ["demo"])
    assert not program.window.findChildren(Wizard)
