"""The servers of the tests, which run side by side, share no folder."""

from tests.helpers.databases import Server


def test_a_mariadb_that_starts_cannot_remove_the_temporary_tables_of_another(
    mariadb_server: Server,
) -> None:
    """At its start, MariaDB deletes every `#sql…` file of its folder for temporary tables."""
    ((folder,),) = mariadb_server.ask("SELECT @@tmpdir")
    assert folder == str(mariadb_server.folder / "temporary")
