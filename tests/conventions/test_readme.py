"""The commands, files and samples in the README and the documentation work."""

import json
import re
import shlex
import tomllib

import pytest
from conventions.source import ROOT
from helpers.command_tree import complete_program

from core.aws.actions import action_of
from core.cli import COMMANDS as KNOWN
from core.cli.common import HELP, split_common_options
from core.demo import DemoServer
from core.demo.data.identities import platform_policy
from core.errors import ErrorKind
from core.health.facts import QUESTIONS
from core.health.permissions import CHECKS
from core.health.policies import Role, Scope, policy_for
from core.layout.kinds import KINDS
from gui.app.options import parse

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = ROOT / "resources/docs"
#: All documents that people write; the command reference is generated.
WRITTEN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
WRITTEN += sorted(path for path in DOCS.glob("*.md") if path.name != "commands.md")
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in WRITTEN)


def _blocks(text, language):
    """Return the code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


SHELL = [line for text in _blocks(TEXT, "sh") for line in text.splitlines()]
COMMANDS = sorted(
    {line for line in SHELL if line.startswith("strongroom")}
    | {line for line in re.findall(r"`(strongroom [^`]+)`", TEXT) if "…" not in line}
)


def _understood(arguments):
    """Parse a command line as far as its last option, without running it."""
    if parse(arguments) is not None or arguments[:1] in (["--help"], ["--version"]):
        return
    _common, rest = split_common_options(arguments)
    command = complete_program()
    context = command.make_context("strongroom", rest, resilient_parsing=False)
    left = [*context._protected_args, *context.args]
    while hasattr(command, "resolve_command"):
        name, command, left = command.resolve_command(context, left)
        context = command.make_context(name, left, parent=context)
        left = [*context._protected_args, *context.args]


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_parse(line):
    text = shlex.split(line, comments=True)[1:]
    _understood([word for word in text if word not in {">", "&", "demo.env"}])


def test_a_wrong_command_would_be_seen():
    with pytest.raises(Exception, match="No such"):
        _understood(["ls", "--bogus"])
    with pytest.raises(Exception, match="No such"):
        _understood(["nonsense"])


def test_every_command_is_shown():
    shown = {line.split()[1] for line in COMMANDS if len(line.split()) > 1}
    assert set(KNOWN) - shown == set()
    assert set(KNOWN) == set(complete_program().commands)


def test_make_targets_exist():
    named = set(re.findall(r"(?:^|`)make (\w+)", TEXT, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {"run", "test", "check", "bench", "docs"} <= set(re.findall(r"make (\w+)", README))
    assert named <= set(re.findall(r"^(\w+):", makefile, re.MULTILINE))


def test_pictures_and_paths_are_there():
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert len(pictures) >= 5
    paths = re.findall(r"`((?:core|gui|tests|resources)/[\w/.]+)`", TEXT)
    assert [p for p in [*pictures, *paths] if not (ROOT / p).exists()] == []


def test_every_dependency_has_its_sentence():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    page = (DOCS / "dependencies.md").read_text(encoding="utf-8").lower()
    # The first column only: the sentences also name what was not chosen.
    explained = {
        name
        for row in re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE)
        for name in re.findall(r"[\w-]+", row)
    }
    names = [re.match(r"[\w-]+", each)[0].lower() for each in wanted]
    assert [name for name in names if name not in explained] == []


def test_the_policies_are_those_that_the_program_knows():
    page = (DOCS / "permissions.md").read_text(encoding="utf-8")
    contract, extras = (json.loads(text) for text in _blocks(page, "json"))
    assert contract == platform_policy()
    granted = {action for one in extras["Statement"] for action in one["Action"]}
    needed = {check.action for check in CHECKS if check.needed == "extra"}
    needed |= {action_of(f"s3:{question.operation}") for question in QUESTIONS}
    assert needed - granted == {"sts:GetCallerIdentity"}  # AWS grants that to everybody
    statements = policy_for(Role.ADMIN, Scope())["Statement"]
    allowed = {action for one in statements for action in one["Action"]}
    assert needed - allowed == {"sts:GetCallerIdentity"}, "core/health/policies.py"


def test_the_samples_of_the_library_run(monkeypatch):
    candle = {"timestamp": 1, "open": 1, "high": 1, "low": 1, "close": 1, "volume": 1}
    with DemoServer.start() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.admin.access_key_id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.admin.secret_access_key.reveal())
        for page in (ROOT / "README.md", DOCS / "library.md"):
            sample, *others = _blocks(page.read_text(encoding="utf-8"), "python")
            for other in others:  # they need a stored profile
                compile(other, str(page), "exec")
            names = {"candles": [candle]}
            exec(compile(sample, str(page), "exec"), names)
            latest = names["data"].get_latest_market_data("BTC-USD", "ohlcv", timeframe="1h")
            assert latest["data"] == names["candles"]


def test_what_can_be_added_is_where_the_documents_say():
    assert KINDS
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    places = re.findall(r"one (?:line|entry|row) in `([A-Z]+)`\s+\(`([\w/.]+)`\)", contributing)
    assert len(places) >= 9
    for place, name in places:
        assert re.search(rf"^{place}\b", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)


def _codes(text):
    """Return the exit codes that a text names, alone or as ranges such as `20-27`."""
    found = re.findall(r"\b(\d+)(?:[-\u2013](\d+))?\b", text)
    return {n for first, last in found for n in range(int(first), int(last or first) + 1)}


def test_the_exit_codes_of_the_help_and_the_page_are_those_of_the_errors():
    page = (DOCS / "command-line.md").read_text(encoding="utf-8")
    rows = page[page.index("| 1 | a bug") :].splitlines()
    table = " ".join(row.split("|")[1] for row in rows if row.startswith("|"))
    codes = {0} | {kind.value for kind in ErrorKind}
    assert codes - {0} == _codes(table)
    assert codes == _codes(HELP.partition("Exit codes:")[2])
