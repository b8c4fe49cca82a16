"""Log entries, command lines and lock messages of the window come from the list of operations."""

import ast
import json
import re
import shlex
from pathlib import Path

import pytest
from conventions import source
from helpers.aws import connection

from core.cli import COMMANDS
from core.engine.changes import OperationCall
from core.engine.operations import OPERATIONS, changes_made, operation
from core.local.activity import ChangeLog
from core.model.connection import ProfileColour
from core.paths import data_dir
from core.transfer.plan import UploadPlan
from core.transfer.values import IfExists
from core.workspace import Workspace
from gui.actions import ACTIONS
from gui.tabs.base import Tab
from gui.tabs.uploads.plan_model import PlanModel
from gui.tabs.uploads.summary import command_of

GUI = Path(__file__).parents[2] / "gui"
NAMES = {one.name for one in OPERATIONS}
AREAS = "|".join(sorted({name.partition(".")[0] for name in NAMES if "." in name}))


def nodes(kind):
    """Yield every node of a kind in the window's code, with its file."""
    for path in source.python_files("gui"):
        for node in source.nodes(path):
            if isinstance(node, kind):
                yield path.relative_to(GUI).as_posix(), node


def texts():
    """Yield every literal text of the window's code, with its file."""
    for path, node in nodes(ast.Constant):
        if isinstance(node.value, str):
            yield path, node.value


def test_every_action_of_the_log_is_an_operation_of_the_list():
    made = [path for path, node in nodes(ast.Call) if ast.unparse(node.func) == "Change"]
    assert made == []  # `changes_made` refuses what is not in the list
    named = {text for _path, text in texts() if re.fullmatch(rf"({AREAS})\.[a-z_]+", text)}
    assert named >= {"backup.undo", "secrets.save", "profiles.delete", "rotation.undo"}
    assert named - NAMES - {action.id for action in ACTIONS} == set()
    emitted = {
        node.args[0].value
        for _path, node in nodes(ast.Call)
        if ast.unparse(node.func).endswith("changed.emit") and len(node.args) == 2
        if isinstance(node.args[0], ast.Constant)
    }
    assert emitted
    assert emitted - NAMES == set()


def test_the_log_shows_the_title_of_the_operation(context):
    call = OperationCall("objects.put", {"key": "k"}, "b", origin="Uploads")
    (change,) = changes_made(call, None)
    context.announce(change)
    (logged,) = context.log.read()
    assert logged.change.action == operation("objects.put").title
    with pytest.raises(KeyError):
        changes_made(OperationCall("s3:PutObject"), None)


def test_lines_of_the_log_with_other_actions_are_still_read():
    path = data_dir() / "changes.jsonl"
    former = ("s3:PutObject", "backed up", "presign GET", "doctor: restore it", "ALTER USER")
    lines = [
        {"when": "2026-01-01T00:00:00Z", "profile": "p", "kind": "objects", "action": action,
         "subject": "s", "origin": "o", "prefixes": [], "request_id": ""}
        for action in former
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert tuple(each.change.action for each in ChangeLog().read()) == former


def test_no_command_line_is_written_out_in_the_window():
    written = rf"\s*(strongroom ({'|'.join(COMMANDS)})|aws [a-z0-9]+ )"
    assert [text for _path, text in texts() if re.match(written, text)] == []
    given = [
        (path, ast.unparse(word.value))
        for path, node in nodes(ast.Call)
        for word in node.keywords
        if word.arg == "command"
    ]
    assert len(given) >= 4
    for path, value in given:
        assert re.match(r"((self\.)?(_?tab\.)?_?command\(|batch\.command$|command$)", value), path


def test_one_text_says_that_the_profile_is_locked():
    said = {path for path, text in texts() if re.search(r"rofile.* is read-only", text)}
    split = {path for path, text in texts() if text.startswith(" is read-only")}
    assert said | split == {"context/context.py"}


def test_a_command_names_the_profile_in_force_and_never_its_keys(context, qtbot):
    tab = Tab(context)
    qtbot.addWidget(tab)
    assert tab.command("statistics.scan") == "strongroom stats"
    workspace = Workspace.open(connection(colour=ProfileColour.RED))
    context.set_workspace(workspace)
    line = tab.command("backup.run", "a b.db", options={"--all-tables": True})
    assert shlex.split(line) == [
        "strongroom", "backup", f"--profile={workspace.profile.name}", "--all-tables", "a b.db",
    ]  # fmt: skip
    assert workspace.connection.keys.secret_access_key.reveal() not in line
    assert tab.command("backup.run", workspace.connection.keys.secret_access_key.reveal()) == ""
    context.set_workspace(None)


@pytest.mark.parametrize(
    ("paths", "files", "prefix", "choice", "text"),
    [
        (["/a/x"], ["/a/x"], "p/", IfExists.SKIP, ["/a/x", "p/"]),
        (["/a/x"], ["/a/x"], "", IfExists.OVERWRITE, ["--if-exists=overwrite", "/a/x", "/"]),
        (["/a"], ["/a/x", "/a/y"], "p/", IfExists.SKIP, ["/a", "p/"]),
        (["/a", "/b"], ["/a", "/b"], "p/", IfExists.SKIP, ["/a", "/b", "p/"]),
        (["/a"], ["/a/x", "/a/y"], "", IfExists.SKIP, ["/a", "/"]),
        (["/a/x"], ["/a/x"], "p/", IfExists.KEEP_BOTH, ["--if-exists=keep-both", "/a/x", "p/"]),
    ],
)
def test_the_command_of_an_upload(paths, files, prefix, choice, text):
    profile = connection().profile
    count = len(files)
    plan = UploadPlan(
        "b", prefix, tuple(files), tuple(files), (1,) * count, (False,) * count, ("",) * count, ()
    )
    files_of = PlanModel()
    files_of.choice = choice
    line = command_of(plan, paths, files_of, profile)
    files_of.single = {0: IfExists.OVERWRITE}
    assert command_of(plan, paths, files_of, profile) == "", "no option says it file by file"
    expected = ["strongroom", "put", f"--profile={profile.name}", *(text or [])]
    assert shlex.split(line) == ([] if text is None else expected)


def test_views_leave_the_announcement_of_changes_to_the_task_that_made_them():
    """Only the tasks describe and report changes, and only the context announces them."""
    called = {
        path
        for path, node in nodes(ast.Call)
        if re.fullmatch(r"(.*\.)?(announce|changes_made|Change)", ast.unparse(node.func))
    }
    assert called == {"tasks/outcome.py", "tasks/runner.py"}
