"""Tables of a real MariaDB come back exactly: rows, schema, next number, triggers."""

from __future__ import annotations

import pytest
from helpers.backups import MemoryStore

from core.backup.restore import BY_FINGERPRINT
from core.work import Work
from tests.core.backup.mariadb.conftest import Trading

EVERY_TYPE = r"""
CREATE TABLE every (
 id int unsigned zerofill not null auto_increment, ti tinyint(1), sm smallint, me mediumint unsigned,
 bi bigint unsigned default 18446744073709551615, si bigint, de decimal(65,30) default 1.5,
 dz decimal(10,2) zerofill, f float, f2 float(7,3), d double default 0.1, d2 double(10,2),
 b bit(5) default b'101', b64 bit(64), da date default '0000-00-00',
 dt datetime(6) default current_timestamp(6) on update current_timestamp(6), ts timestamp null,
 ts3 timestamp(3) default '0000-00-00 00:00:00', y year default 2020, t time(6) default '10:00:00',
 js json default '{"a":1}', en enum('a','it''s','b,"c\\') character set latin1 default 'a',
 se set('x','y') default 'x,y', ch char(5) character set latin1 collate latin1_bin default 'a''b\\',
 la varchar(300) character set latin1, sj varchar(20) character set sjis,
 u16 varchar(20) character set utf16, u2 varchar(20) character set ucs2,
 vb varbinary(300) default 0x41, bn binary(3), bl blob default 'abc',
 tx text not null default concat('a','b'), lt longtext compressed, mt mediumtext collate utf8mb4_bin,
 g geometry, pt point not null, u uuid default uuid(), i6 inet6, i4 inet4,
 gen int as (ti+1) virtual, gens varchar(50) as (concat(tx,'x')) stored comment 'it''s gen',
 inv int invisible default 5, chk int check (chk > 5), ex int default (1+2),
 nn int not null comment 'multi\nline "q" \\ back',
 primary key (id), unique key u1 (si,bi desc), key pre (tx(10), mt(5)), fulltext key ft (tx),
 fulltext key ft2 (mt), spatial key sp (pt), key h (de) using hash comment 'idx', key ign (f) ignored,
 constraint ck check (ti < 100 or nn <> 3)
) engine=innodb default charset=utf8mb4 collate=utf8mb4_unicode_ci comment='tab''le' row_format=dynamic
"""


@pytest.fixture
def every(trading: Trading) -> Trading:
    all_bytes = "".join(f"{number:02x}" for number in range(256))
    characters = "".join(map(chr, range(1, 128))) + "€ü😀\u2028\ufeff"
    text = characters.replace("\\", "\\\\").replace("'", "''")
    trading.sql(
        EVERY_TYPE,
        # Each row has the values at one end of the ranges.
        "INSERT INTO every (id, nn, tx, pt) VALUES (0, 1, '', POINT(0,0))",
        "INSERT INTO every (id, ti, sm, me, bi, si, de, dz, f, f2, d, d2, b, b64, da, dt, ts, ts3, y, t,"
        " js, en, se, ch, la, sj, u16, u2, vb, bn, bl, tx, lt, mt, g, pt, i6, i4, inv, chk, nn) VALUES "
        "(4294967295, -128, -32768, 16777215, 18446744073709551615, -9223372036854775808,"
        " -99999999999999999999999999999999999.999999999999999999999999999999, 1.50, 0.1, 1234.567,"
        " 1.7976931348623157e308, -0.01, b'11111', 18446744073709551615, '0000-00-00',"
        " '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', '1970-01-01 00:00:01.001', '0000',"
        " '-838:59:59.999999', '{\"b\" : [1, 2.50], \"a\":null}', 'b,\"c\\\\', '', '', 'é', _sjis x'8160',"
        " '😀', _ucs2 x'00410000', x'00ff', x'000102', "
        f"x'{all_bytes}', '{text}', '{text}', '{text}',"
        " ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))', 4326), POINT(1.5,-2.5), '::ffff:1.2.3.4',"
        " '255.255.255.255', null, 6, -2147483648)",
        f"INSERT INTO every (id, d, f, la, vb, tx, nn, pt, da, dt, y, t) VALUES (7, -2.2250738585072014e-308,"
        f" 3.4028234e38, CONVERT(x'{all_bytes}' USING latin1), x'{all_bytes}', 'null', 3, POINT(0,0),"
        " '2026-02-31', '0000-00-00', '2155', '838:59:59')",
        "INSERT INTO every (id, d, f, tx, nn, pt) VALUES (8, 5e-324, 1.17549435e-38, 'NULL', 2, POINT(0,0)),"
        " (9, -0e0, -0e0, '\\\\N', 2, POINT(0,0)), (10, 0.30000000000000004, 16777216, '{\"$hex\":\"00\"}', 2,"
        ' POINT(0,0)), (11, 1e15, 123456.7, \'\\t\\n}\\n{"id":\', 2, POINT(0,0)), (12, 1e22, 0.333333333, \'","ti":\', 5, POINT(0,0))',
        "ALTER TABLE every AUTO_INCREMENT=4294967295",
    )
    return trading


def test_every_type_comes_back_exactly(every: Trading, store: MemoryStore) -> None:
    backup = every.backed_up(store, "every")
    before, rows = every.sql("SHOW CREATE TABLE every"), every.sql("SELECT *, inv FROM every")
    report = every.restored(store, backup)
    assert report.verified == BY_FINGERPRINT
    assert every.sql("SHOW CREATE TABLE every") == before
    assert every.sql("SELECT *, inv FROM every") == rows
    assert (
        every.sql(f"CHECKSUM TABLE every, {report.kept}")[0][1]
        == (every.sql(f"CHECKSUM TABLE {report.kept}")[0][1])
    )
    with every.open(write=True) as database, database.change(work=Work()):
        database.drop_former(report.kept)
    assert every.tables() == ["every"]
