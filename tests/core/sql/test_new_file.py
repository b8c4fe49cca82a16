"""An output file appears when it is complete, and replaces no other one."""

from pathlib import Path

import pytest

from core.errors import AlreadyExists
from core.hints import Hint
from core.sql.new_file import new_file


def test_a_file_that_another_program_creates_at_the_last_moment_stays(tmp_path, monkeypatch):
    path = tmp_path / "result.csv"

    def write():
        with new_file(path, overwrite=False) as temporary:
            temporary.write_text("ours")
            path.write_text("theirs")
            # As if it were created between the last check and the rename.
            monkeypatch.setattr(Path, "exists", lambda _path: False)

    with pytest.raises(AlreadyExists) as raised:
        write()
    monkeypatch.undo()
    assert raised.value.hints == Hint.OVERWRITE
    assert [each.read_text() for each in tmp_path.iterdir()] == ["theirs"]
