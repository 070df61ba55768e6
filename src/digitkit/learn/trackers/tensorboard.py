"""TensorBoard: event files in `trackers/tensorboard` of the run; `tensorboard --logdir runs` shows all runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from digitkit.learn.trackers.tracker import TRACKERS, Entry, Tracked


class TensorBoard:
    """One folder of event files."""

    def __init__(self, tracked: Tracked) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self.run_id = tracked.run_id or tracked.name
        self.writer = SummaryWriter(str(tracked.folder / "trackers" / "tensorboard"))
        if not tracked.run_id:
            self.writer.add_text("recipe", _code(yaml.safe_dump(dict(tracked.recipe), sort_keys=False)))

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """A point of each curve, on the disk at once."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def pictures(self, step: int, paths: Mapping[str, Path]) -> None:
        """Images of the step."""
        for name, path in paths.items():
            self.writer.add_image(name, np.asarray(Image.open(path).convert("RGB")), step, dataformats="HWC")
        self.writer.flush()

    def end(self, figures: Mapping[str, float] | None, files: Sequence[Path]) -> None:
        """The figures as a text, and where the files lie: event files hold no others."""
        if figures is not None:
            lines = [f"{name}: {value:.6g}" for name, value in figures.items()]
            self.writer.add_text("report", _code("\n".join([*lines, *map(str, files)])))
        self.writer.close()


def _code(text: str) -> str:
    """A text as TensorBoard's Markdown shows it unchanged."""
    return "".join(f"    {line}\n" for line in text.splitlines())


TRACKERS.add("tensorboard", Entry("tensorboard", TensorBoard))
