"""Recreation of a table in SQLite from the data of a manifest; every fragment of SQL is checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from core.backup.recovery_kit.script.failures import checked_record, corrupt, texts

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<blob>[xX]'[^']*')
    |(?P<string>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    |(?P<number>0[xX][0-9A-Fa-f_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?[\d_]+)?)
    |(?P<word>[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
    |(?P<mark><>|<=|>=|==|!=|<<|>>|\|\||->>|->|[-+*/%&|<>=~(),.;])""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_TYPE = re.compile(
    r"[^\W\d][\w$]*(?: [^\W\d][\w$]*)*"
    r" ?(?:\(\s*[+-]?[\d.]+\s*(?:,\s*[+-]?[\d.]+\s*)?\))?"
)
#: Words that end a column's type.
_RESERVED = {
    "CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES",
    "AS", "DEFERRABLE",
}  # fmt: skip
_CONFLICTS = ("", "ROLLBACK", "FAIL", "IGNORE", "REPLACE")
_ACTIONS = ("", "CASCADE", "RESTRICT", "SET NULL", "SET DEFAULT")
_DEFERRALS = (
    "", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED", "DEFERRABLE INITIALLY IMMEDIATE",
    "NOT DEFERRABLE", "NOT DEFERRABLE INITIALLY DEFERRED", "NOT DEFERRABLE INITIALLY IMMEDIATE",
)  # fmt: skip
_OPTIONS = {"strict": "STRICT", "without rowid": "WITHOUT ROWID"}
_TABLE: dict[str, Any] = {
    "table": "", "columns": [], "keys": [], "checks": [], "foreign_keys": [], "indexes": [],
    "triggers": [], "options": [], "sequence": 0, "rowids": "",
}  # fmt: skip
_COLUMN: dict[str, Any] = {
    "name": "", "type": "", "not_null": False, "default": None, "collation": None,
    "generated": None, "stored": False, "on_conflict": "",
}  # fmt: skip
_PARTS: dict[str, Any] = {"name": "", "expression": False, "collation": None, "descending": False}
_KEY: dict[str, Any] = {
    "parts": [], "primary": False, "name": "", "inline": False, "identity": "", "on_conflict": "",
}  # fmt: skip
_CHECK: dict[str, Any] = {"expression": "", "name": ""}
_FOREIGN: dict[str, Any] = {
    "columns": [], "table": "", "references": [], "name": "", "on_delete": "", "on_update": "",
    "match": "", "deferrable": "",
}  # fmt: skip
_INDEX: dict[str, Any] = {"name": "", "parts": [], "unique": False, "where": None}
_TRIGGER: dict[str, Any] = {
    "name": "", "timing": "", "event": "", "body": "", "columns": [], "condition": None,
    "each_row": False,
}  # fmt: skip


class SQLiteTable:
    """A table of a manifest's schema, under the name `name`."""

    def __init__(self, schema: dict[str, Any], name: str) -> None:
        if schema.get("sequence") is None:
            schema = {key: value for key, value in schema.items() if key != "sequence"}
        self.has_sequence = "sequence" in schema
        schema = checked_record(_without_definitions(schema), _TABLE, "schema")
        self.name, self.old_name, self._schema = name, schema["table"], schema
        self.columns = [checked_record(one, _COLUMN, "column") for one in schema["columns"]]
        self.keys = [checked_record(one, _KEY, "key") for one in schema["keys"]]
        self.stored = [one["name"] for one in self.columns if one["generated"] is None]
        self.sequence = schema["sequence"]
        self.options = [_known(one, _OPTIONS) for one in texts(schema["options"], "options")]
        self.rowid = self._rowid()
        if not self.stored or (schema["rowids"] and not self.rowid):
            raise corrupt("The manifest's schema cannot be that of a table.")
        #: The names of the values in a row.
        self.recorded = ([schema["rowids"]] if schema["rowids"] else []) + self.stored

    @property
    def targets(self) -> list[str]:
        """The quoted columns of the recorded values."""
        return ([self.rowid] if self._schema["rowids"] else []) + list(map(quoted, self.stored))

    @property
    def numbered(self) -> bool:
        """Whether the table has an AUTOINCREMENT counter."""
        return any(key["identity"] for key in self.keys)

    def _rowid(self) -> str:
        """Return a name under which the rowid can be read and written; empty if it has none."""
        names = {column["name"].lower() for column in self.columns}
        if "WITHOUT ROWID" in self.options:
            return ""
        return next((name for name in ("rowid", "_rowid_", "oid") if name not in names), "")

    def create(self) -> str:
        """Return the CREATE TABLE."""
        inline = {
            key["parts"][0].get("name"): key for key in self.keys if key["inline"] and key["parts"]
        }
        items = [_column(column, inline.get(column["name"])) for column in self.columns]
        items += [_key(key) for key in self.keys if not key["inline"]]
        for value in self._schema["checks"]:
            check = checked_record(value, _CHECK, "check")
            items.append(f"{_named(check['name'])}CHECK ({expression(check['expression'])})")
        items += [self._foreign(value) for value in self._schema["foreign_keys"]]
        text = f"CREATE TABLE {quoted(self.name)} ({', '.join(items)})"
        return f"{text} {', '.join(self.options)}".rstrip()

    def _foreign(self, value: Any) -> str:
        key = checked_record(value, _FOREIGN, "foreign key")
        own = key["table"].lower() == self.old_name.lower()
        there = texts(key["references"], "references")
        return _joined(
            f"{_named(key['name'])}FOREIGN KEY {_names(key['columns'])} REFERENCES",
            quoted(self.name if own else key["table"]),
            _names(there) if there else "",
            f"ON DELETE {key['on_delete']}" if _known(key["on_delete"], _ACTIONS) else "",
            f"ON UPDATE {key['on_update']}" if _known(key["on_update"], _ACTIONS) else "",
            f"MATCH {quoted(key['match'])}" if key["match"] else "",
            _known(key["deferrable"], _DEFERRALS),
        )

    def indexes(self, taken: set[str]) -> list[str]:
        """Return the CREATE INDEX statements; a name of `taken` gets the table's name before it."""
        found = []
        for value in self._schema["indexes"]:
            index = checked_record(value, _INDEX, "index")
            name = index["name"]
            name = f"{self.name}__{name}" if name.lower() in taken else name
            parts = ", ".join(map(_part, index["parts"]))
            where = "" if index["where"] is None else f" WHERE {expression(index['where'])}"
            unique = "UNIQUE " if index["unique"] else ""
            found.append(
                f"CREATE {unique}INDEX {quoted(name)} ON {quoted(self.name)} ({parts}){where}"
            )
        return found

    def triggers(self) -> list[str]:
        """Return the CREATE TRIGGER statements: code, which is only created on request."""
        found = []
        for value in self._schema["triggers"]:
            one = checked_record(value, _TRIGGER, "trigger")
            _balanced(one["body"], statements=True)
            columns = ", ".join(map(quoted, texts(one["columns"], "columns")))
            head = _joined(
                f"CREATE TRIGGER {quoted(one['name'])}",
                _known(one["timing"], ("", "BEFORE", "AFTER")),
                _known(one["event"], ("INSERT", "UPDATE", "DELETE")),
                f"OF {columns}" if columns else "",
                f"ON {quoted(self.name)}",
                "FOR EACH ROW" if one["each_row"] else "",
            )
            when = "" if one["condition"] is None else f"WHEN {expression(one['condition'])} "
            found.append(f"{head} {when}BEGIN {one['body']} END")
        return found


def _without_definitions(value: Any) -> Any:
    """Return the schema without the empty texts and lists of other databases."""
    if isinstance(value, dict):
        drop = ("definition", "numbering", "comment", "attributes", "length", "owner")
        return {k: _without_definitions(v) for k, v in value.items() if k not in drop or v}
    return [_without_definitions(item) for item in value] if isinstance(value, list) else value


def _column(column: dict[str, Any], key: Any) -> str:
    stored = " STORED" if column["stored"] else ""
    computed = column["generated"]
    return _joined(
        quoted(column["name"]),
        _type(column["type"]),
        "" if key is None else _inline_key(key),
        f"NOT NULL{_conflict(column['on_conflict'])}" if column["not_null"] else "",
        "" if column["default"] is None else f"DEFAULT {default_value(column['default'])}",
        "" if column["collation"] is None else f"COLLATE {quoted(column['collation'])}",
        "" if computed is None else f"GENERATED ALWAYS AS ({expression(computed)}){stored}",
    )


def _inline_key(key: dict[str, Any]) -> str:
    if len(key["parts"]) != 1 or not key["primary"]:
        raise corrupt("A key declared at its column must be that column's primary key.")
    down = " DESC" if checked_record(key["parts"][0], _PARTS, "key")["descending"] else ""
    identity = " AUTOINCREMENT" if key["identity"] else ""
    return f"{_named(key['name'])}PRIMARY KEY{down}{_conflict(key['on_conflict'])}{identity}"


def _key(key: dict[str, Any]) -> str:
    parts = ", ".join(map(_part, key["parts"])) + (" AUTOINCREMENT" if key["identity"] else "")
    kind = "PRIMARY KEY" if key["primary"] else "UNIQUE"
    return f"{_named(key['name'])}{kind} ({parts}){_conflict(key['on_conflict'])}"


def _part(value: Any) -> str:
    part = checked_record(value, _PARTS, "key")
    text = expression(part["name"]) if part["expression"] else quoted(part["name"])
    collation = "" if part["collation"] is None else f" COLLATE {quoted(part['collation'])}"
    return f"{text}{collation}{' DESC' if part['descending'] else ''}"


def _type(text: str) -> str:
    if not text or (_TYPE.fullmatch(text) and not _RESERVED & set(text.upper().split())):
        return text
    if text[0] == '"' == text[-1] and '"' not in text[1:-1] and "\0" not in text:
        return text
    raise corrupt(f"The type of a column cannot be read: {text[:200]}")


def _names(values: Any) -> str:
    return f"({', '.join(map(quoted, texts(values, 'names')))})"


def _named(name: str) -> str:
    return f"CONSTRAINT {quoted(name)} " if name else ""


def _conflict(resolution: str) -> str:
    return f" ON CONFLICT {resolution}" if _known(resolution, _CONFLICTS) else ""


def _known(text: str, known: Any) -> str:
    if text not in known:
        raise corrupt(f"A word of the schema is not known: {text[:200]}")
    return str(known[text]) if isinstance(known, dict) else text


def _joined(*pieces: str) -> str:
    return " ".join(piece for piece in pieces if piece)


def quoted(name: str) -> str:
    """Return a name as a quoted identifier of SQLite or PostgreSQL."""
    if "\0" in name:
        raise corrupt(f"A name contains a NUL character: {name!r}")
    return '"' + name.replace('"', '""') + '"'


def sqlite_tokens(text: str) -> list[tuple[str, str]]:
    """Return kind and text of the tokens of SQL; comments and unclosed quotes are refused."""
    found, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        comment = text.startswith(("--", "/*"), position)
        if match is None or comment or "\0" in text:
            raise corrupt(f"Schema text cannot be read: {text[:200]}")
        if match.lastgroup != "space":
            found.append((match.lastgroup or "", match.group()))
        position = match.end()
    return found


def expression(text: str) -> str:
    """Check that a text is safe inside parentheses, and return it."""
    _balanced(text, statements=False)
    return text


def default_value(text: str) -> str:
    """Check that a text is a literal, a signed number or an expression in parentheses."""
    found = sqlite_tokens(text)
    if found and found[0][1] == "(" and found[-1][1] == ")":
        _balanced(text[text.index("(") + 1 : text.rindex(")")], statements=False)
        return text
    signed: Sequence[tuple[str, str]] = found[1:] if found and found[0][1] in "+-" else found
    if len(signed) != 1 or signed[0][0] == "mark":
        raise corrupt(f"A default value cannot be read: {text[:200]}")
    return text


def _balanced(text: str, *, statements: bool) -> None:
    depth, found = 0, sqlite_tokens(text)
    for kind, mark in found:
        if kind == "mark":
            depth += (mark == "(") - (mark == ")")
            if depth < 0 or (mark == ";" and (depth or not statements)):
                raise corrupt(f"A schema expression has unbalanced parentheses: {text[:200]}")
    if depth or not found:
        raise corrupt(f"A schema expression cannot be read: {text[:200]}")
