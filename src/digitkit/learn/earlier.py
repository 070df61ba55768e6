"""Earlier runs that a training rests on: one whose weights it starts from, others whose answers it learns from."""

from pathlib import Path

from torch import nn

from digitkit.core.errors import ConfigError
from digitkit.learn.compose import to_plain
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import Run


def runs_of(named: str) -> list[Run]:
    """The runs of "RUN+RUN"; none where nothing is named.

    Raises: DataError for a folder that holds no run.
    """
    return [Run.open(Path(name.strip())) for name in named.split("+")] if named else []


def check_data(recipe: Recipe, fingerprint: str) -> None:
    """Refuse earlier runs that know other pictures than these, by the fingerprint of a training's pictures.

    Raises: ConfigError.
    """
    for key, named in (("start", recipe.start), ("loss.teacher", recipe.loss.teacher)):
        for run in runs_of(named):
            known = run.report()["data"]["fingerprint"]
            if known != fingerprint:
                raise ConfigError(
                    f"{key}={run.path} was trained on other pictures, or kept others for validation (fingerprint"
                    f" {known[:12]}, here {fingerprint[:12]}), so it may know pictures that this run is scored on."
                    " Train it with the same data settings and data.seed."
                )


def start_there(recipe: Recipe, network: nn.Module) -> None:
    """Put the weights of the run that a recipe starts from into its network; nothing happens where it names none.

    Raises: ConfigError when that run is of another network, DataError when its weights are damaged.
    """
    if not recipe.start:
        return
    run = Run.open(Path(recipe.start))
    mine, theirs = (to_plain(each) for each in (recipe, run.recipe()))
    for section in ("model", "prepare"):
        for key, value in mine[section].items():
            if theirs[section].get(key) != value:
                raise ConfigError(
                    f"start={run.path} has {section}.{key}={theirs[section].get(key)}, here it is {value}. Weights fit"
                    " the same network and preparation only; give both the same."
                )
    run.load_weights(network)
