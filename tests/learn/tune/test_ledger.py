"""What is kept of a search by several processes at once."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from optuna.trial import Trial, TrialState

from digitkit.core.errors import ConfigError, StoreError
from digitkit.learn.tune.ledger import TRIES, Ledger
from digitkit.learn.tune.space import Axis, Choice, Span

LR = (Span("optim.lr", 1e-4, 1.0, log=True, whole=False),)


def ledger(path: Path, axes: tuple[Axis, ...] = LR, seed: int = 0) -> Ledger:
    return Ledger.open("study", str(path), axes, seed, prune=True)


def must_take(book: Ledger, total: int) -> Trial:
    trial = book.take(total)
    assert trial is not None
    return trial


def finish(book: Ledger, trial: Trial, value: float = 0.5) -> None:
    book.tell(trial, value, TrialState.COMPLETE)


def gone_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def kill(trial: Trial) -> None:
    """Leave a trial as a process does that is killed at it."""
    trial.set_user_attr("worker", [os.uname().nodename, gone_process()])


def test_there_are_as_many_trials_as_asked_for_and_more_when_more_are_asked_for(tmp_path: Path) -> None:
    book = ledger(tmp_path / "journal.log")
    for total in (2, 3):
        while trial := book.take(total):
            finish(book, trial)
        assert [trial.state for trial in book.trials()] == [TrialState.COMPLETE] * total
    assert ledger(tmp_path / "journal.log").take(3) is None


def test_those_who_run_elsewhere_have_their_places(tmp_path: Path) -> None:
    mine, theirs = ledger(tmp_path / "journal.log"), ledger(tmp_path / "journal.log")
    must_take(theirs, 2)
    must_take(mine, 2)
    assert mine.take(2) is None


@pytest.mark.parametrize("address", ["{folder}/journal.log", "sqlite:///{folder}/study.db"])
def test_of_many_at_once_exactly_as_many_trials_are_run_and_none_twice(tmp_path: Path, address: str) -> None:
    total, at_once = 9, 3
    books = [Ledger.open("study", address.format(folder=tmp_path), LR, seed=0, prune=True) for _ in range(at_once)]

    def work(book: Ledger) -> None:
        while trial := book.take(total):
            finish(book, trial)

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(work, books))
    trials = books[0].trials()
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * total
    assert len({trial.params["optim.lr"] for trial in trials}) == total


def test_a_small_space_is_tried_without_repetition(tmp_path: Path) -> None:
    axes = (Choice("model", ("a", "b")), Span("seed", 1, 6, log=False, whole=True))
    book = ledger(tmp_path / "journal.log", axes)
    while trial := book.take(12):
        finish(book, trial, value=trial.params["seed"])
    assert len({tuple(trial.params.values()) for trial in book.trials()}) == 12


def test_what_is_drawn_depends_on_seed_and_trials_and_not_on_how_often_one_starts_anew(tmp_path: Path) -> None:
    def values(name: str, seed: int, anew: bool) -> list[float]:
        book = ledger(tmp_path / name, seed=seed)
        for number in range(13):
            finish(book, must_take(book, 13), value=number / 13)
            book = ledger(tmp_path / name, seed=seed) if anew else book
        return [trial.params["optim.lr"] for trial in book.trials()]

    assert values("once", 1, anew=False) == values("often", 1, anew=True) != values("other", 2, anew=False)


def test_a_killed_trial_gives_its_place_back_and_its_values_are_tried_again(tmp_path: Path) -> None:
    book = ledger(tmp_path / "journal.log")
    killed = must_take(book, 1)
    kill(killed)
    again = must_take(book, 1)
    finish(book, again)
    assert again.params == killed.params
    assert again.number != killed.number
    assert [trial.number for trial in book.trials()] == [again.number]
    assert book.take(1) is None


def test_a_trial_of_a_silent_machine_counts_as_killed(tmp_path: Path) -> None:
    book = ledger(tmp_path / "journal.log")
    trial = must_take(book, 1)
    trial.set_user_attr("worker", ["another-machine", 1])
    assert book.take(1) is None
    trial.set_user_attr("beat", 0.0)
    assert must_take(book, 1).params == trial.params


def test_a_setting_that_kills_its_process_again_and_again_has_failed(tmp_path: Path) -> None:
    book = ledger(tmp_path / "journal.log")
    for _ in range(TRIES):
        kill(must_take(book, 1))
    assert book.take(1) is None
    [trial] = book.trials()
    assert trial.state is TrialState.FAIL
    assert trial.user_attrs["error"] == f"its process was killed {TRIES} times"


def test_a_stopped_trial_is_left_to_whoever_comes_next(tmp_path: Path) -> None:
    book = ledger(tmp_path / "journal.log")
    for _ in range(TRIES + 1):  # stopping is no fault of the setting
        trial = must_take(book, 1)
        book.give_back(trial)
    assert must_take(ledger(tmp_path / "journal.log"), 1).params == trial.params


def test_a_result_that_comes_after_the_trial_was_given_up_as_killed_is_left_out(tmp_path: Path) -> None:
    book = ledger(tmp_path / "journal.log")
    slow = must_take(book, 1)
    slow.set_user_attr("beat", 0.0)
    quick = must_take(book, 1)
    finish(book, slow, 0.9)
    finish(book, quick, 0.5)
    assert [trial.value for trial in book.trials()] == [0.5]


def test_a_trial_gives_signs_of_life(tmp_path: Path) -> None:
    book = ledger(tmp_path / "journal.log")
    trial = must_take(book, 1)
    with book.alive(trial):
        pass
    assert book.trials()[0].user_attrs["beat"] > 0


def test_a_study_does_not_change_what_it_is_about(tmp_path: Path) -> None:
    book = ledger(tmp_path / "journal.log")
    book.agree("words", ["a=1"])
    book.agree("words", ["a=2"])  # nothing has been tried yet
    must_take(book, 1)
    book.agree("words", ["a=2"])
    with pytest.raises(ConfigError, match=r"begun with other words: a=2; now a=3\. .*--study NAME"):
        ledger(tmp_path / "journal.log").agree("words", ["a=3"])


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nosuchdb://u:secret@host/name", "the database nosuchdb cannot be used"),
        ("postgresql://u:secret@127.0.0.1:1/name", "the database postgresql cannot be"),
        ("sqlite:////no/such/folder/u:secret@study.db", "the database sqlite cannot be read"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_without_its_password(address: str, message: str) -> None:
    with pytest.raises((ConfigError, StoreError), match=message) as caught:
        Ledger.open("study", address, LR, seed=0, prune=True)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("content", ["no journal\n", '{"op_code": 99}\n', "[]\n", "{}\n", "\x00\n\n"])
def test_a_file_that_is_no_journal_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "journal.log").write_text(content)
    with pytest.raises(StoreError, match=r"the journal .*journal\.log cannot be read"):
        ledger(tmp_path / "journal.log")
