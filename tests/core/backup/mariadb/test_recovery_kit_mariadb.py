"""The recovery kit restores tables of a real MariaDB server with its client."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from helpers.backups import MemoryStore
from helpers.recovery import LONG_MB, copied, kit_peak, run_kit

from tests.core.backup.mariadb.conftest import PASSWORD, Trading

pytestmark = pytest.mark.skipif(
    not (shutil.which("zstd") and shutil.which("mariadb")), reason="zstd or mariadb is missing"
)

ODD = r"""
CREATE TABLE `o``dd 'table` (
 id int unsigned zerofill not null auto_increment, bi bigint unsigned default 18446744073709551615,
 de decimal(65,30) default 1.5, f float, d double default 0.1, b bit(5) default b'101',
 dt datetime(6) default current_timestamp(6) on update current_timestamp(6), ts timestamp null,
 t time(6) default '10:00:00', js json default '{"a":1}',
 en enum('a','it''s','b,"c\\') character set latin1 default 'a', sj varchar(20) character set sjis,
 vb varbinary(300) default 0x41, tx text not null default concat('a','b'), pt point not null,
 gen int as (length(tx)+1) virtual, gens varchar(50) as (concat(tx,'x')) stored comment 'it''s',
 inv int invisible default 5, chk int check (chk > 5),
 primary key (id), unique key u1 (bi desc), key pre (tx(10)) comment 'idx', fulltext key ft (tx),
 spatial key sp (pt), constraint ck check (chk <> 3)
) engine=innodb default charset=utf8mb4 collate=utf8mb4_unicode_ci PAGE_COMPRESSED='ON' ENCRYPTED='NO'
 comment='tab''le \\ ;'
"""


def test_long_values_need_little_more_memory_than_one_of_them(
    trading: Trading, store: MemoryStore, tmp_path: Path
) -> None:
    size = LONG_MB << 20
    packet = trading.sql("SELECT @@GLOBAL.max_allowed_packet")[0][0]
    trading.sql(f"SET GLOBAL max_allowed_packet={max(packet, 3 * size + (1 << 20)) >> 10 << 10}")
    try:
        trading.sql("CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB, v LONGTEXT, n INT)")
        trading.sql(
            f"INSERT INTO t VALUES (1, REPEAT(x'00ff27', {size} / 3), CHAR(39), 7), "
            f"(2, NULL, REPEAT('a\\'\\\\\\n\\0é€😀', {size} / 14), NULL), (3, '', 'x', 0)"
        )
        trading.backed_up(store, "t")
        options = _client(trading, tmp_path) + f" --max-allowed-packet={3 * size + (1 << 20)}"
        place = ("--folder", copied(store, tmp_path / "copy"), "--output", tmp_path / "out")
        run = ("restore", "t", "--as", "new", *place)
        # The client itself needs the complete statement.
        assert kit_peak(tmp_path / "kit", *run) < 60 + 2 * LONG_MB
        shutil.rmtree(tmp_path / "out")
        done = run_kit(tmp_path / "kit", *run, f"--mariadb={options}")
        assert (done.returncode, done.stderr) == (0, "")
        hashes = "SELECT id, SHA2(b, 256), SHA2(v, 256), n FROM {} ORDER BY id"
        assert trading.sql(hashes.format("new")) == trading.sql(hashes.format("t"))
    finally:
        trading.sql(f"SET GLOBAL max_allowed_packet={packet}")


def _client(trading: Trading, tmp_path: Path) -> str:
    """Return options for the client of the server."""
    secret = tmp_path / "client.cnf"
    secret.write_text(f"[client]\npassword={PASSWORD}\n")
    secret.chmod(0o600)
    return (
        f"--defaults-extra-file={secret} --protocol=TCP -h 127.0.0.1 -P {trading.server.port} "
        f"-u {trading.user} --skip-ssl {trading.name}"
    )


@pytest.fixture
def odd(trading: Trading) -> Trading:
    every_byte = "".join(f"{number:02x}" for number in range(256))
    text = "".join(map(chr, range(1, 128))).replace("\\", "\\\\").replace("'", "''") + "€😀"
    trading.sql(
        ODD,
        "INSERT INTO `o``dd 'table` (id, tx, pt) VALUES (0, '', POINT(0,0))",
        "INSERT INTO `o``dd 'table` (id,bi,de,f,d,b,dt,ts,t,js,en,sj,vb,tx,pt,inv,chk) VALUES "
        "(7, 1, -99999999999999999999999999999999999.999999999999999999999999999999, 0.1, -0e0,"
        " b'11111', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', '-838:59:59.999999',"
        f""" '{{"b" : [1, 2.50]}}', 'b,"c\\\\', _sjis x'8160', x'{every_byte}', '{text}',"""
        " POINT(1.5,-2.5), NULL, 6)",
        "INSERT INTO `o``dd 'table` (id, bi, d, tx, pt, vb) VALUES "
        "(8, 2, 5e-324, '\\n\\\\! delimiter //\\r\\n', POINT(0,0), NULL)",
        "ALTER TABLE `o``dd 'table` AUTO_INCREMENT=4000",
    )
    return trading


def test_a_table_comes_back_exactly(odd: Trading, store: MemoryStore, tmp_path: Path) -> None:
    table, quoted = "o`dd 'table", "`o``dd 'table`"
    odd.backed_up(store, table)
    options = _client(odd, tmp_path)
    before, rows = odd.sql(f"SHOW CREATE TABLE {quoted}")[0][1], odd.rows(table)
    folder = copied(store, tmp_path / "copy")

    def restored(output: str, *more: str) -> tuple[int, str]:
        place = ("--folder", folder, "--output", tmp_path / output, f"--mariadb={options}")
        done = run_kit(tmp_path / "kit", "restore", table, *place, *more)
        return done.returncode, done.stderr

    assert restored("first", "--as=again") == (0, "")
    assert odd.rows("again") == rows
    code, problem = restored("second")
    assert (code, "already exists" in problem) == (43, True)
    assert odd.rows(table) == rows
    odd.sql(f"DROP TABLE {quoted}", f"DROP TABLE {re.findall('restoring_[0-9a-f]+', problem)[0]}")
    # The failed attempt has left no files, so that the same command can be repeated.
    assert restored("second") == (0, "")
    assert odd.sql(f"SHOW CREATE TABLE {quoted}")[0][1] == before
    assert odd.rows(table) == rows
    assert odd.tables() == ["again", table]
