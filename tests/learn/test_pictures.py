"""The pictures of a run can be opened and show something."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from digitkit.learn import pictures
from digitkit.learn.evaluate import report
from digitkit.learn.loader import Images

CLASSES = tuple("0123456789")


def some_images(count: int, channels: int = 1) -> Images:
    rng = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, channels, 28, 28), generator=rng).to(torch.uint8)
    return Images(pixels, torch.arange(count) % 10)


def assert_drawn(path: Path) -> Image.Image:
    """The picture, fully decoded, not all of one colour; no half-written file lies beside it."""
    with Image.open(path) as picture:
        picture.load()
        assert picture.format == "PNG"
        assert min(picture.size) > 100
        assert len(set(np.asarray(picture.convert("L")).ravel().tolist())) > 10
    assert [other.name for other in path.parent.iterdir()] == [path.name]
    return picture


def history(steps: int) -> list[dict[str, float]]:
    """Records of which every third was scored."""
    records: list[dict[str, float]] = []
    for step in range(1, steps + 1):
        record = {"step": step, "train_loss": 2 / step, "lr": 0.1}
        scored = {"val_accuracy": 1 - 0.5 / step, "val_loss": 1 / step, "raw_val_accuracy": 1 - 0.6 / step}
        records.append(record | (scored if step % 3 == 0 else {}))
    return records


@pytest.mark.parametrize("steps", [1, 2, 30])
def test_curves(tmp_path: Path, steps: int) -> None:
    pictures.curves(history(steps), tmp_path / "curves.png")
    assert_drawn(tmp_path / "curves.png")


@pytest.mark.parametrize("classes", [CLASSES, ("", "0", "23"), tuple(map(str, range(30)))])
def test_confusion(tmp_path: Path, classes: tuple[str, ...]) -> None:
    labels = torch.arange(3 * len(classes)) % len(classes)
    answers = torch.rand(len(labels), len(classes), generator=torch.Generator().manual_seed(0)).softmax(1)
    pictures.confusion(report("val", answers, labels, classes).confusion, classes, "val", tmp_path / "confusion.png")
    assert_drawn(tmp_path / "confusion.png")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("wrong", [0, 1, 8, 60])
def test_mistakes(tmp_path: Path, wrong: int, channels: int) -> None:
    images = some_images(80, channels)
    said = images.labels.clone()
    said[:wrong] = (said[:wrong] + 1) % 10
    answers = torch.nn.functional.one_hot(said, 10).float()
    made = report("test", answers, images.labels, CLASSES)
    pictures.mistakes(made, images, answers, CLASSES, tmp_path / "mistakes.png")
    assert_drawn(tmp_path / "mistakes.png")
