"""What a search has found: the trials in order of merit, the best as an experiment, two pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from digitkit.core.errors import ConfigError
from digitkit.core.files import write_text
from digitkit.learn.compose import compose
from digitkit.learn.tune import drawing
from digitkit.learn.tune.experiment import as_experiment
from digitkit.learn.tune.ledger import Ledger
from digitkit.learn.tune.space import Space

WORDS = {
    TrialState.COMPLETE: "finished", TrialState.PRUNED: "given up", TrialState.FAIL: "failed",
    TrialState.RUNNING: "running", TrialState.WAITING: "waiting",
}  # fmt: skip
LEAST = 6  # finished trials, from which on it is said what matters


@dataclass(frozen=True)
class Entry:
    """One trial, for people and programs."""

    trial: int
    state: str
    accuracy: float | None  # of the averaged weights on validation
    loss: float | None
    seconds: float | None
    settings: dict[str, str | int | float]
    error: str


class Results:
    """The trials of a search and what is made of them; the folder gets best.yaml, importance.png and history.png."""

    def __init__(self, ledger: Ledger, space: Space, folder: Path) -> None:
        self.study, self.space, self.folder = ledger.study, space, folder
        self.name = ledger.study.study_name
        trials = [trial for trial in ledger.trials() if trial.state is not TrialState.WAITING]
        self.entries = sorted(map(_entry, trials), key=_merit)
        self.importance: dict[str, float] = {}

    @property
    def best(self) -> Entry | None:
        """The best finished trial: by accuracy, of equals by loss."""
        return next((entry for entry in self.entries if entry.state == "finished"), None)

    @property
    def finished(self) -> int:
        """How many trials are over, whatever came of them."""
        return sum(entry.state in ("finished", "given up", "failed") for entry in self.entries)

    @property
    def experiment(self) -> Path:
        """The file of the best recipe."""
        return self.folder / "best.yaml"

    def counts(self) -> dict[str, int]:
        """How many trials came to which end."""
        states = [entry.state for entry in self.entries]
        return {word: states.count(word) for word in dict.fromkeys(WORDS.values()) if word in states}

    def line(self, number: int, total: int) -> str:
        """One trial in a line, and the best so far."""
        entry = next(entry for entry in self.entries if entry.trial == number)
        figure = f"{entry.accuracy:.2%}" if entry.accuracy is not None else entry.error
        settings = " ".join(f"{key}={_short(value)}" for key, value in entry.settings.items())
        best = f"; best {self.best.accuracy:.2%}, trial {self.best.trial}" if self.best else ""
        return f"trial {number} {entry.state} ({self.finished} of {total}): {figure}, {settings}{best}"

    def write(self) -> "Results":
        """Write the best recipe and the pictures.

        Raises: ConfigError when all trials failed.
        """
        best = self.best
        failed = [entry for entry in self.entries if entry.state == "failed"]
        if failed and len(failed) == len(self.entries):
            raise ConfigError(f"All {len(failed)} trials failed. The first one said: {failed[0].error}")
        if best is None:
            return self
        recipe = compose(self.space.overrides(best.settings))
        write_text(self.experiment, as_experiment(recipe, self._header(best)))
        self.importance = self._importance()
        if self.importance:
            drawing.importance(self.importance, self.entries, self.folder / "importance.png")
        drawing.history(self.entries, self.folder / "history.png")
        return self

    def _header(self, best: Entry) -> list[str]:
        counts = ", ".join(f"{count} {word}" for word, count in self.counts().items())
        return [
            f"The best of a search, trial {best.trial} of the study {self.name} ({counts}).",
            f"Command: digitkit train experiment={self.experiment}",
            f"Score: validation {best.accuracy:.2%}, by which it was chosen, so a little too high; n 1, not tested.",
        ]

    def _importance(self) -> dict[str, float]:
        """The share that each axis has in the differences between trials; empty while there are too few."""
        finished = [entry.accuracy for entry in self.entries if entry.state == "finished"]
        if len(finished) < LEAST or len(set(finished)) < 2:
            return {}
        names = [axis.key for axis in self.space.axes]
        return get_param_importances(self.study, evaluator=FanovaImportanceEvaluator(seed=0), params=names)


def _entry(trial: FrozenTrial) -> Entry:
    attrs = trial.user_attrs
    return Entry(
        trial=trial.number, state=WORDS[trial.state], accuracy=trial.value, loss=attrs.get("loss"),
        seconds=attrs.get("seconds"), settings=dict(trial.params), error=attrs.get("error", ""),
    )  # fmt: skip


def _merit(entry: Entry) -> tuple[Any, ...]:
    """Finished trials first, the best of them first; of equals the one with the smaller loss."""
    order = list(WORDS.values()).index(entry.state)
    return order, -(entry.accuracy or 0.0), entry.loss if entry.loss is not None else 0.0, entry.trial


def _short(value: str | float) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
