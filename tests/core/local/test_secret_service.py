"""Keys are stored in a real Secret Service, and each of its failures is reported as a failure."""

import base64
import shutil

import pytest
from helpers.secret_service import CANARY, install_plaintext, run_case

REAL = "keyring.backends.SecretService.Keyring"


@pytest.fixture(autouse=True)
def installed():
    for program in ("dbus-run-session", "gnome-keyring-daemon"):
        assert shutil.which(program), f"{program} is missing: run .ci/test-servers"


def nothing_in_plain_text(home):
    """The canary is in no file of the home, neither as it is nor in base64."""
    forms = [CANARY.encode(), CANARY.encode("utf-16-le")]
    forms += [base64.b64encode(b"x" * pad + CANARY.encode())[4:-4] for pad in range(3)]
    files = [path for path in home.rglob("*") if path.is_file()]
    return not [path for path in files if any(form in path.read_bytes() for form in forms)]


@pytest.mark.parametrize("front", ["", "x", "xy"])
def test_the_search_for_plain_text_finds_what_lies_open(tmp_path, front):
    assert nothing_in_plain_text(tmp_path)
    (tmp_path / "a").write_bytes(base64.b64encode(f"{front}{CANARY}".encode()))
    assert not nothing_in_plain_text(tmp_path)


def refused(result, *texts, usable=False):
    """Assert that loading and storing report the failure with these texts, and not "no keys"."""
    assert result["usable"] is usable
    for act in ("load", "store"):
        assert "value" not in result[act], "a failure was taken for 'no keys'"
        assert "session only" in result[act]["remedy"]
        for word in texts:
            assert word in f"{result[act]['summary']} {result[act]['cause']}"
    return True


def test_keys_go_round_through_a_real_secret_service_and_lie_nowhere_in_plain_text(tmp_path):
    output = run_case("open", tmp_path)
    assert output["usable"]
    assert output["backend"] == REAL
    assert output["load"] == {"value": True}
    assert list(tmp_path.rglob("login.keyring")), "the daemon wrote no collection here"
    assert nothing_in_plain_text(tmp_path)


def test_a_locked_collection_is_reported_as_locked(tmp_path):
    assert refused(run_case("locked", tmp_path), "locked", REAL, usable=True)
    assert nothing_in_plain_text(tmp_path)


def test_a_dismissed_prompt_is_never_no_keys(tmp_path):
    output = run_case("dismissed", tmp_path)
    assert "PerformPrompt" in output["asked"], "the user was not asked"
    assert refused(output, "locked", "dismissed", REAL, usable=True)


@pytest.mark.parametrize("case", ["without a collection", "only probed"])
def test_only_storing_prompts_for_the_password_of_a_keyring(tmp_path, case):
    output = run_case(case, tmp_path)
    assert output["usable"]
    assert output["after_probe"] == output["asked"] == []
    assert output.get("load") is None
    assert "PerformPrompt" in output["asked_to_store"]


def test_a_daemon_killed_in_mid_run_is_reported(tmp_path):
    assert refused(run_case("killed", tmp_path), "does not answer", REAL)


def test_a_killed_daemon_that_the_desktop_starts_again_is_locked_not_empty(tmp_path):
    assert refused(run_case("killed", tmp_path, bus="usual"), "locked", REAL, usable=True)


@pytest.mark.parametrize("address", ["", "unix:path=/nowhere/bus"])
def test_without_a_bus_there_is_no_keyring(tmp_path, address):
    given = {"DBUS_SESSION_BUS_ADDRESS": address} if address else {}
    output = run_case("bare", tmp_path, bus="none", **given)
    assert refused(output, "No keyring service")


def test_a_bus_without_a_secret_service_is_no_keyring(tmp_path):
    assert refused(run_case("bare", tmp_path), "No keyring service")


def test_the_null_backend_is_refused_though_a_real_one_runs(tmp_path):
    null = "keyring.backends.null.Keyring"
    output = run_case("unused", tmp_path, PYTHON_KEYRING_BACKEND=null)
    assert output["backend"] == null
    assert refused(output, "null backend")


def test_a_plaintext_backend_is_refused_when_it_is_the_only_one(tmp_path):
    alt = install_plaintext(tmp_path / "site")
    output = run_case("bare", tmp_path, bus="none", PYTHONPATH=alt)
    assert output["backend"] == "keyrings.alt.file.PlaintextKeyring"
    assert refused(output, "PlaintextKeyring")
    assert not (tmp_path / "keyring_pass.cfg").exists()
    assert nothing_in_plain_text(tmp_path)


@pytest.mark.parametrize("case", ["open", "locked"])
def test_beside_a_real_one_a_plaintext_backend_in_the_chain_gets_nothing(tmp_path, case):
    alt = install_plaintext(tmp_path / "site")
    output = run_case(case, tmp_path, PYTHONPATH=alt)
    assert output["backend"] == REAL
    assert output["usable"]
    assert not (tmp_path / "keyring_pass.cfg").exists()
    assert nothing_in_plain_text(tmp_path)
