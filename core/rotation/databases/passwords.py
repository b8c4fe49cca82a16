"""New passwords for databases, and the hashes that servers store.

Only the hash is sent when a password is set, so neither the server's log nor its list of running
statements contains the password.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from core.redaction import Secret
from core.secrets.generator import DIGITS, LOWER, UPPER, Recipe, generate, strength

#: 32 characters: the maximum of MySQL's replication. `-_.` need no escaping in URLs and shells, and
#: satisfy servers that require a character which is neither letter nor digit.
_RECIPE = Recipe(32, (LOWER, UPPER, DIGITS, "-_."))
PASSWORD_BITS = strength(_RECIPE)
#: PostgreSQL's own default (`scram_iterations`) and the minimum of RFC 7677.
_ITERATIONS = 4096
_SALT_BYTES = 16


def generate_password() -> Secret:
    """Return a new password of more than 128 bits that starts with a letter."""
    while True:
        password = generate(_RECIPE)
        if password.reveal()[0].isalpha():  # not mistaken for a command-line option
            return password


def scram_verifier(password: Secret, salt: bytes | None = None) -> str:
    """Return the verifier of a password that PostgreSQL stores with `scram-sha-256`.

    Source: RFC 5802 section 3; PostgreSQL manual, catalog pg_authid.
    """
    from scramp.utils import saslprep

    salt = salt or secrets.token_bytes(_SALT_BYTES)
    # Clients prepare the password in the same way before they compute the proof (RFC 4013).
    prepared = saslprep(password.reveal()).encode()
    salted = hashlib.pbkdf2_hmac("sha256", prepared, salt, _ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def md5_verifier(password: Secret, username: str) -> str:
    """Return the hash of a password that PostgreSQL stores if it is configured for `md5`.

    Source: PostgreSQL manual, catalog pg_authid.
    """
    text = password.reveal() + username
    return "md5" + hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def native_hash(password: Secret) -> str:
    """Return the hash of a password that MariaDB stores with `mysql_native_password`.

    Source: MariaDB manual, PASSWORD().
    """
    once = hashlib.sha1(password.reveal().encode(), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()
