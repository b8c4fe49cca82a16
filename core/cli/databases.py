"""The commands `database tables`, `database login` and `database logout`, and checks of addresses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.parameters import usage_error
from core.errors import InvalidInput, KeyringError

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.database import DatabaseInfo, TableInfo

_HELP = (
    "A path to an SQLite file, a URL such as postgresql://user@host/database, or "
    "secret:NAME of a secret with the address."
)


def without_password(address: str) -> str:
    """Return an address from the command line, where other users can read the arguments.

    Raises:
        InvalidInput: The address contains a password, or something that may be one.
    """
    from core.backup.databases.address import SECRET_PREFIX, parse_address

    if address.startswith(SECRET_PREFIX) or not address.strip():
        return address
    # As the path of a file, it would be shown in messages.
    if "://" not in address and re.search(r":.*@", address) and not Path(address).exists():
        raise usage_error(
            "The address is neither a URL nor an existing file",
            "It may contain a password, like a URL without //.",
            "Write it as postgresql://user@host:5432/database.",
        )
    if parse_address(address).password is not None:
        raise usage_error(
            "The database URL contains a password",
            "Other users of this machine can read the arguments of a command.",
            "Remove it from the URL and store it once with `strongroom database login URL`, or "
            "use secret:NAME or a password file such as ~/.pgpass.",
        )
    return address


app = typer.Typer(help="Databases whose tables are backed up.", no_args_is_help=True)

Database = Annotated[str, typer.Argument(help=_HELP, callback=without_password)]


@app.command("tables")
def tables(context: typer.Context, database_url: Database) -> None:
    """List the tables of a database with their row counts."""
    from core.backup.databases import open_database
    from core.backup.databases.address import SECRET_PREFIX, resolve_address

    cli: Cli = context.obj
    with cli.out.work("Reading tables") as work:
        named = database_url.startswith(SECRET_PREFIX)
        secrets = cli.opener.workspace(work).secrets if named else None
        address = resolve_address(database_url, secrets, work)
        with open_database(address, work=work) as database:
            info = database.info(work=work)
    cli.out.result(info, lambda: _show(cli, info))


def _show(cli: Cli, info: DatabaseInfo) -> None:
    cli.out.line(f"{info.name}: {info.engine} {info.version}")
    cli.out.table(("Table", "Rows", "Note"), [_row(table) for table in info.tables], numbers=(1,))


def _row(table: TableInfo) -> tuple[str, str, str]:
    former = f"the former table of {table.former_name}" if table.former_name else ""
    return table.name, table.rows_text, table.problem or former


@app.command("login")
def login(context: typer.Context, database_url: Database) -> None:
    """Store the password of a database user in the keyring, after a login with it.

    The password is read from standard input, or prompted for on a terminal.
    """
    from core.backup.databases import open_database
    from core.backup.databases.address import DatabaseAddress, store_password
    from core.cli.values import ask_value

    cli: Cli = context.obj
    if "://" not in database_url:
        raise _no_server(database_url)
    password = ask_value("password")
    with cli.out.work("Logging in") as work:
        address = DatabaseAddress(database_url, password)
        with open_database(address, work=work) as database:
            version = f"{database.engine} {database.version}"
    try:
        store_password(database_url, password)
    except KeyringError as error:  # its remedy is that of access keys
        error.remedy = (
            "Start or unlock a keyring. Without one, save the address and the password as a secret "
            "and use secret:NAME instead of the URL, or write the password into the file of the "
            "database's programs: ~/.pgpass (PostgreSQL) or ~/.my.cnf (MariaDB)."
        )
        raise
    result = {"database": database_url, "server": version}
    cli.out.result(result, lambda: cli.out.line(f"The password is stored; {version} accepts it."))


@app.command("logout")
def logout(context: typer.Context, database_url: Database) -> None:
    """Remove the password of a database user from the keyring."""
    from core.backup.databases.address import delete_password

    cli: Cli = context.obj
    if "://" not in database_url:
        raise _no_server(database_url)
    delete_password(database_url)
    result = {"database": database_url}
    cli.out.result(result, lambda: cli.out.line("The password is removed from the keyring."))


def _no_server(address: str) -> InvalidInput:
    return usage_error(
        f"{address} is not the URL of a database server",
        remedy="Write it as postgresql://user@host:5432/database.",
    )
