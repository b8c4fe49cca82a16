"""Backups of database tables, read from one snapshot and verified before a restore.

The format, version 1: a backup is a folder below the contract's prefix
`backups/database/{table}/{YYYY}/{MM}/{DD}/`:

    2026-11-23T08:00:00.123456Z_1385db44ac50/part-00000.jsonl.zst
    2026-11-23T08:00:00.123456Z_1385db44ac50/part-00001.jsonl.zst …
    2026-11-23T08:00:00.123456Z_1385db44ac50/_manifest.json

*Parts* contain the rows in the format of their engine, compressed with zstd; each part can be
decompressed separately, to about 32 MB (the first eight to 16 MB). PostgreSQL's are CSV as its COPY
writes it. The others are JSON lines, one object for each row with the columns in order: a value is
JSON null, integer, number (a REAL always has `.` or `e`; ±Infinity is `9.0e+999`) or string; values
that JSON does not support are objects: `{"$hex": "00FF"}` is a BLOB, `{"$text": "FF61"}` a text
whose bytes are not UTF-8. Computed columns are omitted.

*The manifest* is written last, with `If-None-Match: *`: without it there is no backup. It contains
the schema as data (columns, keys, checks, foreign keys, indexes, triggers, the autoincrement
counter), row counts, size and SHA-256 of each part, the SHA-256 of all lines (`content`), a
fingerprint that the server can compute again, the source (without credentials), tool and note, and
its own SHA-256: that of its canonical JSON (keys sorted, no spaces, ASCII) without the field
`sha256`. Its name starts with `_`, so that Athena and Spark ignore it.

`_pin.json` in the folder protects a backup from `retention`.

Reading: `listing` (existing backups and their state) → `package` (download and verification of all
parts) → `conversion` (to another engine) → `preview` (changes) → `restore` (load a shadow table,
verify, swap), or `row_restore` (change single rows).
"""
