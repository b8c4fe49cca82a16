"""A pytest plugin for `make referee`: only tests that run on S3 servers, and the count of each.

Use it with `-p helpers.referee`; the servers are chosen by the variable `S3_SERVERS`.
"""

import re
from collections import Counter, defaultdict
from typing import Any

from helpers.s3_servers import chosen_servers

_OUTCOMES = ("passed", "skipped", "failed", "error")


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Keep the tests that run on every server."""
    stored = [item for item in items if "s3_server" in item.fixturenames]
    config.hook.pytest_deselected(items=[item for item in items if item not in stored])
    items[:] = stored


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print for each server how many tests passed, were not supported, or failed."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for outcome in _OUTCOMES:
        for report in terminalreporter.stats.get(outcome, ()):
            server = _server_of(report.nodeid)
            if server:
                counts[server][outcome] += 1
                if outcome == "skipped":
                    reasons[server][_reason(report)] += 1
    terminalreporter.section("S3 servers")
    for server in chosen_servers():
        found = counts[server]
        wrong = found["failed"] + found["error"]
        terminalreporter.line(
            f"{server:8} {found['passed']:4} passed, {found['skipped']:3} not supported by this "
            f"server, {wrong:3} failed"
        )
        for reason, number in reasons[server].most_common():
            terminalreporter.line(f"         {number:4} {reason}")


def _server_of(nodeid: str) -> str:
    """Return the server that a test ran on; its name is one of the test's parameters."""
    parameters = re.findall(r"\[(.*)\]$", nodeid.replace("\n", " "))
    text = parameters[0].split("-") if parameters else []
    return next((name for name in chosen_servers() if name in text), "")


def _reason(report: Any) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return re.sub(r"^Skipped: |not supported by this server \(\w+\): ", "", text)[:110]
