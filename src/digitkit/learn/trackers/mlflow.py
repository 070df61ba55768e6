"""MLflow: the server or store that the user has set, else `mlflow.db` beside the run, which all runs there share."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from digitkit.learn.trackers.tracker import PROJECT, TRACKERS, Entry, Tracked, flat

LONGEST = 500  # characters of a parameter; older servers take no more


class MlFlow:
    """One run of MLflow, through its client: no tracking address of the process is set."""

    def __init__(self, tracked: Tracked) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when it is loaded; a run is nobody else's
        import mlflow
        from mlflow.entities import Param

        place = tracked.folder.resolve().parent
        own = not mlflow.is_tracking_uri_set()  # type: ignore[no-untyped-call]
        self.client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{place / 'mlflow.db'}" if own else None)
        if tracked.run_id:
            self.run_id = tracked.run_id
            self.client.update_run(self.run_id, status="RUNNING")
            return
        known = self.client.get_experiment_by_name(PROJECT)
        files = (place / "mlartifacts").as_uri() if own else None
        experiment = known.experiment_id if known else self.client.create_experiment(PROJECT, files)
        self.run_id = str(self.client.create_run(experiment, run_name=tracked.name).info.run_id)
        params = [Param(key, str(value)[:LONGEST]) for key, value in flat(tracked.recipe).items()]
        self.client.log_batch(self.run_id, params=params)

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """A point of each curve."""
        from mlflow.entities import Metric

        now_ms = time.time_ns() // 1_000_000
        self.client.log_batch(
            self.run_id, metrics=[Metric(name, value, now_ms, step) for name, value in values.items()]
        )

    def pictures(self, step: int, paths: Mapping[str, Path]) -> None:
        """Images of the step."""
        for name, path in paths.items():
            self.client.log_image(self.run_id, Image.open(path), key=name, step=step, synchronous=True)

    def end(self, figures: Mapping[str, float] | None, files: Sequence[Path]) -> None:
        """The figures as metrics of their own, the files as artifacts."""
        for name, value in (figures or {}).items():
            self.client.log_metric(self.run_id, f"final_{name}", value)
        for path in files:
            self.client.log_artifact(self.run_id, str(path))
        self.client.set_terminated(self.run_id, "KILLED" if figures is None else "FINISHED")


TRACKERS.add("mlflow", Entry("mlflow", MlFlow))
