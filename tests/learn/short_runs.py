"""Trainings of twelve steps, and how two of them are compared."""

import torch
from safetensors.torch import load_file
from torch import Tensor

from digitkit.learn.run import Run

SHORT = ("budget.least_steps=12", "data.limit=200", "run.test=false")
KINDS: dict[str, tuple[str, ...]] = {
    "tiny": (),
    "muon": (
        "model=fast_cnn",
        "model.stem=4",
        "model.first=8",
        "model.second=8",
        "optim=muon",
        "budget.hard_share=0.3",
    ),
    "mixed": ("data.extra=[optdigits]", "data.extra_sizes=[100]", "data.extra_share=0.3"),
    "swa": (
        "model=fast_cnn",
        "model.stem=4",
        "model.first=8",
        "model.second=8",
        "optim=sgd",
        "optim.lr=0.02",
        "step.lookahead=3",
        "step.pieces=3",
        "step.clip=1",
        "average.kind=swa",
        "average.start=0.3",
        "average.every=2",
        "average.norm_images=100",
    ),
    "blends": (
        "optim=adam",
        "mix.probability=0.6",
        "mix.each=true",
        "mix.off_epochs=0.5",
        "mix.smooth_after=false",
        "loss.kind=focal",
        "loss.weights=inverse",
        "schedule.shape=restarts",
        "schedule.cycle_epochs=1",
        "schedule.growth=1",
        "augment.share=0.85",
        "augment.after.perspective=0.2",
        "augment.after.keep=0.7",
        "augment.after.flip_x=0.5",
        "augment.after.erase=0.25",
        "augment.late.last=0.4",
        "augment.colour.contrast=0.3",
        "augment.flaws.blur=0.4",
        "augment.flaws.noise=0.4",
        "augment.flaws.jpeg=0.4",
    ),
    "varied": (
        "augment.before.k=2",
        "augment.before.refresh=1",
        "augment.before.noise=0.5",
        "augment.before.neighbours=0.5",
        "augment.before.lines=0.5",
    ),
    "weighted": ("data.sampling.mode=auto", "data.sampling.count=150", "data.sampling.replacement=false"),
}


def weights(run: Run) -> dict[str, Tensor]:
    return load_file(run.file("best.safetensors"))


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)


def history_without_seconds(run: Run) -> list[dict[str, object]]:
    return [{key: value for key, value in record.items() if key != "seconds"} for record in run.history()]
