"""The setup of a new machine installs the right libraries and reports what is missing."""

import os
import shutil
import subprocess
import sys

import pytest
from conventions.source import ROOT

TOOLS = ("bash", "awk", "sort", "uname", "env")


@pytest.fixture
def machine(tmp_path):
    """A separate PATH with fake programs that record their calls."""

    def play(name, script):
        program = tmp_path / name
        program.unlink(missing_ok=True)
        program.write_text(f"#!{shutil.which('bash')}\n{script}\n")
        program.chmod(0o755)

    for name in TOOLS:
        (tmp_path / name).symlink_to(shutil.which(name))
    play("ldd", f"[ -e {tmp_path}/installed ] || echo 'libxcb-cursor.so.0 => not found'")
    play("id", "echo 0")
    return play


def run(tmp_path):
    return subprocess.run(
        [str(ROOT / ".ci/qt-libraries"), sys.executable],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip


def apt(tmp_path):
    return f'echo "$*" >> {tmp_path}/calls; case "$*" in install*) : > {tmp_path}/installed;; esac'


def test_missing_libraries_are_installed_by_root(machine, tmp_path):
    machine("apt-get", apt(tmp_path))
    assert run(tmp_path).returncode == 0
    assert "libxcb-cursor0" in (tmp_path / "calls").read_text()
    (tmp_path / "calls").unlink()
    assert run(tmp_path).returncode == 0
    assert not (tmp_path / "calls").exists()


def test_sudo_is_used_only_by_others(machine, tmp_path):
    machine("apt-get", apt(tmp_path))
    machine("id", "echo 1000")
    output = run(tmp_path)
    assert output.returncode == 1
    assert "Run as root:  apt-get install" in output.stderr
    machine("sudo", f'echo sudo >> {tmp_path}/calls; exec "$@"')
    assert run(tmp_path).returncode == 0
    assert (tmp_path / "calls").read_text().startswith("sudo\n")


def test_other_systems_are_reported_the_names(machine, tmp_path):
    output = run(tmp_path)
    assert output.returncode == 1
    assert "libxcb-cursor0" in output.stderr
    assert "Debian" in output.stderr


class TestServers:
    """The programs that the tests talk to: installed without any service being started."""

    @pytest.fixture
    def machine(self, machine, tmp_path):
        machine("uname", "echo Linux")
        for name in ("rm", "tee", "chmod"):
            (tmp_path / name).symlink_to(shutil.which(name))
        return machine

    def run(self, tmp_path, *arguments):
        return subprocess.run(
            [str(ROOT / ".ci/test-servers"), *arguments],
            env={"PATH": str(tmp_path), "SERVER_FOLDERS": "", "POLICY_RC_D": str(tmp_path / "rc")},
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip

    def test_they_are_installed_and_nothing_is_started(self, machine, tmp_path):
        programs = "initdb mariadbd gnome-keyring-daemon dbus-daemon dbus-run-session setpriv zstd"
        machine(
            "apt-get",
            f'echo "$* $({tmp_path}/rc; echo $?)" >> {tmp_path}/calls\n'
            f'case "$*" in install*) for name in {programs}; do\n'
            f'  printf "#!/bin/sh\\n" > {tmp_path}/$name; chmod +x {tmp_path}/$name; done;; esac',
        )
        output = self.run(tmp_path)
        assert output.returncode == 0, output.stderr
        call = (tmp_path / "calls").read_text().splitlines()[-1]
        assert "postgresql mariadb-server gnome-keyring" in call
        assert call.endswith(" 101")
        assert not (tmp_path / "rc").exists()
        (tmp_path / "calls").unlink()
        assert self.run(tmp_path).returncode == 0
        assert not (tmp_path / "calls").exists()

    def test_other_systems_are_reported_the_names(self, machine, tmp_path):
        output = self.run(tmp_path)
        assert output.returncode == 1
        assert "mariadb-server" in output.stderr
        assert "Debian" in output.stderr

    def test_the_object_gateway_is_needed_only_on_request(self, machine, tmp_path):
        assert "radosgw" not in self.run(tmp_path).stderr
        assert "ceph-mon ceph-osd ceph-mgr radosgw ceph-common" in self.run(tmp_path, "rgw").stderr
