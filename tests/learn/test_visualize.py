"""Batches can be looked at before anything is trained, and without anything being fetched."""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from digitkit.core.errors import ConfigError, DigitkitError
from digitkit.learn import visualize
from digitkit.learn.compose import compose
from digitkit.learn.loader import Images
from digitkit.learn.parts import Parts
from digitkit.learn.recipe import Recipe
from digitkit.learn.visualize import Shown

WINDOWS = '''"""A way of matplotlib to draw that has windows, and remembers what it showed in them."""
from matplotlib.backends.backend_agg import FigureCanvasAgg, new_figure_manager
import matplotlib.pyplot as plt
FigureCanvas, SHOWN = FigureCanvasAgg, []
def show(*args, **options):
    SHOWN.extend(len(plt.figure(number).axes) for number in plt.get_fignums())
'''


def shown(recipe: Recipe, count: int = 2) -> list[Shown]:
    return visualize.batches(recipe, *visualize.some_parts(recipe, pytest.fail), count)


@pytest.fixture(scope="module")
def plain(drawn_source: str) -> list[Shown]:
    """Two batches of a recipe that does nothing to images."""
    off = [f"augment.after.{key}=0" for key in ("shift_px", "rotate_deg", "scale", "shear")]
    return shown(compose(["experiment=tiny", f"data.sources=[{drawn_source}]", *off]))


def test_an_image_that_nothing_happens_to_is_shown_twice(plain: list[Shown]) -> None:
    assert [batch.title for batch in plain] == ["at the start", "at the end"]
    for batch in plain:
        assert torch.equal(batch.before, batch.after)
        assert set(batch.captions) <= set("0123456789")


def test_batches_are_shown_as_the_training_changes_them(drawn_source: str) -> None:
    late = ["augment.late.last=0.5", *(f"augment.late.{key}=0" for key in ("shift_px", "rotate_deg", "scale", "shear"))]
    first, middle, last = shown(compose(["experiment=tiny", f"data.sources=[{drawn_source}]", *late]), 3)
    assert not torch.equal(first.before, first.after)
    assert torch.equal(middle.before, middle.after)
    assert torch.equal(last.before, last.after)
    assert middle.title == "after 50% of the training"


def test_variants_stand_beside_the_pictures_as_they_came(drawn_source: str, plain: list[Shown]) -> None:
    off = [f"augment.after.{key}=0" for key in ("shift_px", "rotate_deg", "scale", "shear")]
    varied = ["augment.before.k=2", "augment.before.lines=1", "augment.before.outline=1", "augment.before.share=0.5"]
    batches = shown(compose(["experiment=tiny", f"data.sources=[{drawn_source}]", *off, *varied]))
    for batch, same in zip(batches, plain, strict=True):
        assert torch.equal(batch.before, same.before)
        changed = (batch.before != batch.after).flatten(1).any(1)
        assert 4 < int(changed.sum()) < 20


def test_blends_say_how_much_each_label_weighs(drawn_source: str) -> None:
    mixing = ["mix.probability=0.05", "mix.cutmix=0", "mix.mixup_alpha=5", "mix.off_epochs=1"]
    first, last = shown(compose(["experiment=tiny", f"data.sources=[{drawn_source}]", *mixing]))
    assert first.title.endswith("blended")
    for caption in first.captions:
        label, share, plus, other, rest = caption.split()
        assert plus == "+"
        assert {label, other} <= set("0123456789")
        assert float(share) + float(rest) == pytest.approx(1, abs=0.011)
    assert last.title == "at the end"
    assert not any("+" in caption for caption in last.captions)


def test_classes_are_drawn_as_the_recipe_draws_them(drawn_source: str) -> None:
    rare = ["data.sampling.mode=manual", "data.sampling.classes=[3,4]", "data.sampling.weights=[1000,0]"]
    batches = shown(compose(["experiment=tiny", f"data.sources=[{drawn_source}]", *rare]))
    names = [caption for batch in batches for caption in batch.captions]
    assert names.count("3") > 0.8 * len(names)
    assert "4" not in names


def test_the_same_recipe_shows_the_same_batches(drawn_source: str) -> None:
    recipe = compose(["experiment=tiny", f"data.sources=[{drawn_source}]"])
    for one, other in zip(shown(recipe), shown(recipe), strict=True):
        assert torch.equal(one.after, other.after)


@pytest.mark.parametrize("sources", ["data.sources=[mnist]", "data.sources=[optdigits,mnist]"])
def test_a_source_that_is_not_here_is_replaced_and_that_is_said(sources: str) -> None:
    lines: list[str] = []
    parts, classes = visualize.some_parts(compose([sources, "data.fallback=usps"]), lines.append)
    assert len(parts.train) > 1000
    assert classes == tuple("0123456789")
    assert lines == ["mnist is not on this machine; pictures of optdigits are shown instead."]


def test_what_is_learnt_to_be_no_digit_is_shown_in_its_share(drawn_source: str) -> None:
    others = ["data.negatives=[scribbles,emnist-letters]", "data.negatives_share=0.2", "augment.before.k=1"]
    recipe = compose(["experiment=tiny", f"data.sources=[{drawn_source}]", "data.limit=100", *others])
    lines: list[str] = []
    for batch in visualize.batches(recipe, *visualize.some_parts(recipe, lines.append), 2):
        assert len(batch.captions) == len(batch.before) == 24
        assert batch.captions.index("not a digit") == 20
        assert set(batch.captions[20:]) == {"not a digit"}
        assert len(torch.unique(batch.before[20:], dim=0)) > 1
    assert len(lines) == 1
    assert lines[0].endswith("whose pictures are no digits, is not on this machine; it is left out.")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DigitkitError, match="there is no folder"):
        visualize.some_parts(compose([f"data.sources=['folder:{tmp_path / 'none'}']"]), pytest.fail)


def test_a_set_of_one_image_can_be_shown() -> None:
    one = Images(torch.full((1, 1, 28, 28), 99, dtype=torch.uint8), torch.zeros(1, dtype=torch.long))
    parts = Parts(one, 1, one.first(0), one.first(0), 0.0, ())
    assert [batch.captions for batch in visualize.batches(Recipe(), parts, ("$x_1$",), 2)] == [["$x_1$"], ["$x_1$"]]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_picture_holds_every_image_as_it_is(tmp_path: Path, channels: int) -> None:
    pixels = torch.randint(0, 256, (7, channels, 12, 12), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    batch = Shown(pixels, 255 - pixels, ["7 .82 + 12345678901234567890 .18", *"123456"], "at the start, blended")
    visualize.write([batch, batch], tmp_path / "seen.png")
    with Image.open(tmp_path / "seen.png") as picture:
        assert picture.format == "PNG"
        assert len(np.unique(np.asarray(picture.convert("L")))) > 100
    assert [path.name for path in tmp_path.iterdir()] == ["seen.png"]


def test_where_no_window_can_be_opened_that_is_said(plain: list[Shown]) -> None:
    plt.switch_backend("agg")
    with pytest.raises(ConfigError, match=r"--window: no window can be opened here.*Leave out --window"):
        visualize.show(plain)


def test_a_window_shows_every_batch(plain: list[Shown], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "with_windows.py").write_text(WINDOWS)
    monkeypatch.syspath_prepend(tmp_path)
    try:
        plt.switch_backend("module://with_windows")
        visualize.show(plain)
        remembered = sys.modules["with_windows"].SHOWN
        assert remembered == [len(plain)]
    finally:
        plt.close("all")
        plt.switch_backend("agg")
        sys.modules.pop("with_windows", None)
