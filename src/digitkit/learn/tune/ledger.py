"""What is kept of a search: which trials there are, who is at them, what came of them.

Several processes, on several machines, may write into one ledger at once. A trial takes one of `total` places, whatever
becomes of it, unless it is void: killed, stopped, or one too many. A void one gives its place back.
"""

import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import OptunaError, UpdateFinishedTrialError
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.storages import BaseStorage, JournalStorage, RDBStorage, get_storage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from digitkit.core.errors import ConfigError, StoreError
from digitkit.core.files import make_folder
from digitkit.learn.tune.sampler import Unrepeated
from digitkit.learn.tune.space import Axis, Choice

BEAT_S = 30.0  # between two signs of life
SILENT_S = 300.0  # without one, after which a trial of another machine counts as killed
TRIES = 3  # of a setting at which its process was killed
PRUNE_AFTER = 5  # finished trials, before which none is given up; and never at its first validation
# What storages raise when they cannot be reached, or hold something else.
UNREADABLE = (OptunaError, SQLAlchemyError, OSError, ValueError, LookupError, TypeError, AssertionError)
KILLED, STOPPED, SURPLUS = "killed", "stopped", "one too many"


class Ledger:
    """One search, on disk or in a database."""

    def __init__(self, study: optuna.Study, storage: BaseStorage, space: dict[str, BaseDistribution]) -> None:
        self.study, self.storage, self.space = study, storage, space

    @classmethod
    def open(cls, name: str, storage: str, axes: tuple[Axis, ...], seed: int, prune: bool) -> "Ledger":
        """Go on with the search of a name, or begin it.

        Raises: ConfigError for an address that makes no sense, StoreError when the storage cannot be used.
        """
        space = {axis.key: _distribution(axis) for axis in axes}
        pruner: BasePruner = MedianPruner(PRUNE_AFTER, n_warmup_steps=2) if prune else NopPruner()
        with _explained(storage):
            opened = _storage(storage)
            study = optuna.create_study(
                storage=opened, study_name=name, sampler=Unrepeated(space, seed), pruner=pruner,
                direction="maximize", load_if_exists=True,
            )  # fmt: skip
        return cls(study, opened, space)

    def agree(self, key: str, value: str | list[str]) -> None:
        """Keep what the search is about, or compare with what its trials so far were about.

        Raises: ConfigError when that differs.
        """
        known = self.study.user_attrs.get(key)
        if known == value:
            return
        if known is not None and self.trials():
            raise ConfigError(
                f"The study {self.study.study_name} was begun with other {key}: {_shown(known)}; now {_shown(value)}."
                " Go on with what it had, or begin another with --study NAME."
            )
        self.study.set_user_attr(key, value)

    def trials(self) -> list[FrozenTrial]:
        """All trials with a place, in order."""
        return [trial for trial in self.study.get_trials(deepcopy=False) if "void" not in trial.user_attrs]

    def take(self, total: int) -> Trial | None:
        """The next trial; None when all places are taken."""
        while True:
            self._give_back_the_killed()
            known = self.trials()
            if len(known) >= total and not any(trial.state is TrialState.WAITING for trial in known):
                return None
            trial = self.study.ask(self.space)
            # Numbers are given by the storage, one after the other: of those who take the last place at the same time,
            # each sees all lower ones.
            if sum(other.number < trial.number for other in self.trials()) < total:
                trial.set_user_attr("worker", [socket.gethostname(), os.getpid()])
                return trial
            self._end(trial.number, "void", SURPLUS)

    def give_back(self, trial: Trial) -> None:
        """Leave a trial, which was stopped, to whoever comes next, with the same values."""
        self._again(self.study.get_trials(deepcopy=False)[trial.number], STOPPED)

    def tell(self, trial: Trial, value: float | None, state: TrialState, **facts: Any) -> None:
        """Store what came of a trial, unless it was given up as killed meanwhile."""
        try:
            for key, fact in facts.items():
                trial.set_user_attr(key, fact)
            self.study.tell(trial, value, state)
        except (UpdateFinishedTrialError, ValueError):
            return

    @contextmanager
    def alive(self, trial: Trial) -> Iterator[None]:
        """Give signs of life during a block."""
        ended = Event()

        def beat() -> None:
            try:
                while True:
                    trial.set_user_attr("beat", time.time())
                    if ended.wait(BEAT_S):
                        return
            except (OptunaError, SQLAlchemyError, OSError):
                return  # whoever takes it for killed may try it again

        thread = Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _give_back_the_killed(self) -> None:
        for trial in self.trials():
            if trial.state is not TrialState.RUNNING or not _is_killed(trial):
                continue
            if trial.user_attrs.get("tries", 1) < TRIES:
                self._again(trial, KILLED)
            else:
                self._end(trial.number, "error", f"its process was killed {TRIES} times")

    def _again(self, trial: FrozenTrial, why: str) -> None:
        """Let somebody else have the values of a trial that did not come to its end."""
        if self._end(trial.number, "void", why):
            tries = trial.user_attrs.get("tries", 1) + (why == KILLED)
            self.study.enqueue_trial(trial.params, user_attrs={"tries": tries})

    def _end(self, number: int, key: str, why: str) -> bool:
        """End a trial without a result; whether nobody else did so before."""
        study_id = self.storage.get_study_id_from_name(self.study.study_name)
        trial_id = self.storage.get_trial_id_from_study_id_trial_number(study_id, number)
        try:
            self.storage.set_trial_user_attr(trial_id, key, why)
            self.study.tell(number, state=TrialState.FAIL)
        except (UpdateFinishedTrialError, ValueError):
            return False
        return True


def _is_killed(trial: FrozenTrial) -> bool:
    """Whether the process of a running trial is gone, or has been silent for too long."""
    begun = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    if time.time() - trial.user_attrs.get("beat", begun) > SILENT_S:
        return True
    host, process = trial.user_attrs.get("worker", ["", 0])
    if host != socket.gethostname():
        return False
    try:
        os.kill(process, 0)  # sends nothing, only asks
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _distribution(axis: Axis) -> BaseDistribution:
    """An axis in the words of Optuna."""
    if isinstance(axis, Choice):
        return CategoricalDistribution(axis.options)
    if axis.whole:
        return IntDistribution(int(axis.low), int(axis.high), log=axis.log)
    return FloatDistribution(axis.low, axis.high, log=axis.log)


def _storage(address: str) -> BaseStorage:
    """A database, or a journal file, which is made where there is none."""
    if "://" in address:
        return get_storage(RDBStorage(address))
    path = Path(address)
    make_folder(path.parent)
    return JournalStorage(JournalFileBackend(str(path), JournalFileOpenLock(str(path))))


@contextmanager
def _explained(address: str) -> Iterator[None]:
    """Turn what storages raise in this block into one message; what an address may hold of a password is left out."""
    where = f"the database {address.partition(':')[0]}" if "://" in address else f"the journal {address}"
    try:
        yield
    except (ImportError, ArgumentError) as error:
        raise ConfigError(
            f"--storage: {where} cannot be used ({_first(error)}). Give a file, or an address such as sqlite:///FILE.db"
            " or postgresql://HOST/NAME, and install the driver that it needs."
        ) from error
    except UNREADABLE as error:
        raise StoreError(
            f"--storage: {where} cannot be read and written ({_first(error)}). Check it, or choose another place."
        ) from error


def _first(error: BaseException) -> str:
    """The first line of a message, without addresses, which may hold a password."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return re.sub(r"//[^@\s]*@", "//", lines[0])[:200]


def _shown(value: str | list[str]) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
