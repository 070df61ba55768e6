"""Which checkpoint a run goes on from, and what may not have changed since."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from digitkit.core.errors import ConfigError, DataError
from digitkit.learn.compose import compose
from digitkit.learn.resuming import ANEW, Basis, Standing, Start, check, find
from digitkit.learn.run import LAST, PREVIOUS, Run
from tests.fixtures.runs import Trained


@pytest.fixture
def copied(trained: Trained, tmp_path: Path) -> Run:
    """A run with two checkpoints, either of which may be damaged."""
    run = Run(tmp_path / "copied")
    run.path.mkdir()
    for name in (LAST, PREVIOUS):
        shutil.copy(trained.run.file(LAST), run.file(name))
    return run


def basis_of(*overrides: str, data: str = "a" * 64) -> Basis:
    return Basis.of(compose(["experiment=tiny", *overrides]), data, torch.device("cpu"))


def damage(file: Path, length: int) -> None:
    """Cut a file off, or, with a length of 1, change one of its bytes."""
    content = bytearray(file.read_bytes())
    if length == 1:
        content[len(content) // 2] ^= 1
    else:
        content = content[:length]
    file.write_bytes(content)


def test_a_run_without_a_checkpoint_has_none(tmp_path: Path) -> None:
    assert find(Run(tmp_path)) is None


def test_the_last_checkpoint_is_gone_on_from_and_nothing_said(copied: Run, trained: Trained) -> None:
    said: list[str] = []
    standing = find(copied, said.append)
    assert standing is not None
    assert (standing.path, standing.step) == (copied.file(LAST), trained.run.report()["steps"])
    assert standing.basis == Basis.of(trained.recipe, trained.splits.fingerprint, torch.device("cpu"))
    assert not said


@pytest.mark.parametrize("length", [0, 1, 100, -100])
def test_the_previous_checkpoint_takes_the_place_of_a_damaged_one_and_that_is_said(copied: Run, length: int) -> None:
    damage(copied.file(LAST), length)
    said: list[str] = []
    standing = find(copied, said.append)
    assert standing is not None
    assert standing.path == copied.file(PREVIOUS)
    assert f"{copied.file(LAST)} is damaged; going on from {copied.file(PREVIOUS)}" in said[0]


def test_a_kill_between_two_renamings_leaves_the_previous_checkpoint(copied: Run) -> None:
    copied.file(LAST).unlink()
    standing = find(copied)
    assert standing is not None
    assert standing.path == copied.file(PREVIOUS)


def test_two_damaged_checkpoints_are_a_clear_error(copied: Run) -> None:
    for name in (LAST, PREVIOUS):
        damage(copied.file(name), 100)
    with pytest.raises(
        DataError, match=r"last\.ckpt and .*previous\.ckpt are damaged\. Remove them, then the training"
    ):
        find(copied)
    copied.file(PREVIOUS).unlink()
    with pytest.raises(DataError, match=r"last\.ckpt is damaged\. Remove it, then the training starts"):
        find(copied)


def test_a_checkpoint_with_code_in_it_is_not_run(copied: Run, tmp_path: Path) -> None:
    target = tmp_path / "was-here"

    class Intruder:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (target,)

    for name in (LAST, PREVIOUS):
        torch.save({"state_dict": Intruder()}, copied.file(name))
    with pytest.raises(DataError, match="damaged"):
        find(copied)
    assert not target.exists()


def test_where_and_how_a_run_is_shown_may_change() -> None:
    changed = ("run.folder=elsewhere", "run.progress=false", "run.keep=3", "run.checkpoint_seconds=5", "run.threads=2")
    assert basis_of(*changed).changes(basis_of()) == []
    assert basis_of("run.validations=9").changes(basis_of()) == ["recipe.yaml: run.validations was 3, is 9"]


def test_changes_of_data_recipe_packages_and_code_are_named() -> None:
    before = basis_of()
    now = replace(
        basis_of("seed=3", "model=mnist_cnn", data="b" * 64), packages={**before.packages, "torch": "9.9"}, code="other"
    )
    told = "; ".join(now.changes(before))
    for words in ("fingerprint aaaaaaaaaaaa, now bbbbbbbbbbbb", "seed was 0, is 3", "model.dense was 64, is absent"):
        assert words in told
    assert f"torch was {before.packages['torch']}, is 9.9" in told
    assert told.endswith("the code of digitkit")


def test_another_commit_with_the_same_code_is_no_change() -> None:
    assert replace(basis_of(), git="abc").changes(basis_of()) == []


@pytest.mark.parametrize("before", ["other", "older digitkit"])
def test_a_checkpoint_of_another_run_is_refused_unless_forced(tmp_path: Path, before: str) -> None:
    standing = Standing(tmp_path / LAST, 5, basis_of("seed=3") if before == "other" else None)
    told = "seed was 3, is 0" if before == "other" else "the version of digitkit"
    with pytest.raises(ConfigError, match=rf"{told}.*digitkit train --resume .*run --force"):
        check(standing, basis_of(), Run(tmp_path / "run"), ANEW)
    said: list[str] = []
    check(standing, basis_of(), Run(tmp_path / "run"), Start(resume=True, force=True, say=said.append))
    assert told in said[0]


def test_another_machine_is_said_and_no_reason_to_stop(tmp_path: Path) -> None:
    said: list[str] = []
    elsewhere = replace(basis_of(), hardware="an abacus")
    check(Standing(tmp_path / LAST, 5, elsewhere), basis_of(), Run(tmp_path), Start(resume=True, say=said.append))
    assert said[0].startswith("begun on an abacus, going on on ")


def test_changed_negatives_are_told_from_changed_digits() -> None:
    before = basis_of(data="digits+noise")
    assert basis_of(data="digits+other").changes(before) == ["the pictures of data.negatives"]
    assert basis_of(data="others+noise").changes(before) == ["the pictures or labels (fingerprint digits, now others)"]
    assert basis_of(data="digits+noise").changes(before) == []
