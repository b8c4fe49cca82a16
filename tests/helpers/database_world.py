"""A user of a real database and the secret with its password, for tests of rotations."""

import json
from contextlib import suppress

from helpers.databases import Login
from helpers.secret_world import SecretWorld


class DatabaseWorld(SecretWorld):
    """A user of a real database whose login is in a secret with unusual spaces and escapes."""

    def __init__(self, demo, user: Login) -> None:
        self.user = user
        values = ",\n".join(f"\t{json.dumps(k)} :{json.dumps(v)}" for k, v in user.values.items())
        super().__init__(demo, "{" + values + ',\n\t"note" : "é\\u00e9", "big": 1.10e400 }\r\n')

    def check_goal(self) -> str:
        new = self.stored()["password"]
        assert new != self.user.password
        assert self.user.server.accepts(self.user, new)
        assert not self.user.server.accepts(self.user, self.user.password)
        old, now = json.dumps(self.user.password), json.dumps(new)
        assert self.current_text() == self.text.replace(old, now)
        assert self.holder("AWSPENDING") in {"", self.holder("AWSCURRENT")}
        return new

    def check_as_before(self) -> None:
        super().check_as_before()
        assert self.user.server.accepts(self.user, self.user.password)

    def check_invariant(self) -> None:
        """Check that the password which the database accepts is current or pending."""
        known = [self.stored()["password"]]
        if self.holder("AWSPENDING"):
            with suppress(self.vault.exceptions.ResourceNotFoundException):
                known.append(self.stored(VersionStage="AWSPENDING")["password"])
        assert any(self.user.server.accepts(self.user, password) for password in known)
