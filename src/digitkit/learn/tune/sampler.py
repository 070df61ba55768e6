"""Which values are tried next."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

GUESSES = 50  # of TPE that turn out to be known already, before values are drawn at random
DRAWS = 10_000


class Unrepeated(BaseSampler):
    """TPE, which never proposes what was tried before: with the same seed the result would be the same.

    What it draws for a trial depends on the seed, the number of the trial and the trials before: a search that was
    stopped goes on as if it had not been, and no two processes draw alike.
    """

    def __init__(self, space: Mapping[str, BaseDistribution], seed: int) -> None:
        self.space, self.seed = dict(space), seed

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All axes, for which `sample_relative` gives values together."""
        return self.space

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The values of a trial."""
        others = [other for other in study.get_trials(deepcopy=False) if "void" not in other.user_attrs]
        known = [_values(other) for other in others if other.number != trial.number]
        drawn: dict[str, Any] = {}
        for attempt in range(GUESSES + DRAWS):
            drawn = self._guess(study, trial, attempt)
            if drawn not in known:
                break
        return drawn

    def _guess(self, study: Study, trial: FrozenTrial, attempt: int) -> dict[str, Any]:
        seed = int(np.random.SeedSequence([self.seed, trial.number, attempt]).generate_state(1)[0])
        sampler = TPESampler(seed=seed, n_startup_trials=10 if attempt < GUESSES else 1 << 30)
        guessed = sampler.sample_relative(study, trial, self.space)
        return guessed or {  # while there are too few trials
            name: sampler.sample_independent(study, trial, name, distribution)
            for name, distribution in self.space.items()
        }

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A value of an axis that is not in the space, of which there is none."""
        return self._guess(study, trial, 0)[param_name]


def _values(trial: FrozenTrial) -> dict[str, Any]:
    """The values of a trial, those that it is to begin with included."""
    if trial.state is TrialState.WAITING:
        return dict(trial.system_attrs.get("fixed_params", {}))
    return trial.params
