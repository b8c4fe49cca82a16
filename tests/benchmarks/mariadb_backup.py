"""A MariaDB table of 1,000,000 x 8 is backed up and restored, compared with the server's own tools."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.dump import ROWS, fast_folder
from tests.benchmarks.figures import Figure
from tests.benchmarks.server_tables import ServerTable, processor_time

#: Speed against each peer: compressed by gzip, by zstd -1, and loading its own dump.
AGAINST_GZIP, AGAINST_ZSTD, RESTORE = 1 / 0.5, 1 / 1.2, 1.0
_PASSWORD = "of-the-benchmark"

_TABLE = (
    "CREATE DATABASE bench CHARACTER SET utf8mb4",
    (
        "CREATE TABLE bench.orders (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, "
        "user_id INT NOT NULL, symbol VARCHAR(16), side VARCHAR(4), price DECIMAL(18,2), "
        "quantity DOUBLE, status VARCHAR(12), created_at DATETIME, KEY user_id (user_id))"
    ),
    (
        "INSERT INTO bench.orders SELECT seq, FLOOR(RAND(7)*5000), "
        "ELT(1+seq%%3,'BTC-USD','ETH-USD','SOL-USD'), IF(RAND(8)<0.5,'buy','sell'), "
        "ROUND(10+RAND(9)*60000,2), RAND(10)*3, "
        "ELT(1+FLOOR(RAND(11)*4),'filled','open','cancelled','partial'), "
        f"'2026-01-01'+INTERVAL seq SECOND FROM bench.seq_1_to_{ROWS}"
    ),
)


def figures() -> Iterator[Figure]:
    """Yield the figures; nothing when there is no MariaDB to compare with."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from helpers.databases import running_mariadb

    missing = [name for name in ("mariadb", "mariadb-dump", "zstd") if shutil.which(name) is None]
    if missing:
        sys.stderr.write(f"mariadb: {', '.join(missing)} missing; run .ci/test-servers\n")
        return
    with (
        running_mariadb(buffer_pool="256M", log_statements=False) as server,
        tempfile.TemporaryDirectory(dir=fast_folder()) as name,
    ):
        for statement in _TABLE:
            server.ask(statement)
        server.ask("CREATE USER bench@'%%' IDENTIFIED BY %s", _PASSWORD)
        server.ask("GRANT ALL ON bench.* TO bench@'%%'")
        options = Path(name) / "my.cnf"
        options.write_text(
            f"[client]\nuser=bench\npassword={_PASSWORD}\nhost=127.0.0.1\nport={server.port}\n"
        )
        options.chmod(0o600)
        url = f"mysql://bench@127.0.0.1:{server.port}/bench"
        # Like a backup, two connections read one half each.
        halves = [Path(name) / f"half{number}.sql" for number in (1, 2)]
        for half, sign in zip(halves, ("<=", ">"), strict=True):
            half.write_text(_statement(url, f"id {sign} {ROWS // 2}"))
        table = ServerTable(
            "MariaDB",
            url,
            _PASSWORD,
            lambda: server.ask("DROP TABLE IF EXISTS bench.orders"),
            tuple(
                f"mariadb --defaults-file={options} -NBq --raw bench < {half} > /dev/null"
                for half in halves
            ),
            False,
            lambda: processor_time(server.folder / "pid", children=False),
        )
        dump = f"mariadb-dump --defaults-file={options} --single-transaction bench orders"
        yield from table.backups({
            "mariadb-dump | gzip": (f"{dump} | gzip | wc -c", AGAINST_GZIP),
            "mariadb-dump | zstd -1": (f"{dump} | zstd -1 | wc -c", AGAINST_ZSTD),
        })  # fmt: skip
        yield from table.restores(
            Path(name),
            dump.split(),
            lambda file: ["sh", "-c", f"mariadb --defaults-file={options} bench < {file}"],
            "mariadb < mariadb-dump",
            RESTORE,
        )


def _statement(url: str, condition: str) -> str:
    """Return the statement with which the server builds the lines of some rows of a backup."""
    from core.backup.databases.mysql.address import ServerAddress
    from core.backup.databases.mysql.inspect import read_schema
    from core.backup.databases.mysql.rows import source
    from core.backup.databases.mysql.sampling import sampled_row_sql
    from core.backup.databases.mysql.session import Session
    from core.redaction import Secret
    from core.work import Work

    session = Session.open(ServerAddress.parse(url), Secret(_PASSWORD), Work())
    try:
        schema = read_schema(session, "orders")
        return f"SELECT {sampled_row_sql(session, schema)} FROM {source(schema, condition)};\n"
    finally:
        session.close()
