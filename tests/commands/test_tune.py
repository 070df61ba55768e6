"""The verb tune: what it prints, how it refuses, and several of it at once."""

import json
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from digitkit.cli import app
from digitkit.learn.tune.ledger import Ledger
from digitkit.learn.tune.space import Span
from tests.fixtures.runs import SMALL
from tests.journeys.terminal import start
from tests.journeys.test_stop_and_go_on import PATIENCE_S, wait_for

WORDS = (*SMALL, "data.limit=60", "data.duplicates=exact", "run.precision=fp32", "optim.lr=log:1e-4..3e-2")
FEW = (*WORDS, "budget.least_steps=6")


def tune(*words: str | Path, code: int = 0) -> Result:
    answer = CliRunner().invoke(app, ["tune", *map(str, words)])
    assert answer.exit_code == code, answer.output
    return answer


def test_people_get_a_table_and_what_to_do_next(drawn_source: str, tmp_path: Path) -> None:
    answer = tune(*FEW, f"data.sources=[{drawn_source}]", "--trials", "2", "--runs", tmp_path, "--study", "mine")
    assert "mine: 2 finished" in answer.stdout
    assert "val accuracy" in answer.stdout
    assert f"digitkit train experiment={tmp_path / 'tune-mine' / 'best.yaml'}" in answer.stderr
    assert "trial 1 finished (2 of 2)" in answer.stderr


def test_programs_get_a_line_for_each_trial_and_one_for_the_search(drawn_source: str, tmp_path: Path) -> None:
    words = [*FEW, f"data.sources=[{drawn_source}]", "--trials", "2", "--runs", str(tmp_path), "--json"]
    *trials, result = map(json.loads, tune(*words).stdout.splitlines())
    assert [trial["state"] for trial in trials] == ["finished", "finished"]
    assert trials[0]["accuracy"] >= trials[1]["accuracy"]
    assert result["best"] == trials[0]
    assert (result["study"], result["trials"], result["counts"]) == ("tiny", 2, {"finished": 2})
    assert Path(result["experiment"]).is_file()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "Nothing varies"),
        (["experiment=tiny", "model.frist=4,8"], 2, "Did you mean 'model.first'?"),
        (["experiment=tiny", "optim.lr=log:0..1"], 2, "above 0 for log:"),
        (["experiment=tiny", "seed=1,2", "run.test=true"], 2, "a search never reads the test part"),
        (["experiment=tiny", "seed=1,2", "--trials", "0"], 2, "--trials must lie in 1"),
        (["experiment=tiny", "seed=1,2", "--storage", "nosuchdb://here"], 2, "the database nosuchdb cannot be used"),
        (["experiment=tiny", "seed=1,2", "--storage", "sqlite:////no/such/folder/x.db"], 5, "the database sqlite"),
    ],
)
def test_what_cannot_be_searched_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = tune(*words, code=code)
    assert message in answer.stderr
    assert answer.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("storage", ["", "sqlite:///study.db"])
def test_two_processes_share_a_search_and_one_that_is_killed_blocks_nobody(
    drawn_source: str, tmp_path: Path, storage: str
) -> None:
    total = 6
    source = f"data.sources=[{drawn_source}]"
    words = ["tune", *WORDS, "budget.least_steps=60", source, "--trials", str(total), "--no-prune"]
    words += ["--storage", storage] if storage else []
    killed = start(*words, folder=tmp_path)
    wait_for(tmp_path / "runs" / "tune-tiny" / "trials" / "0001" / "recipe.yaml", killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    at_once = [start(*words, folder=tmp_path) for _ in range(2)]
    for process in at_once:
        _, said = process.communicate(timeout=4 * PATIENCE_S)
        assert process.returncode == 0, said
        assert "Warning" not in said
    address = storage.replace("///", f"///{tmp_path}/") or str(tmp_path / "runs" / "tune-tiny" / "journal.log")
    axes = (Span("optim.lr", 1e-4, 3e-2, log=True, whole=False),)
    book = Ledger.open("tiny", address, axes, seed=0, prune=False)
    trials = book.trials()
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * total
    assert len({trial.params["optim.lr"] for trial in trials}) == total
    assert len({trial.user_attrs["worker"][1] for trial in trials}) >= 2
    assert "killed" in [trial.user_attrs.get("void") for trial in book.study.trials]
