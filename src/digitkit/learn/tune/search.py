"""The search itself: take a trial, train it, tell what came of it, until there are enough."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import optuna
from optuna.trial import Trial, TrialState

from digitkit.core.errors import ConfigError, DigitkitError, StoreError
from digitkit.data.source import Progress as FileProgress
from digitkit.learn.compose import compose
from digitkit.learn.history import Progress
from digitkit.learn.loader import content_key
from digitkit.learn.parts import read_negatives
from digitkit.learn.ranges import check_range
from digitkit.learn.recipe import Recipe
from digitkit.learn.tune.ledger import Ledger
from digitkit.learn.tune.results import Results
from digitkit.learn.tune.space import FORCED, Space, check, first, parse
from digitkit.learn.tune.trial import Shelf, run_trial

VALIDATIONS = "run.validations=5"  # unless the command says otherwise: fewer leave little to give a trial up by
# What a setting may bring about that has nothing to do with the next one: our own refusals, no memory, odd shapes.
FAILURES = (DigitkitError, RuntimeError, ValueError, ArithmeticError, MemoryError)


@dataclass(frozen=True)
class Plan:
    """What is asked for: the words `key=...`, how many trials in all, and where they are kept."""

    words: tuple[str, ...]
    trials: int = 40  # in all, those of earlier calls and of other processes included
    study: str = ""  # its name; the experiment's when empty
    storage: str = ""  # a journal file or the address of a database; a journal in the study's folder when empty
    prune: bool = True  # give a trial up when it lags behind half of the others
    runs: Path = field(default_factory=lambda: Path("runs"))

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("--trials", self.trials, 1, 1e6)
        if self.study and not set("/\\:").isdisjoint(self.study):
            raise ConfigError(f"--study becomes part of a folder's name: without / \\ and :, got {self.study!r}")


@dataclass(frozen=True)
class Listener:
    """Who is told of a search: lines for people, the steps of a trial, the bytes of a file."""

    say: Callable[[str], None]
    progress: Progress
    files: FileProgress | None = None


def tune(plan: Plan, listener: Listener) -> Results:
    """Search until there are as many trials as asked for, and write down what was found.

    Raises: KeyboardInterrupt, with a text that says how to go on; DigitkitError when nothing can be tried, or when all
    trials failed.
    """
    space = parse(plan.words)
    check(space)
    base = compose([VALIDATIONS, *first(space), *FORCED])
    with _quiet():
        name = plan.study or base.name
        folder = plan.runs / f"tune-{name}"
        storage = plan.storage or str(folder / "journal.log")
        ledger = Ledger.open(name, storage, space.axes, base.seed, plan.prune)
        ledger.agree("words", sorted(plan.words))
        shelf = Shelf(listener.say, listener.files)
        ledger.agree("pictures", shelf.splits(base).fingerprint)
        if base.data.negatives:
            ledger.agree("negatives", [content_key(digits) for digits in read_negatives(base.data)])
        search = _Search(plan, space, ledger, shelf, folder, listener)
        try:
            search.go_on()
        except KeyboardInterrupt as error:
            done = search.results().write()
            raise KeyboardInterrupt(
                f"stopped after {done.finished} of {search.total} trials; nothing is lost. Go on with the same command."
            ) from error
        return search.results().write()


class _Search:
    """A plan on its way."""

    def __init__(
        self, plan: Plan, space: Space, ledger: Ledger, shelf: Shelf, folder: Path, listener: Listener
    ) -> None:
        self.plan, self.space, self.ledger, self.shelf = plan, space, ledger, shelf
        self.folder, self.listener = folder, listener
        self.total = int(min(plan.trials, space.size))

    def go_on(self) -> None:
        """Try one after the other."""
        if self.total < self.plan.trials:
            self.listener.say(f"There are {self.total} different settings, and each is tried once.")
        while trial := self.ledger.take(self.total):
            with self._given_back_when_stopped(trial):
                self._try(trial)
            self.listener.say(self.results().line(trial.number, self.total))
        if others := self.results().counts().get("running"):
            self.listener.say(f"{others} more run elsewhere; the same command tells of them too when they have ended.")

    def results(self) -> Results:
        """What is known so far."""
        return Results(self.ledger, self.space, self.folder)

    def _try(self, trial: Trial) -> None:
        begun = time.perf_counter()
        try:
            recipe = self._recipe(trial)
            with self.ledger.alive(trial):
                folder = self.folder / "trials" / f"{trial.number:04}"
                score = run_trial(recipe, trial, self.shelf, folder, self._progress(trial))
        except optuna.TrialPruned:
            self.ledger.tell(trial, None, TrialState.PRUNED, seconds=_since(begun))
        except StoreError:
            raise  # a full disk is no fault of a setting
        except FAILURES as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            self.ledger.tell(trial, None, TrialState.FAIL, seconds=_since(begun), error=reason[:500])
        else:
            facts = {"loss": score.loss, "seconds": _since(begun)}
            self.ledger.tell(trial, score.accuracy, TrialState.COMPLETE, **facts)

    def _recipe(self, trial: Trial) -> Recipe:
        return compose([VALIDATIONS, *self.space.overrides(trial.params), *FORCED])

    def _progress(self, trial: Trial) -> Progress:
        before = f"trial {trial.number}, "
        return lambda done, total, text: self.listener.progress(done, total, before + text)

    @contextmanager
    def _given_back_when_stopped(self, trial: Trial) -> Iterator[None]:
        """A trial that is not brought to its end, by Ctrl-C or a full disk, is tried again by whoever comes next."""
        try:
            yield
        except (KeyboardInterrupt, StoreError):
            self.ledger.give_back(trial)
            raise


def _since(begun: float) -> float:
    return round(time.perf_counter() - begun, 3)


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna's notes on each trial are not for our users, who get ours."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
