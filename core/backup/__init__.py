"""Backups of database tables: taken at one snapshot, proven before a restore touches anything.

The format, version 1
---------------------
A backup is one folder of the contract's place, `backups/database/{table}/{YYYY}/{MM}/{DD}/`:

    2026-11-23T08:00:00.123456Z_1385db44ac50/part-00000.jsonl.zst
    2026-11-23T08:00:00.123456Z_1385db44ac50/part-00001.jsonl.zst …
    2026-11-23T08:00:00.123456Z_1385db44ac50/_manifest.json

*Parts* hold the rows as JSON lines, one object a row with the columns in their order, zstd
compressed; each unpacks by itself, to some 32 MB. An SQLite value is written as JSON's own null,
integer, number (a REAL always has `.` or `e`; ±Infinity is `9.0e+999`) or string; what JSON cannot
hold is an object: `{"$hex": "00FF"}` is a BLOB, `{"$text": "FF61"}` a text whose bytes are not
UTF-8. Computed columns are left out, and so is SQLite's implicit rowid: rows keep their order,
but only an INTEGER PRIMARY KEY keeps its numbers.

*The manifest* is written last, with `If-None-Match: *`: without it there is no backup. It holds
the schema as data (columns, keys, checks, foreign keys, indexes, triggers, the autoincrement's
position), row counts, each part's size and SHA-256, the SHA-256 of all lines (`content`), where it
came from (never credentials), tool and note, and its own SHA-256: that of its canonical JSON (keys
sorted, no spaces, ASCII) without the field `sha256`. Its name begins with `_`, so that Athena and
Spark take the folder for a table of rows alone.

How it is read: `listing` (what is there, and whether it is whole) → `package` (all parts fetched
and checked) → `preview` (what would change) → `restore` (load beside, prove, swap).
"""
