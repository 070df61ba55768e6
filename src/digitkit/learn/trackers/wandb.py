"""Weights & Biases: online where the user is logged in, else in `trackers/wandb` of the run for `wandb sync`."""

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitkit.core.files import make_folder
from digitkit.learn.trackers.tracker import PROJECT, TRACKERS, Entry, Tracked

if TYPE_CHECKING:
    import wandb

WAIT_S = 20.0  # for the server, at the start and at the end
FLUSH_S = 1.0  # so much is lost of what it was told when the process is killed; its own 15 s are a whole short training


class WeightsAndBiases:
    """One run of W&B."""

    def __init__(self, tracked: Tracked) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # read when it is loaded; its makers need not know
        self.run_id = tracked.run_id or secrets.token_hex(4)
        self.run = self._begin(tracked, _mode(tracked))
        # Our own step is the axis: theirs only grows, and pictures may be drawn after later records were told.
        self.run.define_metric("*", step_metric="step")
        self.row = max(tracked.told, self.run.step)  # an offline run does not know its earlier pieces

    def _begin(self, tracked: Tracked, mode: Any) -> "wandb.Run":
        import wandb

        settings = wandb.Settings(
            console="off", silent=True, init_timeout=WAIT_S, finish_timeout=WAIT_S, finish_timeout_raises=True,
            x_transaction_log_flush_interval=FLUSH_S,
        )  # fmt: skip
        folder = make_folder(tracked.folder / "trackers")
        try:
            return wandb.init(
                project=wandb.setup().settings.project or PROJECT, name=tracked.name, id=self.run_id, resume="allow",
                dir=str(folder), config=dict(tracked.recipe), mode=mode, settings=settings,
            )  # fmt: skip
        except wandb.errors.CommError:
            if mode == "offline":
                raise
        tracked.say(
            f"wandb: its server cannot be reached; it goes on offline. Later: wandb sync {folder}/wandb/offline-run-*"
        )
        return self._begin(tracked, "offline")

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """A point of each curve."""
        self._log({"step": step, **values})

    def pictures(self, step: int, paths: Mapping[str, Path]) -> None:
        """Images of the step."""
        import wandb

        self._log({"step": step, **{name: wandb.Image(str(path)) for name, path in paths.items()}})

    def _log(self, values: dict[str, Any]) -> None:
        self.run.log(values, step=self.row, commit=True)
        self.row += 1

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


def _mode(tracked: Tracked) -> str:
    """The mode that the user has set, but offline for one who is not logged in."""
    import wandb

    mode = wandb.setup().settings.mode
    if mode in ("offline", "disabled", "dryrun") or wandb.login(verify=False, prompt=False):
        return mode
    tracked.say(
        "wandb: nobody is logged in, so it runs offline."
        f" Later: wandb login, then wandb sync {tracked.folder}/trackers/wandb/offline-run-*"
    )
    return "offline"


TRACKERS.add("wandb", Entry("wandb", WeightsAndBiases))
