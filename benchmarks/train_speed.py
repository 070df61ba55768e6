"""How much faster `sprint` reaches 99.1 % than the standard PyTorch MNIST example, both timed in one run.

The example is written anew from its description: conv 32, conv 64, pool, dropout .25, dense 128, dropout .5,
Adadelta 1.0, gamma .7, batch 64, a pass over the test part after every epoch, pictures read one by one as torchvision
does. A few of its epochs are timed and scaled to its 14. `train_seconds` of digitkit goes from the first augmentation
to the final averaged weights.

    python benchmarks/train_speed.py --seeds 5 --epochs 2
"""

import argparse
import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from rich.console import Console
from rich.table import Table
from seeds import Trained, train_seeds
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from digitkit.core.digitset import DigitSet
from digitkit.data.splits import SplitPlan, build

EXAMPLE_EPOCHS = 14
MEAN, STD = 0.1307, 0.3081  # of MNIST, as the example states them


class Example(nn.Module):
    """The example's network: 1.2 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
            nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10), nn.LogSoftmax(1),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        """(N,1,28,28) -> log-probabilities (N,10)."""
        answers: Tensor = self.layers(images)
        return answers


class OneByOne(Dataset[tuple[Tensor, int]]):
    """Pictures as torchvision's MNIST hands them out: through Pillow, to a tensor, standardised."""

    def __init__(self, digits: DigitSet) -> None:
        self.digits = digits

    def __len__(self) -> int:
        return len(self.digits)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(np.array(self.digits.pictures[index]))
        pixels = torch.from_numpy(np.array(picture)).unsqueeze(0).float().div(255)
        return (pixels - MEAN) / STD, int(self.digits.labels[index])


def example_epochs(train: DigitSet, test: DigitSet, epochs: int) -> tuple[list[float], list[float]]:
    """Train the example; returns seconds and test accuracy of each epoch, its test pass included."""
    torch.manual_seed(1)
    network = Example()
    optimiser = torch.optim.Adadelta(network.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=1, gamma=0.7)
    batches = DataLoader(OneByOne(train), batch_size=64, shuffle=True)
    tests = DataLoader(OneByOne(test), batch_size=1000)
    seconds, accuracies = [], []
    for _ in range(epochs):
        begun = time.perf_counter()
        network.train()
        for images, labels in batches:
            optimiser.zero_grad()
            F.nll_loss(network(images), labels).backward()
            optimiser.step()
        schedule.step()
        network.eval()
        with torch.no_grad():
            right = sum(int((network(images).argmax(1) == labels).sum()) for images, labels in tests)
        seconds.append(time.perf_counter() - begun)
        accuracies.append(right / len(test))
    return seconds, accuracies


def show(seconds: list[float], accuracies: list[float], ours: list[Trained]) -> None:
    """One table: the example scaled to 14 epochs, ours, the ratio."""
    whole = statistics.mean(seconds) * EXAMPLE_EPOCHS
    ours_s = statistics.mean(run.train_seconds for run in ours)
    table = Table(title=f"Time to 99.1 % on MNIST, {torch.get_num_threads()} threads")
    for column in ("what", "seconds", "test accuracy"):
        table.add_column(column)
    table.add_row(
        f"standard example, 14 epochs ({len(seconds)} timed, {min(seconds):.1f}..{max(seconds):.1f} s each)",
        f"{whole:.0f}", f"{accuracies[-1]:.2%} after {len(seconds)}",
    )  # fmt: skip
    spread = f"{min(run.train_seconds for run in ours):.2f}..{max(run.train_seconds for run in ours):.2f}"
    for name, shares in (
        ("one view", [run.one_view for run in ours]),
        ("five views", [run.five_views for run in ours]),
    ):
        deviation = statistics.stdev(shares) if len(shares) > 1 else 0.0
        table.add_row(
            f"sprint, n {len(ours)} seeds, {name}", f"{ours_s:.2f} ({spread})",
            f"{statistics.mean(shares):.3%} sd {deviation:.3%} ({min(shares):.2%}..{max(shares):.2%})",
        )  # fmt: skip
    table.add_row("times faster", f"{whole / ours_s:.0f}", "")
    Console(width=120).print(table)


def main() -> None:
    """Time both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=2, help="epochs of the example that are timed")
    asked = parser.parse_args()
    splits = build(SplitPlan(("mnist",), val_size=0))
    ours = train_seeds("sprint", range(asked.seeds))
    seconds, accuracies = example_epochs(splits.primary, splits.test, asked.epochs)
    show(seconds, accuracies, ours)


if __name__ == "__main__":
    main()
