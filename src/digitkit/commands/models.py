"""The verbs for the registry of bundles: which there are, which answers, and which did."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitkit.commands.database import Json, Url, opened, who
from digitkit.commands.printing import print_json, print_table, say
from digitkit.core.errors import ConfigError

if TYPE_CHECKING:
    from digitkit.store import BundleRow, Promotion, Store

Reason = Annotated[str, typer.Option(help="Why, for those who read the history.")]


def list_models(database: Url = None, json: Json = False) -> None:
    """List the bundles that the service knows: the champion, which answers, and its challengers."""
    with opened(database) as store:
        rows, history = store.bundles.list(), store.bundles.history()
    if json:
        for row in rows:
            print_json(_facts(row))
        return
    since = {each.bundle: each for each in history}  # the newest of each
    print_table(
        f"{len(rows)} bundles",
        ("bundle", "role", "classes", "known since (UTC)", "champion since (UTC)", "file"),
        [
            (
                row.id,
                "champion" if row.is_champion else "challenger" if row.id not in since else "former champion",
                len(row.classes),
                f"{row.registered_at:%Y-%m-%d %H:%M}",
                f"{since[row.id].at:%Y-%m-%d %H:%M}" if row.id in since else "",
                row.location or "",
            )
            for row in rows
        ],
    )


def show_model(
    bundle: Annotated[
        str | None, typer.Argument(metavar="ID", help="As `digitkit models list` shows it; if not said, the champion.")
    ] = None,
    database: Url = None,
    json: Json = False,
) -> None:
    """Show a bundle that the service knows, and when it was champion; with --json its report too."""
    with opened(database) as store:
        row = store.bundles.champion() if bundle is None else store.bundles.get(bundle)
        if row is None:
            raise ConfigError("There is no champion yet. Name a bundle of `digitkit models list`, or promote one.")
        history = [each for each in store.bundles.history() if each.bundle == row.id]
    if json:
        print_json(_facts(row) | {"report": dict(row.report), "history": [_event(each) for each in history]})
        return
    print_table(row.id, ("what", "value"), [(name, str(value)) for name, value in _facts(row).items()])
    print_table(
        "When it became champion",
        ("time (UTC)", "by", "how", "why"),
        [(f"{each.at:%Y-%m-%d %H:%M}", each.by, each.kind, each.reason) for each in history],
    )


def promote(
    bundle: Annotated[str, typer.Argument(metavar="ID_OR_FILE", help="A bundle of `models list`, or a .onnx file.")],
    database: Url = None,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Make a bundle the champion; a running service takes it without a restart."""
    from digitkit.service.registered import check_file, is_id

    with opened(database, must_exist=False) as store:
        store.upgrade()
        before = store.bundles.champion()
        has_gone = before is not None and (before.location is None or not Path(before.location).is_file())
        if is_id(bundle):
            check_file(store.bundles.get(bundle))
        known = bundle if is_id(bundle) else _register(store, bundle)
        if before is not None and before.id == known and has_gone and not is_id(bundle):
            say(f"{known} is champion already; its file is kept here again.")
            _answer(store.bundles.history()[-1], json)
            return
        _answer(store.bundles.promote(known, who(), reason), json)


def rollback(
    to: Annotated[
        str | None, typer.Argument(metavar="ID", help="A former champion; if not said, the last one.")
    ] = None,
    database: Url = None,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Make a former champion the champion again."""
    from digitkit.service.registered import check_file

    with opened(database) as store:
        _answer(store.bundles.rollback(who(), reason, to, check_file), json)


def _register(store: "Store", name_or_path: str) -> str:
    """Keep a bundle of our own, so that no tidying and no new digitkit takes the champion away; returns its id."""
    from digitkit.core.files import data_folder, write_bytes
    from digitkit.runtime.bundle import read_bundle
    from digitkit.runtime.predictor import Predictor

    record, content = read_bundle(name_or_path)
    Predictor.load(name_or_path)  # what cannot be loaded is no champion
    kept = (data_folder() / "bundles" / f"{record.digest}.onnx").absolute()
    if not kept.is_file() or kept.read_bytes() != content:
        write_bytes(kept, content)
    return store.bundles.register(record, str(kept)).id


def _facts(row: "BundleRow") -> dict[str, object]:
    return {
        "bundle": row.id,
        "is_champion": row.is_champion,
        "classes": list(row.classes),
        "digest": row.digest,
        "file": row.location,
        "registered_at": row.registered_at.isoformat(),
    }


def _event(each: "Promotion") -> dict[str, object]:
    return {"bundle": each.bundle, "kind": each.kind, "at": each.at.isoformat(), "by": each.by, "reason": each.reason}


def _answer(done: "Promotion", json: bool) -> None:
    if json:
        print_json(_event(done))
    else:
        print(f"{done.bundle} is champion now ({done.kind})")
