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
    return [Run.open(Path(place.strip())) for place in places] if named else []


def check_teachers(recipe: Recipe, fingerprint: str) -> None:
    """Refuse teachers who know other pictures than these, by the fingerprint of a training's pictures.

    Raises: ConfigError.
    """
    for run in teachers_of(recipe):
        _check_pictures("loss.teacher", run, fingerprint)


def start_there(recipe: Recipe, network: nn.Module, fingerprint: str) -> None:
    """Put the weights of the run that `start` names into a network; nothing happens where it is empty.

    Raises: ConfigError when that run is of other pictures or another network, DataError when its weights are damaged.
    """
    if not recipe.start:
        return
    run = Run.open(Path(recipe.start))
    _check_pictures("start", run, fingerprint)
    if run.recipe().prepare != recipe.prepare:
        raise ConfigError(
            f"start={run.path} sees pictures prepared in another way. Give both the same prepare settings."
        )
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


def _check_pictures(key: str, run: Run, fingerprint: str) -> None:
    known = run.report()["data"]["fingerprint"]
    if known != fingerprint:
        raise ConfigError(
            f"{key}={run.path} was trained on other pictures, or kept others for validation (fingerprint {known[:12]},"
            f" here {fingerprint[:12]}), so it may know pictures that this run is scored on. Train it with the same"
            " data settings and data.seed."
        )
