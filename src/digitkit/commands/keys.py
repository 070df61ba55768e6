"""The verbs for keys of the service."""

from typing import Annotated

import typer

from digitkit.commands.database import Json, Url, opened, who
from digitkit.commands.printing import print_json, print_table, say


def create(
    name: Annotated[str, typer.Argument(help="Who or what will hold the key.")],
    role: Annotated[
        str, typer.Option(help="read (look at submissions), review (accept and reject too) or admin (delete too).")
    ] = "read",
    database: Url = None,
    json: Json = False,
) -> None:
    """Make a key of the service; it is shown this one time."""
    with opened(database, must_exist=False) as store:
        store.upgrade()
        made = store.keys.create(name, role, who())
        if json:
            print_json({"id": made.key.id, "name": made.key.name, "role": made.key.role, "secret": made.secret})
            return
        say(f"The key {made.key.id} for {made.key.name} may {made.key.role}. Keep it now: it is stored nowhere.")
        print(made.secret)


def list_keys(database: Url = None, json: Json = False) -> None:
    """List the keys of the service, revoked ones too; their secrets are not stored."""
    with opened(database) as store:
        keys = store.keys.list()
    rows = [
        (
            key.id,
            key.name,
            key.role,
            f"{key.created_at:%Y-%m-%d %H:%M}",
            f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "",
        )
        for key in keys
    ]
    columns = ("id", "name", "role", "made (UTC)", "revoked (UTC)")
    if json:
        for key in keys:
            revoked = key.revoked_at.isoformat() if key.revoked_at else None
            created = key.created_at.isoformat()
            print_json({"id": key.id, "name": key.name, "role": key.role, "created_at": created, "revoked_at": revoked})
    else:
        print_table(f"{len(keys)} keys", columns, rows)


def revoke(
    key: Annotated[str, typer.Argument(metavar="ID_OR_NAME", help="As `digitkit keys list` shows it.")],
    database: Url = None,
) -> None:
    """Make a key worthless from now on."""
    with opened(database) as store:
        revoked = store.keys.revoke(key, who())
        print(f"{revoked.id} ({revoked.name}) is revoked")
