"""The state of the program on this machine, in one SQLite database: `state.db` in the data folder.

It holds profiles, settings, the ledger of links, the journals of transfers and rotations, the log
of changes, the records of uploads under way, the lifecycle rules before each change, and the last
statistics of each bucket. It never holds a secret: keys are in the system keyring
(`core.local.vault`).

*Modules.* `database` reads and writes; `opening` creates, checks and opens the file; `migrations`
has the schema; `owners` distinguishes records of running processes from those of ended ones;
`old_files`, `import_files` and `old_forms` import the files of earlier versions; `salvage` copies
what can be read of a damaged file, and `reports` returns what was lost; `statistics_parts` encodes
statistics; `failures` translates errors.

*Threads and processes.* The window, its engine process and commands use the file at the same time.
Each thread has a separate connection. A write is one statement, or a transaction that begins with
`BEGIN IMMEDIATE`, so that what it reads cannot change before it writes; another writer waits up to
`database.BUSY_SECONDS`. A forked process opens its own connections.

*Durability.* The file is in WAL mode. A durable write (`durable=True`: profiles, settings, the
rotation journal, the beginning of a transfer or upload) is on the disk before the call returns
(`synchronous=FULL`). Other writes survive the death of the process, and after a power failure the
newest of them may be missing; the file is intact in both cases.

*Places where that does not work.* On a network drive, or where SQLite cannot share memory, the
database uses a rollback journal instead of WAL. On a file system without locks it is used without
locks. In a folder that cannot be written it is read only.

*Damage.* The first access of each process runs `PRAGMA quick_check`. A damaged file is renamed to
`state.db.broken-…`, and its readable rows are copied into a new one; the Credentials tab reports it
while the renamed file exists. A file of a newer version is refused and left as it is.
"""
