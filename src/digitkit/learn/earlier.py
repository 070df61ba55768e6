"""Earlier runs that a training rests on: those whose weights it starts from, others whose answers it learns from."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from digitkit.core.errors import ConfigError, DataError
from digitkit.data.copies import KEEP
from digitkit.data.source import EXTRA
from digitkit.data.splits import Splits
from digitkit.learn.models.weights import describe_start
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import Run


def teachers_of(recipe: Recipe) -> list[Run]:
    """The runs that `loss.teacher` names, "RUN" or "RUN+RUN"; none where it is empty.

    Raises: DataError for a folder that holds no run.
    """
    return _runs("loss.teacher", recipe.loss.teacher)


def check_earlier(recipe: Recipe, splits: Splits, *, resumed: bool = False) -> None:
    """Refuse, before any work is done, earlier runs that cannot be used, or may know pictures that are scored on.

    A training that is gone on with has its weights already.
    Raises: ConfigError, DataError.
    """
    for run in teachers_of(recipe):
        _check_pictures("loss.teacher", run, splits)
    for run in [] if resumed else _runs("start", recipe.start):
        _check_start(recipe, run, splits)


def start_there(recipe: Recipe, network: nn.Module) -> None:
    """Put the weights of the run that `start` names into a network, of several runs their mean; none where it is empty.

    The runs have passed `check_earlier`. A mean is worth something when they started from the same one: a "soup"
    (Wortsman et al. 2022).
    Raises: ConfigError when a run is of another network, DataError when its weights are damaged.
    """
    runs = _runs("start", recipe.start)
    found: list[dict[str, Tensor]] = []
    for run in runs:
        try:
            run.load_weights(network).train()
        except DataError as error:
            if isinstance(error.__cause__, RuntimeError):  # whole, but of other names or shapes
                raise ConfigError(
                    f"start={run.path} has the weights of another network. Give both the same model settings."
                ) from error
            raise
        found.append({name: value.clone() for name, value in network.state_dict().items()})
    if len(runs) > 1:
        network.load_state_dict({name: _mean([each[name] for each in found]) for name in found[0]})


def _mean(values: Sequence[Tensor]) -> Tensor:
    """Their mean, of counters the first."""
    return torch.stack(list(values)).mean(0) if values[0].is_floating_point() else values[0]


def told_start(recipe: Recipe) -> str:
    """A line for people on the weights that a training starts from; empty where they are drawn."""
    if not recipe.start:
        return describe_start(recipe.model)
    several = len(_places(recipe.start)) > 1
    return f"start={recipe.start}: all weights start from {'the mean of these' if several else 'there'}"


def _places(named: str) -> list[str]:
    """The folders that "RUN" or "RUN+RUN" names; none where it is empty."""
    if not named or Path(named).is_dir():  # a name may have a + in it
        return [named] if named else []
    return [place.strip() for place in named.split("+")]


def _runs(key: str, named: str) -> list[Run]:
    return [_opened(key, place) for place in _places(named)]


def _opened(key: str, place: str) -> Run:
    try:
        run = Run.open(Path(place))
        run.report()
    except DataError as error:
        raise DataError(
            f"{key}={place} cannot be used: {error} If it was moved, bring it back or name its new place, which a run"
            " that goes on has in its own recipe.yaml (then with --force)."
        ) from error
    return run


def _check_start(recipe: Recipe, run: Run, splits: Splits) -> None:
    _check_pictures("start", run, splits)
    earlier = run.recipe()
    if earlier.prepare != recipe.prepare:
        raise ConfigError(
            f"start={run.path} sees pictures prepared in another way. Give both the same prepare settings."
        )
    if unnamed := [spec for spec in earlier.data.negatives if spec not in recipe.data.negatives]:
        raise ConfigError(
            f"start={run.path} has learnt to refuse {', '.join(unnamed)}, so it is no stranger to this training either."
            " Name the same in data.negatives; data.negatives_share=0 draws nothing of it."
        )


def _check_pictures(key: str, run: Run, splits: Splits) -> None:
    """Refuse a run that has other pictures, unless there are only more now, and each is where it was."""
    report = run.report()
    known, sources = report["data"]["fingerprint"], report["splits"]["sources"]
    if known == splits.fingerprint:
        return
    if set(sources) < set(splits.report.sources) and splits.copies.method != KEEP:
        names = {spec if spec in splits.origin_heads else spec.removesuffix(f"/{EXTRA}") for spec in sources}
        if splits.fingerprint_within(names) == known:
            return
    raise ConfigError(
        f"{key}={run.path} was trained on other pictures, or kept others for validation (fingerprint {known[:12]},"
        f" here {splits.fingerprint[:12]}), so it may know pictures that this run is scored on. Give both the same data"
        " settings and data.seed. Here may be more sources, if they have validation parts of their own and no copies of"
        f" what it learnt, and data.duplicates is not {KEEP}."
    )
