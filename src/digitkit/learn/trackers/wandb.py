"""Weights & Biases: online where the user is logged in, else in `trackers/wandb` of the run for `wandb sync`."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitkit.core.files import make_folder
from digitkit.learn.trackers.tracker import PROJECT, TRACKERS, Entry, Start

if TYPE_CHECKING:
    import wandb

WAIT_S = 20.0  # for the server, at the start and at the end


class WeightsAndBiases:
    """One run of W&B."""

    def __init__(self, start: Start) -> None:
        self.run_id = start.run_id or secrets.token_hex(4)
        self.run = self._begin(start, _mode(start))
        # Our own step is the axis: theirs only grows, and pictures may be drawn after later records were told.
        self.run.define_metric("*", step_metric="step")

    def _begin(self, start: Start, mode: Any) -> "wandb.Run":
        import wandb

        settings = wandb.Settings(
            console="off", silent=True, init_timeout=WAIT_S, finish_timeout=WAIT_S, finish_timeout_raises=True
        )
        folder = make_folder(start.folder / "trackers")
        try:
            return wandb.init(
                project=wandb.setup().settings.project or PROJECT, name=start.name, id=self.run_id, resume="allow",
                dir=str(folder), config=dict(start.recipe), mode=mode, settings=settings,
            )  # fmt: skip
        except wandb.errors.CommError:
            if mode == "offline":
                raise
        start.say(f"wandb: its server cannot be reached, so it goes on offline. Later: wandb sync {folder}/wandb/*")
        return self._begin(start, "offline")

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """A point of each curve."""
        self.run.log({"step": step, **values})

    def pictures(self, step: int, paths: Mapping[str, Path]) -> None:
        """Images of the step."""
        import wandb

        self.run.log({"step": step, **{name: wandb.Image(str(path)) for name, path in paths.items()}})

    def end(self, figures: Mapping[str, float] | None, files: Sequence[Path]) -> None:
        """The figures into the summary, the files as one artifact."""
        import wandb

        if figures is None:
            self.run.finish(exit_code=1)
            return
        self.run.summary.update(dict(figures))
        artifact = wandb.Artifact(f"run-{self.run_id}", type="model")
        for path in files:
            artifact.add_file(str(path), policy="immutable")  # no copy of it in the user's home
        self.run.log_artifact(artifact)
        self.run.finish()


def _mode(start: Start) -> str:
    """The mode that the user has set, but offline for one who is not logged in."""
    import wandb

    mode = wandb.setup().settings.mode
    if mode in ("offline", "disabled", "dryrun") or wandb.login(verify=False, prompt=False):
        return mode
    start.say("wandb: nobody is logged in, so it runs offline. Later: wandb login, then wandb sync trackers/wandb/*")
    return "offline"


TRACKERS.add("wandb", Entry("wandb", WeightsAndBiases))
