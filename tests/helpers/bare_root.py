"""A folder that looks like a bare machine: Python's standard library, zstd and database clients only."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from helpers.databases import program

from core.backup import recovery_kit

_PROGRAMS = ("zstd", "mariadb", "psql")


class BareRoot:
    """A root folder; `work` is its folder `/inside`, for the kit, the backup and the results."""

    def __init__(self, folder: Path) -> None:
        self.root, self.work = folder / "root", folder / "inside"
        self.work.mkdir(parents=True)
        recovery_kit.write(self.work / "kit")
        self._python = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
        self._library = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix}))
        found = [self._python, *map(_binary, _PROGRAMS)]
        for place in ("inside", "tmp", "dev", "bin", "etc", str(self._library)[1:]):
            (self.root / place).mkdir(parents=True, exist_ok=True)
        (self.root / "dev/null").touch()
        (self.root / "etc/passwd").write_text("root:x:0:0::/inside:/bin/sh\n")
        for path in found[1:]:
            shutil.copy(path, self.root / "bin" / path.name)
        self._copy(self._python)
        modules = sorted((self._library / "lib-dynload").glob("*.so"))
        for library in _libraries([*found, *modules]):
            self._copy(library)

    def _copy(self, path: Path) -> None:
        target = self.root / str(path)[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the recovery script inside; skip the test where this user may not change the root."""
        inside = self.root / str(self._library)[1:]
        hidden = inside / "site-packages"
        script = f"""
            mount --bind {self._library} {inside} && mount --bind {self.work} {self.root}/inside &&
            mount --bind /dev/null {self.root}/dev/null &&
            {{ [ ! -d {hidden} ] || mount -t tmpfs none {hidden}; }} || exit 99
            exec chroot {self.root} "$@"
        """
        python = [str(self._python), "-I", "-S", f"/inside/kit/{recovery_kit.SCRIPT}"]
        done = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh",
             *python, *arguments],
            cwd=self.work, env={"PATH": "/bin:/usr/bin:/sbin:/usr/sbin", **environment},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode == 99 or "unshare failed" in done.stderr:
            pytest.skip(f"this user may not change the root folder: {done.stderr.strip()[:200]}")
        return done


def _binary(name: str) -> Path:
    """Return the path of a program; Debian's `psql` is a Perl script that finds it."""
    if name == "psql":
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))
        if found:
            return found[-1]
    return Path(program(name)).resolve()


def _libraries(paths: list[Path]) -> set[Path]:
    """Return the shared libraries that programs and modules need."""
    listed = subprocess.run(
        ["ldd", *map(str, paths)], capture_output=True, text=True, timeout=60, check=False
    ).stdout
    tokens = (one for line in listed.splitlines() if line[:1] == "\t" for one in line.split())
    return {Path(one) for one in tokens if one.startswith("/")}
