"""The verbs that look after the database, its keys and its bundles."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digitkit.cli import app
from digitkit.core.files import atomic_path
from digitkit.runtime.bundle import read_bundle
from digitkit.store import Store
from tests.fixtures.bundles import write_tiny
from tests.store.made import BUNDLE, submission

Run = Callable[..., str]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database with tables that the environment names."""
    path = tmp_path / "store.sqlite"
    monkeypatch.setenv("DIGITKIT_DATABASE", str(path))
    monkeypatch.setenv("DIGITKIT_DATA", str(tmp_path / "data"))
    run("db", "upgrade")
    return path


def run(*words: str | Path, code: int = 0) -> str:
    answer = CliRunner().invoke(app, list(map(str, words)))
    assert answer.exit_code == code, answer.output
    return answer.stdout if code == 0 else answer.stderr


def add_one(path: Path) -> None:
    store = Store.open(path)
    store.submissions.add(submission())
    store.close()


def test_a_database_is_made_and_found_without_fault(place: Path) -> None:
    assert "no problem" in run("db", "check")
    assert json.loads(run("db", "check", "--json")) == {"database": str(place), "problems": []}


def test_a_fault_of_a_database_is_printed_and_is_exit_code_5(place: Path) -> None:
    store = Store.open(place)
    store.submissions.add(submission(picture=b"abc"))
    change = "UPDATE pictures SET content = X'616264'"
    store.database.write(lambda connection: connection.exec_driver_sql(change))
    store.close()
    assert "1 problems" in run("db", "check", code=5)


def test_a_backup_is_written_once_and_restored_on_demand(place: Path, tmp_path: Path) -> None:
    add_one(place)
    assert "1 submissions with 1 pictures written" in run("db", "backup", tmp_path / "b.sqlite")
    assert "--force" in run("db", "backup", tmp_path / "b.sqlite", code=5)
    add_one(place)
    assert "not empty" in run("db", "restore", tmp_path / "b.sqlite", code=5)
    answer = json.loads(run("db", "restore", tmp_path / "b.sqlite", "--force", "--json"))
    assert answer["rows"]["submissions"] == 1
    new = tmp_path / "new.sqlite"
    assert "1 submissions" in run("db", "restore", tmp_path / "b.sqlite", "--database", new)


def test_a_folder_of_backups_keeps_the_newest(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    mine = [folder / name for name in ("notes.sqlite", "digitkit-before-the-move.sqlite", "digitkit-zoo.sqlite")]
    old = [folder / f"digitkit-2026010{day}-000000.sqlite" for day in range(1, 4)]
    for path in (*mine, *old):
        path.touch()
    made = json.loads(run("db", "backup", folder, "--keep", "2", "--json"))["place"]
    assert set(folder.iterdir()) == {*mine, old[-1], Path(made)}
    assert "--keep" in run("db", "backup", folder, "--every", "24", code=2)


def test_a_backup_that_goes_on_ends_when_it_is_told_to(place: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "digitkit",
        "db",
        "backup",
        str(tmp_path / "backups"),
        "--keep",
        "2",
        "--every",
        "1",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"written to" in process.stdout.readline()
        process.terminate()
        assert process.wait(60) == 130
    (made,) = (tmp_path / "backups").iterdir()
    assert made.name.startswith("digitkit-")


def test_what_a_killed_backup_left_goes_after_a_day(place: Path, tmp_path: Path) -> None:
    with atomic_path(tmp_path / "backups" / "digitkit-20260101-000000.sqlite") as temporary:
        folder, name = temporary.parent, temporary.name
    old = [folder / name, folder / f"{name}-wal"]
    others = [folder / ".notes", folder / ".digitkit-20260101-000000.sqlite"]
    young = folder / name.replace("000000", "000001")
    for path in (*old, *others, young):
        path.touch()
    for path in (*old, *others):
        os.utime(path, (0, 0))
    made = json.loads(run("db", "backup", folder, "--keep", "1", "--json"))["place"]
    assert set(folder.iterdir()) == {*others, young, Path(made)}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["db", "check", "--database", "mysql://x"], 2),
        (["db", "check", "--database", "postgresql://nobody:hush@127.0.0.1:1/x"], 5),
        (["db", "restore", "missing.sqlite"], 5),
        (["keys", "create", "anna", "--role", "boss"], 2),
        (["keys", "revoke", "nobody"], 5),
        (["models", "show"], 2),
        (["models", "show", "nothing@0"], 5),
        (["promote", "missing.onnx"], 4),
        (["promote", "nothing@0"], 5),
        (["rollback"], 5),
    ],
    ids=lambda value: "-".join(value[:2]) if isinstance(value, list) else str(value),
)
@pytest.mark.usefixtures("place")
def test_what_cannot_be_done_is_told_with_its_exit_code(words: list[str], code: int) -> None:
    said = run(*words, code=code)
    assert said.count("error: ") == 1
    assert "hush" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "words",
    ["db check", "db backup b.sqlite", "keys list", "keys revoke anna", "models list", "models show", "rollback"],
)
def test_a_database_that_is_not_there_is_told_and_not_made(tmp_path: Path, words: str) -> None:
    missing = tmp_path / "missing.sqlite"
    said = run(*words.split(), "--database", missing, code=5)
    assert f"error: There is no database {missing}." in said
    assert "digitkit db upgrade" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("place")
def test_a_key_is_shown_once_listed_without_its_secret_and_revoked() -> None:
    secret = run("keys", "create", "anna", "--role", "review").strip()
    assert re.fullmatch(r"dk_[\w-]{43}", secret)
    assert "anna" in run("keys", "list")
    assert secret not in run("keys", "list") + run("keys", "list", "--json")
    run("keys", "revoke", "anna")
    (row,) = map(json.loads, run("keys", "list", "--json").splitlines())
    assert row["revoked_at"] is not None
    assert json.loads(run("keys", "create", "anna", "--json"))["role"] == "read"


def test_a_bundle_is_promoted_from_a_file_that_may_then_go(place: Path, tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    run("promote", "default", "--reason", "the first")
    run("promote", path)
    path.unlink()
    rows = [json.loads(line) for line in run("models", "list", "--json").splitlines()]
    (champion,) = [row for row in rows if row["is_champion"]]
    assert Path(champion["file"]).is_file()
    assert champion["bundle"] in run("models", "show")
    back = json.loads(run("rollback", "--json", "--reason", "worse"))
    assert (back["kind"], back["bundle"].split("@")[0]) == ("rollback", "default")
    shown = json.loads(run("models", "show", back["bundle"], "--json"))
    assert [(each["kind"], each["reason"]) for each in shown["history"]] == [
        ("promote", "the first"),
        ("rollback", "worse"),
    ]
    assert run("promote", champion["bundle"]).startswith(champion["bundle"])
    assert "former" in run("models", "list")


def test_a_bundle_that_no_service_could_open_is_not_promoted(place: Path, tmp_path: Path) -> None:
    add_one(place)  # the bundle that read it is known, and nobody knows where it lies
    assert "does not say where" in run("promote", BUNDLE.id, code=4)
    run("promote", write_tiny(tmp_path))
    shown = json.loads(run("models", "show", "--json"))
    run("promote", "default")
    Path(shown["file"]).unlink()
    assert shown["file"] in run("promote", shown["bundle"], code=4)
    for words in ([], [shown["bundle"]]):
        assert shown["file"] in run("rollback", *words, code=4)
    assert json.loads(run("models", "show", "--json"))["bundle"].startswith("default@")


def test_the_bundle_that_ships_is_kept_too_since_another_digitkit_ships_another(place: Path) -> None:
    run("promote", "default")
    kept = Path(json.loads(run("models", "show", "--json", "--database", place))["file"])
    kept.write_bytes(b"spoilt")
    run("promote", "default", code=5)  # it is champion already, but its file is whole again
    assert read_bundle(kept)[0] == read_bundle("default")[0]


def test_the_file_of_a_champion_that_has_gone_is_brought_back(place: Path, tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    run("promote", path)
    [kept] = (place.parent / "data" / "bundles").iterdir()
    kept.unlink()
    assert run("promote", path)
    assert kept.is_file()
    run("promote", path, code=5)  # nothing to bring back any more
