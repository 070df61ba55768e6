"""Earlier runs that a training rests on: one whose weights it starts from, others whose answers it learns from."""

from pathlib import Path

from torch import nn

from digitkit.core.errors import ConfigError, DataError
from digitkit.learn.models.weights import describe_start
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import Run


def teachers_of(recipe: Recipe) -> list[Run]:
    """The runs that `loss.teacher` names, "RUN" or "RUN+RUN"; none where it is empty.

    Raises: DataError for a folder that holds no run.
    """
    named = recipe.loss.teacher
    places = [named] if Path(named).is_dir() else named.split("+")
    return [_opened("loss.teacher", place.strip()) for place in places] if named else []


def check_earlier(recipe: Recipe, fingerprint: str, *, resumed: bool = False) -> None:
    """Refuse, before any work is done, earlier runs that cannot be used, or know other pictures than these.

    `fingerprint` is that of a training's pictures. A training that is gone on with has its weights already.
    Raises: ConfigError, DataError.
    """
    for run in teachers_of(recipe):
        _check_pictures("loss.teacher", run, fingerprint)
    if recipe.start and not resumed:
        _check_start(recipe, _opened("start", recipe.start), fingerprint)


def start_there(recipe: Recipe, network: nn.Module, fingerprint: str) -> None:
    """Put the weights of the run that `start` names into a network; nothing happens where it is empty.

    Raises: ConfigError when that run is of other pictures or another network, DataError when its weights are damaged.
    """
    if not recipe.start:
        return
    run = _opened("start", recipe.start)
    _check_start(recipe, run, fingerprint)
    try:
        run.load_weights(network).train()
    except DataError as error:
        if isinstance(error.__cause__, RuntimeError):  # whole, but of other names or shapes
            raise ConfigError(
                f"start={run.path} has the weights of another network. Give both the same model settings."
            ) from error
        raise


def told_start(recipe: Recipe) -> str:
    """A line for people on the weights that a training starts from; empty where they are drawn."""
    return f"start={recipe.start}: all weights start from there" if recipe.start else describe_start(recipe.model)


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


def _check_start(recipe: Recipe, run: Run, fingerprint: str) -> None:
    _check_pictures("start", run, fingerprint)
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


def _check_pictures(key: str, run: Run, fingerprint: str) -> None:
    known = run.report()["data"]["fingerprint"]
    if known != fingerprint:
        raise ConfigError(
            f"{key}={run.path} was trained on other pictures, or kept others for validation (fingerprint {known[:12]},"
            f" here {fingerprint[:12]}), so it may know pictures that this run is scored on. Train it with the same"
            " data settings and data.seed."
        )
