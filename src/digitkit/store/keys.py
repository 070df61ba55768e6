"""Keys of the service: made once, shown once, stored as a hash."""

import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any, cast

import sqlalchemy as sa

from digitkit.core.errors import ConfigError, Conflict, NotFound
from digitkit.store.database import Database
from digitkit.store.inserting import insert
from digitkit.store.receipts import new_secret, sha256_of
from digitkit.store.records import MAX_NAME, Key, NewKey, Role, as_role, checked_text
from digitkit.store.tables import api_keys, record_audit

PREFIX = "dk_"  # lets people and scanners of leaked secrets see what it is
SECRET = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}")
VALID = api_keys.c.revoked_at.is_(None)


class Keys:
    """The keys of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, role: str, by: str) -> NewKey:
        """Make a key of 256 random bits for a role; its secret is in the answer and nowhere else.

        Raises: Conflict when a valid key has that name, ConfigError for an unknown role or no name.
        """
        if not name.strip():
            raise ConfigError("A key needs a name, such as the person or program that will hold it.")
        secret, moment = PREFIX + new_secret(), self._database.clock()
        key = Key(secrets.token_hex(4), checked_text(name, "name", MAX_NAME), as_role(role), moment)
        values = {"id": key.id, "name": key.name, "role": key.role, "sha256": sha256_of(secret), "created_at": moment}

        def work(connection: sa.Connection) -> None:
            query = (
                insert(connection.dialect.name, api_keys)
                .values(values)
                .on_conflict_do_nothing()
                .returning(api_keys.c.id)
            )
            if connection.scalar(query) is None:
                raise Conflict(f"There is a valid key {name!r} already. Revoke it first, or choose another name.")
            record_audit(connection, moment, by, "create key", key.id, name=key.name, role=key.role)

        self._database.write(work)
        return NewKey(secret, key)

    def check(self, secret: str) -> Key | None:
        """The valid key of a secret, None for any other text.

        What is looked up is a hash of 256 random bits, so the time it takes tells nothing about any secret.
        """
        if not SECRET.fullmatch(secret):
            return None
        digest = sha256_of(secret)
        with self._database.reading() as connection:
            found = connection.execute(sa.select(api_keys).where(api_keys.c.sha256 == digest, VALID)).mappings().first()
        if found is None or not hmac.compare_digest(found["sha256"], digest):
            return None
        return _key(found)

    def list(self) -> list[Key]:
        """Every key, the oldest first; revoked ones too."""
        query = sa.select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
        with self._database.reading() as connection:
            return [_key(found) for found in connection.execute(query).mappings()]

    def revoke(self, id_or_name: str, by: str) -> Key:
        """Make a valid key worthless from now on.

        Raises: NotFound.
        """
        moment = self._database.clock()
        named = sa.or_(api_keys.c.id == id_or_name, api_keys.c.name == id_or_name)

        def work(connection: sa.Connection) -> Key:
            found = connection.execute(sa.select(api_keys).where(named, VALID)).mappings().all()
            if len(found) != 1:
                raise NotFound(f"There is no valid key {id_or_name!r}. `digitkit keys list` shows which there are.")
            mine = api_keys.c.id == found[0]["id"]
            connection.execute(api_keys.update().where(mine).values(revoked_at=moment))
            record_audit(connection, moment, by, "revoke key", found[0]["id"], name=found[0]["name"])
            return _key({**found[0], "revoked_at": moment})

        checked_text(id_or_name, "key", MAX_NAME)
        return self._database.write(work)


def _key(found: sa.RowMapping | Mapping[str, Any]) -> Key:
    return Key(
        id=found["id"],
        name=found["name"],
        role=cast(Role, found["role"]),
        created_at=found["created_at"],
        revoked_at=found["revoked_at"],
    )
