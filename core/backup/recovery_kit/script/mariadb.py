"""Statements that recreate a MariaDB table from a manifest; every fragment of SQL is checked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from core.backup.recovery_kit.script.failures import INTEGERS, corrupt, texts
from core.backup.recovery_kit.script.long_rows import LongRow, LongValue

_MARIADB_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<bits>[bBxX]'[0-9A-Fa-f]*'|0[xX][0-9A-Fa-f]+|0b[01]+)
    |(?P<string>'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*")
    |(?P<quoted>`(?:[^`]|``)*`)
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w$]))
    |(?P<word>[\w$\x80-\U0010ffff]+)
    |(?P<mark><=>|<>|<=|>=|!=|<<|>>|\|\||&&|->>|->|[-+*/%&|^<>=!~(),.{}:\[\]])""",
    re.VERBOSE | re.DOTALL,
)
#: Keywords and functions that read or write more than the row, or wait.
_FORBIDDEN = frozenset(
    [
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "INTO",
        "OUTFILE",
        "DUMPFILE",
        "LOAD_FILE",
        "SLEEP",
        "BENCHMARK",
        "GET_LOCK",
        "SYS_EXEC",
        "SYS_EVAL",
        "CALL",
        "EXECUTE",
        "PREPARE",
        "UNION",
        "DIRECTORY",
        "CONNECTION",
    ]
)
_OPTION = re.compile(
    r"(?:ENGINE|(?:DEFAULT )?CHARSET|COLLATE|ROW_FORMAT|KEY_BLOCK_SIZE|STATS_\w+|PAGE_COMPRESS\w+|ENCRYPT\w+"
    r"|MAX_ROWS|MIN_ROWS|AVG_ROW_LENGTH|CHECKSUM|DELAY_KEY_WRITE|PACK_KEYS)=[A-Za-z0-9_]+"
)
#: Options whose values may be keywords, such as ON.
_OF_ENGINE = re.compile(r"((?:PAGE_COMPRESS|ENCRYPT)\w+)=(\w+)")
#: Engines whose tables are only on this server.
_ENGINES = ("InnoDB", "Aria", "MyISAM", "RocksDB")
_RULES = ("", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT", "NO ACTION")
_INDEX_KINDS = ("FULLTEXT", "SPATIAL", "VECTOR")
_DIGITS = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_STATEMENT, _ROW_END = 1 << 19, ",\n"
_MODES = "STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES"
MARIADB_SESSION = (
    "SET NAMES utf8mb4",
    f"SET SESSION sql_mode='{_MODES}', time_zone='+00:00', foreign_key_checks=0",
    # Rows that violate a check already violated it in the backup; MySQL has no such setting.
    "SET @loading=1 /*M! , SESSION check_constraint_checks=0 */",
)


class _Number(str):
    """A JSON number with its digits."""

    __slots__ = ()


class MariaDBTable:
    """A table of a manifest's schema, under the name `name`."""

    def __init__(self, schema: dict[str, Any], name: str) -> None:
        self._schema = schema
        self.sql = backquoted(name)
        self._columns = _objects(schema, "columns")
        self._stored = [one for one in self._columns if one.get("generated") is None]
        self._names = [str(one.get("name")) for one in self._stored]
        charset = [o.partition("=")[2] for o in self._options() if o.startswith("COLLATE=")]
        collations = [one.get("collation") or (charset or ["utf8mb4"])[0] for one in self._stored]
        self._charsets = [str(one).split("_")[0] for one in collations]
        if not self._stored or not all(map(str.isalnum, self._charsets)):
            raise corrupt("The manifest's columns cannot be read.")

    def create(self, name: str) -> str:
        """Return the CREATE TABLE, with all indexes, under a temporary name."""
        items = [_definition_of(column) for column in self._columns]
        items += [
            f"PRIMARY KEY {_key_parts(key)}{_index_options(key)[1]}"
            for key in _objects(self._schema, "keys")
        ]
        for check in _objects(self._schema, "checks"):
            title = f"CONSTRAINT {backquoted(check['name'])} " if check.get("name") else ""
            items.append(f"{title}CHECK ({mariadb_fragment(check.get('expression'))})")
        for index in _objects(self._schema, "indexes"):
            kind, options = _index_options(index)
            kind = "UNIQUE " if index.get("unique") else kind
            items.append(f"{kind}KEY {backquoted(index['name'])} {_key_parts(index)}{options}")
        text = f"CREATE TABLE {backquoted(name)} ({', '.join(items)})"
        text += "".join(f" {option}" for option in self._options())
        if comment := self._schema.get("comment"):
            text += f" COMMENT={mariadb_text(comment)}"
        last = self._schema.get("sequence")
        if last is not None and (type(last) is not int or last not in INTEGERS):
            raise corrupt("The manifest's sequence is not a number.")
        text += "" if last is None else f" AUTO_INCREMENT={last + 1}"
        return text + self._partitions()

    def _options(self) -> list[str]:
        found = texts(self._schema.get("options", []), "options")
        for option in found:
            engine = option[7:] if option.startswith("ENGINE=") else "InnoDB"
            if not _OPTION.fullmatch(option) or engine not in _ENGINES:
                raise corrupt(f"An option of the table is not allowed: {option[:200]}")
        return [_OF_ENGINE.sub(r"\1='\2'", option) for option in found]

    def _partitions(self) -> str:
        key = self._schema.get("partition_key")
        if not key:
            return ""
        parts = [
            f"PARTITION {backquoted(one['name'])} {mariadb_fragment(one.get('bound') or 'ENGINE=InnoDB')}"
            for one in _objects(self._schema, "partitions")
        ]
        return f" {mariadb_fragment(key)}" + (f" ({', '.join(parts)})" if parts else "")

    def inserts(self, lines: Iterable[bytes | LongRow], name: str) -> Iterator[bytes]:
        """Yield INSERT statements for rows, each of about 0.5 MB or of one long row, in pieces."""
        names = ",".join(map(backquoted, self._names))
        # An ENUM may contain a value that is none of its labels, which a strict INSERT refuses.
        enum = any(str(one.get("type")).lower().startswith("enum") for one in self._stored)
        head = f"INSERT {'IGNORE ' if enum else ''}INTO {backquoted(name)} ({names}) VALUES\n"
        pending: list[str] = []
        size = 0
        for found in lines:
            if isinstance(found, LongRow):
                if pending:  # the rows remain in their order
                    yield f"{head}{_ROW_END.join(pending)};\n".encode()
                    pending, size = [], 0
                yield from self._long_insert(head, found)
                del found  # before the next long row is read
                continue
            for line in found[:-1].split(b"\n"):
                values = map(_literal_of, self._row(line), self._charsets)
                pending.append(f"({','.join(values)})")
                size += len(pending[-1])
                if size >= _STATEMENT:
                    yield f"{head}{_ROW_END.join(pending)};\n".encode()
                    pending, size = [], 0
        if pending:
            yield f"{head}{_ROW_END.join(pending)};\n".encode()

    def _row(self, line: bytes | LongRow) -> list[Any]:
        try:
            if isinstance(line, LongRow):
                return line.values(self._names, parse_int=_Number, parse_float=_Number)
            row = json.loads(line, parse_int=_Number, parse_float=_Number)
            return [row[name] for name in self._names]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise corrupt(f"A row of the backup cannot be read: {error!r}") from error

    def _long_insert(self, head: str, row: LongRow) -> Iterator[bytes]:
        yield f"{head}(".encode()
        for place, value in enumerate(self._row(row)):
            charset = self._charsets[place]
            yield b"," if place else b""
            if not isinstance(value, LongValue):
                yield _literal_of(value, charset).encode()
            elif value.tag:
                yield b"x'" if value.tag == "$hex" else f"_{charset} x'".encode()
                yield from value.digits()
                yield b"'"
            else:
                yield b"'"
                for piece in value.pieces():
                    yield piece.replace(b"\\", b"\\\\").replace(b"'", b"''").replace(b"\0", b"\\0")
                yield b"'"
        yield b");\n"

    def foreign_keys(self) -> Iterator[str]:
        """Yield the statements for the foreign keys, to run after all tables were restored."""
        for key in _objects(self._schema, "foreign_keys"):
            rules = (str(key.get("on_delete", "")), str(key.get("on_update", "")))
            if not set(rules) <= set(_RULES):
                raise corrupt(f"A rule of a foreign key is not allowed: {rules}")
            here = ", ".join(map(backquoted, texts(key.get("columns"), "columns")))
            there = ", ".join(map(backquoted, texts(key.get("references"), "references")))
            text = f"ALTER TABLE {self.sql} ADD FOREIGN KEY ({here}) REFERENCES "
            text += f"{backquoted(key.get('table'))} ({there})"
            text += f" ON DELETE {rules[0]}" if rules[0] else ""
            yield text + (f" ON UPDATE {rules[1]}" if rules[1] else "")


def _objects(schema: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = schema.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise corrupt(f"The manifest's {name} is not a list of objects.")
    return found


def _definition_of(column: dict[str, Any]) -> str:
    checked = texts(column.get("attributes", []), "attributes")
    for text in checked:
        mariadb_fragment(text.removeprefix("ON UPDATE "))
    pieces = [backquoted(column.get("name")), mariadb_fragment(column.get("type"))]
    pieces += _starting(checked, "CHARACTER SET ", "COMPRESSED")
    if collation := column.get("collation"):
        if not re.fullmatch(r"[A-Za-z0-9_]+", collation):
            raise corrupt(f"A collation is not allowed: {collation[:200]}")
        pieces.append(f"CHARACTER SET {collation.split('_')[0]} COLLATE {collation}")
    if column.get("generated") is None:
        pieces.append("NOT NULL" if column.get("not_null") else "NULL")
    else:
        kind = "STORED" if column.get("stored") else "VIRTUAL"
        pieces.append(f"GENERATED ALWAYS AS ({mariadb_fragment(column['generated'])}) {kind}")
    pieces += _starting(checked, "INVISIBLE", "REF_SYSTEM_ID", "SRID")
    if column.get("default") is not None:
        pieces.append(f"DEFAULT {mariadb_fragment(column['default'])}")
    pieces += ["AUTO_INCREMENT"] if column.get("numbering") else []
    pieces += _starting(checked, "ON UPDATE ")
    if comment := column.get("comment"):
        pieces.append(f"COMMENT {mariadb_text(comment)}")
    return " ".join(pieces + _starting(checked, "CHECK ("))


def _starting(attributes: list[str], *starts: str) -> list[str]:
    return [text for text in attributes if text.startswith(starts)]


def _key_parts(key: dict[str, Any]) -> str:
    found = []
    for part in _objects(key, "parts"):
        name = part.get("name")
        text = f"({mariadb_fragment(name)})" if part.get("expression") else backquoted(name)
        text += f"({int(part['length'])})" if part.get("length") else ""
        found.append(text + (" DESC" if part.get("descending") else ""))
    return f"({', '.join(found)})"


def _index_options(index: dict[str, Any]) -> tuple[str, str]:
    text = str(index.get("definition", ""))
    if text:
        mariadb_fragment(text)
    kind = text.split(" ", maxsplit=1)[0]
    if kind in _INDEX_KINDS:
        return f"{kind} ", text[len(kind) :]
    return "", f" {text}" if text else ""


def backquoted(name: Any) -> str:
    """Return a name as a quoted identifier of MariaDB."""
    if not isinstance(name, str) or not 0 < len(name) <= 64 or "\0" in name:
        raise corrupt(f"A name is not allowed: {name!r:.200}")
    return "`" + name.replace("`", "``") + "`"


def mariadb_text(text: Any) -> str:
    """Return a text as a literal of MariaDB."""
    return "'" + str(text).replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0") + "'"


def mariadb_fragment(text: Any) -> str:
    """Return a fragment of SQL that cannot end the statement or the parentheses around it."""
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise corrupt(f"A fragment of SQL is not allowed: {text!r:.200}")
    position = depth = 0
    while position < len(text):
        token = _MARIADB_TOKEN.match(text, position)
        comment = text.startswith(("--", "/*"), position)
        if token is None or comment or token.group().upper() in _FORBIDDEN:
            raise corrupt(f"A fragment of SQL is not allowed: {text[:200]}")
        depth += (token["mark"] == "(") - (token["mark"] == ")")
        if depth < 0 or (token["mark"] == "," and not depth):
            raise corrupt(f"A fragment of SQL is unbalanced: {text[:200]}")
        position = token.end()
    if depth:
        raise corrupt(f"A fragment of SQL is unbalanced: {text[:200]}")
    return text


def _literal_of(value: Any, charset: str) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, str):
        return mariadb_text(value)
    if isinstance(value, dict) and len(value) == 1:
        tag, digits = next(iter(value.items()))
        if tag in ("$hex", "$text") and isinstance(digits, str) and _DIGITS.fullmatch(digits):
            return f"x'{digits}'" if tag == "$hex" else f"_{charset} x'{digits}'"
    raise corrupt(f"A row contains a value in an unknown form: {str(value)[:200]}")
