"""The systemd units of scheduled backups, which belong to the user."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from core.backup.programs import run_program
from core.errors import LocalIOError, NotSupported
from core.hints import Hint
from core.local.atomic import translate_os_errors, write_atomically
from core.model.schedule import GeneratedFile

_SYSTEMCTL_SECONDS = 30.0


def unit_folder() -> Path:
    """Return the folder of the user's systemd units."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    root = Path(base) if base.startswith("/") else Path.home() / ".config"
    return root / "systemd" / "user"


def remove_units(name: str) -> tuple[Path, ...]:
    """Stop the timer of a schedule, and remove its systemd units.

    Args:
        name: The name of the schedule.

    Returns:
        The paths of the removed units; none if they were not installed.

    Raises:
        LocalIOError: A unit cannot be removed, or systemd refuses it.
    """
    folder = unit_folder()
    paths = tuple(
        path for end in ("timer", "service") if (path := folder / f"{name}.{end}").exists()
    )
    if not paths:
        return ()
    systemctl = shutil.which("systemctl")
    if systemctl is not None:
        timer = f"{name}.timer"
        run_program([systemctl, "--user", "disable", "--now", timer], seconds=_SYSTEMCTL_SECONDS)
    with translate_os_errors(folder, "changed"):
        for path in paths:
            path.unlink(missing_ok=True)
    if systemctl is not None:
        run_program([systemctl, "--user", "daemon-reload"], seconds=_SYSTEMCTL_SECONDS)
    return paths


def install_units(files: Sequence[GeneratedFile]) -> tuple[Path, ...]:
    """Write systemd units of the user, and start the timer.

    Returns:
        The paths of the units.

    Raises:
        LocalIOError: A unit cannot be written, or systemd refuses it.
        NotSupported: This machine has no systemd.
    """
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        raise NotSupported(
            "This machine has no systemd",
            cause="The program systemctl was not found.",
            remedy="Choose another format, such as a line for cron, and install it yourself.",
            hints=Hint.FORMAT_CRON,
        )
    folder = unit_folder()
    with translate_os_errors(folder, "created"):
        folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for file in files:
        write_atomically(folder / file.name, file.text.encode())
        paths.append(folder / file.name)
    timer = next(file.name for file in files if file.name.endswith(".timer"))
    try:
        run_program([systemctl, "--user", "daemon-reload"], seconds=_SYSTEMCTL_SECONDS)
        run_program([systemctl, "--user", "enable", "--now", timer], seconds=_SYSTEMCTL_SECONDS)
    except LocalIOError as error:
        # A user without a session of systemd, as in a container or after `su`, has no timers.
        error.remedy = (
            f"{error.remedy} Where the user has no session of systemd, choose another format, such "
            f"as a line for cron, and install it yourself. The units remain in {folder}."
        )
        error.hints = Hint.FORMAT_CRON
        raise
    return tuple(paths)
