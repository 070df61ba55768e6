"""Trackio: a database in the user's cache, or the Space that the user has set; `trackio show` opens it."""

import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path

from digitkit.learn.trackers.tracker import PROJECT, TRACKERS, Entry, Tracked, flat


class Trackio:
    """One run of Trackio, which knows runs by their names."""

    def __init__(self, tracked: Tracked) -> None:
        import trackio  # type: ignore[import-not-found, unused-ignore]

        self.run_id = tracked.run_id or f"{tracked.name}-{secrets.token_hex(4)}"
        with redirect_stdout(sys.stderr):  # it prints adverts, and standard output is our answer's
            self.run = trackio.init(
                project=PROJECT, name=self.run_id, config=flat(tracked.recipe), resume="allow", embed=False,
                auto_log_cpu=False, auto_log_gpu=False,
            )  # fmt: skip

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """A point of each curve."""
        self.run.log(dict(values), step=step)

    def pictures(self, step: int, paths: Mapping[str, Path]) -> None:
        """Images of the step."""
        import trackio

        self.run.log({name: trackio.Image(path) for name, path in paths.items()}, step=step)

    def end(self, figures: Mapping[str, float] | None, files: Sequence[Path]) -> None:
        """The figures as a last record, the files as artifacts."""
        if figures is not None:
            self.run.log({f"final_{name}": value for name, value in figures.items()})
        with redirect_stdout(sys.stderr):
            for path in files:
                self.run.log_artifact(path, name=f"{self.run_id}-{path.name}", type="model")
            self.run.finish()


TRACKERS.add("trackio", Entry("trackio", Trackio))
