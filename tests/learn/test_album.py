"""Each validation is kept from its one pass over the images, and drawn when there is time."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from digitkit.learn.album import MOST_DRAWN, Album
from digitkit.learn.evaluate import report
from digitkit.learn.loader import Images

CLASSES = tuple("0123456789")


def some_images(count: int) -> Images:
    rng = torch.Generator().manual_seed(0)
    return Images(torch.randint(0, 256, (count, 1, 12, 12), generator=rng).to(torch.uint8), torch.arange(count) % 10)


def fill(album: Album, images: Images, steps: range) -> None:
    """A validation every ten steps, in which one image more is read right each time."""
    for number, step in enumerate(steps):
        said = (images.labels + (torch.arange(len(images)) >= number)) % 10
        answers = torch.nn.functional.one_hot(said, 10).float()
        album.keep(step, report("val", answers, images.labels, CLASSES), answers, len(steps))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.png"))


def test_a_validation_leaves_two_pictures_with_its_step_in_their_names(tmp_path: Path) -> None:
    images = some_images(30)
    album = Album(tmp_path, images, CLASSES)
    fill(album, images, range(10, 31, 10))
    drawn = list(album.draw())
    assert [step for step, _ in drawn] == [10, 20, 30]
    assert names(tmp_path) == [f"{kind}-step-0000{step}.png" for kind in ("confusion", "grid") for step in (10, 20, 30)]
    assert drawn[0][1] == {
        "confusion": tmp_path / "confusion-step-000010.png",
        "grid": tmp_path / "grid-step-000010.png",
    }
    assert list(album.draw(rest=True)) == []


def test_many_validations_leave_a_sensible_number_of_pictures_and_the_last_one(tmp_path: Path) -> None:
    images = some_images(5)
    album = Album(tmp_path, images, CLASSES)
    fill(album, images, range(1, 3 * MOST_DRAWN + 2))
    steps = [page.step for page in album.pages]
    assert len(steps) <= MOST_DRAWN
    assert steps[-1] == 3 * MOST_DRAWN + 1
    assert set(map(int.__sub__, steps[1:-1], steps[:-2])) == {4}


def test_what_is_not_drawn_travels_in_the_checkpoint(tmp_path: Path) -> None:
    images = some_images(30)
    first, second = (Album(tmp_path / name, images, CLASSES) for name in ("first", "second"))
    fill(first, images, range(10, 31, 10))
    torch.save(first.state_dict(), tmp_path / "state.pt")
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    list(first.draw(rest=True))
    list(second.draw(rest=True))
    for name in names(tmp_path / "first"):
        pixels = [Image.open(tmp_path / folder / name).tobytes() for folder in ("first", "second")]
        assert pixels[0] == pixels[1]


@pytest.mark.parametrize("count", [1, 7, 40, 1000])
def test_the_grid_shows_images_from_all_over_the_part(tmp_path: Path, count: int) -> None:
    album = Album(tmp_path, some_images(count), CLASSES)
    assert len(album.shown) == min(40, count)
    assert album.shown.tolist() == sorted(set(album.shown.tolist()))
    assert album.shown[-1] >= count - max(1, count // 40) - 1
