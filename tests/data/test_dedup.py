"""Copies are found however they were made; different drawings stay apart."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitkit.core.digitset import Dense, DigitSet, Encoded, Pictures, Ragged, origins_of
from digitkit.data.dedup import find_copies, group_copies
from digitkit.data.fingerprint import MarkedSet
from tests.data.conftest import Lines

FIXTURES = Path(__file__).parents[1] / "fixtures" / "digits.npz"
SETS = ("pendigits", "hwd1000", "optdigits", "kensanata", "semeion")

Pixels = NDArray[np.uint8]
Change = Callable[[Pixels], Pixels]


def real(name: str) -> Pixels:
    """Twenty real digits, uint8 (20,H,W)."""
    with np.load(FIXTURES, allow_pickle=False) as stored:
        return np.asarray(stored[f"{name}_images"], np.uint8)


def as_set(pictures: Pictures | list[Pixels], name: str = "a", labels: list[int] | None = None) -> DigitSet:
    kept = Ragged.pack(pictures) if isinstance(pictures, list) else pictures
    chosen = np.zeros(len(kept), np.int64) if labels is None else np.array(labels, np.int64)
    return DigitSet(kept, chosen, ("3", "7"), origins_of(name, "train", len(kept)))


def found(first: DigitSet, second: DigitSet) -> tuple[int, int]:
    """How many pictures of the second set are exact and near copies of some in the first."""
    overlaps = find_copies({"first": first, "second": second}).overlaps
    return next(((each.exact, each.near) for each in overlaps if (each.of, each.part) == ("first", "second")), (0, 0))


def again(picture: Pixels, format: str, **options: int) -> Pixels:
    """A picture saved and read."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format, **options)
    return np.asarray(Image.open(file))


def shifted(picture: Pixels, down: float, across: float) -> Pixels:
    """A picture moved over paper like its own."""
    seen = Image.fromarray(picture).transform(
        picture.shape[::-1], Image.Transform.AFFINE, (1, 0, -across, 0, 1, -down), Image.Resampling.BILINEAR,
        fillcolor=int(np.median(picture)),
    )  # fmt: skip
    return np.asarray(seen)


def resized(picture: Pixels, share: float, how: Image.Resampling = Image.Resampling.BICUBIC) -> Pixels:
    height, width = (round(side * share) for side in picture.shape)
    return np.asarray(Image.fromarray(picture).resize((width, height), how))


CHANGES: dict[str, Change] = {
    "one pixel down": lambda picture: shifted(picture, 1, 0),
    "one pixel left and up": lambda picture: shifted(picture, -1, -1),
    "a quarter of a pixel aside": lambda picture: shifted(picture, 0.25, -0.2),
    "JPEG": lambda picture: again(picture, "JPEG", quality=75),
    "inverted": lambda picture: 255 - picture,
    "twice as large": lambda picture: resized(picture, 2),
    "three times as large, coarsely": lambda picture: resized(picture, 3, Image.Resampling.NEAREST),
    "seven times as large": lambda picture: resized(picture, 7, Image.Resampling.BILINEAR),
    "grey paper, faint ink": lambda picture: (90 + picture * 0.4).astype(np.uint8),
    "coloured": lambda picture: np.stack([picture, 255 - (255 - picture) // 2, picture], axis=2),
    "inverted, shifted, JPEG": lambda picture: again(255 - shifted(picture, 0, 1), "JPEG", quality=75),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["pendigits", "hwd1000"])
def test_a_changed_copy_is_found(name: str, change: str) -> None:
    pictures = real(name)
    copies = [CHANGES[change](picture) for picture in pictures]
    assert found(as_set(Dense(pictures)), as_set(copies, "b")) == (0, 20)


@pytest.mark.parametrize("name", SETS)
def test_copies_of_small_and_of_binary_pictures_are_found(name: str) -> None:
    copies = [255 - (picture * 0.7).astype(np.uint8) for picture in real(name)]
    assert found(as_set(Dense(real(name))), as_set(copies, "b")) == (0, 20)


def test_a_smaller_copy_is_found() -> None:
    copies = [resized(picture, 0.7) for picture in real("optdigits")]
    assert found(as_set(Dense(real("optdigits"))), as_set(copies, "b")) == (0, 20)


@settings(max_examples=25)
@given(
    down=st.integers(-1, 1),
    across=st.integers(-1, 1),
    inverts=st.booleans(),
    share=st.sampled_from([1, 1.25, 2, 3.1]),
    index=st.integers(0, 19),
)
def test_any_mixture_of_changes_is_found(down: int, across: int, inverts: bool, share: float, index: int) -> None:
    picture = real("pendigits")[index]
    copy = resized(shifted(picture, down, across), share)
    exact, near = found(as_set([picture]), as_set([255 - copy if inverts else copy], "b"))
    assert exact + near == 1


@pytest.mark.parametrize("name", SETS)
def test_drawings_of_different_people_stay_apart(name: str) -> None:
    assert find_copies({"all": as_set(Dense(real(name)))}).overlaps == ()


def stroke(top: float, lean: float, width: float) -> Pixels:
    """A plain 1, drawn finely and averaged."""
    canvas = Image.new("L", (224, 224))
    ends = [(112 + 8 * lean, 8 * top), (112 - 8 * lean, 224 - 8 * top)]
    ImageDraw.Draw(canvas).line(ends, fill=255, width=round(8 * width))
    return np.asarray(canvas.resize((28, 28), Image.Resampling.BOX))


@pytest.mark.parametrize("other", [(4.0, 2.9, 3.0), (4.7, 2.0, 3.0), (4.0, 2.0, 3.9)])
def test_two_plain_strokes_that_lean_last_or_press_differently_stay_two(other: tuple[float, float, float]) -> None:
    assert found(as_set([stroke(4.0, 2.0, 3.0)]), as_set([stroke(*other)], "b")) == (0, 0)


@pytest.mark.parametrize("change", [np.fliplr, np.rot90, lambda picture: shifted(picture, 4, 0)])
def test_a_mirrored_turned_or_far_moved_drawing_is_another(change: Change) -> None:
    copies = [np.ascontiguousarray(change(picture)) for picture in real("hwd1000")]
    assert found(as_set(Dense(real("hwd1000"))), as_set(copies, "b")) == (0, 0)


def test_a_picture_in_a_longer_frame_is_another() -> None:
    pictures = real("pendigits")
    longer = [np.pad(picture, ((0, 0), (6, 6))) for picture in pictures]
    assert found(as_set(Dense(pictures)), as_set(longer, "b")) == (0, 0)


def test_pictures_that_show_nothing_are_copies_to_the_pixel_only() -> None:
    white, grey = np.full((28, 28), 255, np.uint8), np.full((28, 28), 200, np.uint8)
    assert found(as_set([white]), as_set([grey, white], "b")) == (1, 0)


def test_exact_copies_are_found_however_pictures_are_kept() -> None:
    pictures = real("hwd1000")
    files = []
    for picture in pictures:
        file = io.BytesIO()
        Image.fromarray(picture).convert("RGB").save(file, "PNG")
        files.append(np.frombuffer(file.getvalue(), np.uint8))
    sizes = np.array([len(file) for file in files])
    encoded = Encoded(np.concatenate(files), np.cumsum(sizes) - sizes, sizes)
    in_colour = Dense(np.repeat(pictures[..., None], 3, axis=3))
    kinds: list[Pictures] = [Dense(pictures), Ragged.pack(list(pictures)), encoded, in_colour]
    for kind in kinds[1:]:
        assert found(as_set(kinds[0]), as_set(kind, "b")) == (20, 0)


def test_copies_of_copies_are_one_group() -> None:
    picture = real("pendigits")[4]
    chain = [shifted(picture, 0, across) for across in range(5)]
    grouped, _ = group_copies({"all": MarkedSet.of(as_set(chain))})
    assert len(set(grouped["all"].groups.tolist())) == 1


def test_copies_within_a_part_are_counted_without_the_first() -> None:
    picture = real("pendigits")[4]
    [overlap] = find_copies({"all": as_set([picture, picture, picture, 255 - picture])}).overlaps
    assert (overlap.part, overlap.of, overlap.exact, overlap.near) == ("all", "all", 2, 1)


def test_a_part_has_copies_of_those_with_better_rights() -> None:
    first, second = real("pendigits")[:2]
    report = find_copies(
        {"test": as_set([first], "a"), "val": as_set([first, second], "b"), "train": as_set([second], "c")}
    )
    assert [(each.part, each.of, each.exact) for each in report.overlaps] == [("val", "test", 1), ("train", "val", 1)]
    assert [(each.picture, each.copy_of) for each in report.overlaps[1].examples] == [("c/train/0", "b/train/1")]


def test_copies_with_different_labels_are_told() -> None:
    picture = real("pendigits")[4]
    assert find_copies({"all": as_set([picture, 255 - picture, real("pendigits")[5]], labels=[0, 1, 0])}).conflicts == 1
    assert find_copies({"all": as_set([picture, 255 - picture, real("pendigits")[5]], labels=[1, 1, 0])}).conflicts == 0


def test_without_near_only_the_same_pixels_count() -> None:
    picture = real("pendigits")[4]
    marked = MarkedSet.of(as_set([picture, picture, 255 - picture]))
    grouped, report = group_copies({"all": marked}, near=False)
    assert report.method == "exact"
    assert (grouped["all"].groups == marked.marks).all()


def test_nothing_has_no_copies() -> None:
    assert find_copies({}).overlaps == ()
    assert find_copies({"none": as_set([])}).overlaps == ()


def test_a_crowd_of_copies_is_one_group() -> None:
    rng = np.random.default_rng(0)
    picture = real("pendigits")[4].astype(np.float64)
    crowd = np.clip(picture + rng.normal(0, 1.5, (1_500, 28, 28)) * (picture > 0), 0, 255).astype(np.uint8)
    grouped, _ = group_copies({"all": MarkedSet.of(as_set(Dense(crowd)))})
    assert len(set(grouped["all"].groups.tolist())) == 1


def test_what_was_found_is_kept_and_a_damaged_file_is_made_again(cache: Path) -> None:
    digits = as_set([*real("pendigits"), 255 - real("pendigits")[0]])
    first = find_copies({"all": digits}).to_plain()
    [kept] = (cache / "copies").iterdir()
    written = kept.read_text()
    assert len(json.loads(written)["pairs"]) == 1
    for damaged in ("", "[]", '{"pairs": [], "check": ""}', written.replace("[[", "[[1, 2], [")):
        kept.write_text(damaged)
        assert find_copies({"all": digits}).to_plain() == first
        assert kept.read_text() == written
    touched = kept.stat().st_mtime_ns
    assert find_copies({"all": digits}).to_plain() == first
    assert kept.stat().st_mtime_ns == touched


def test_pairs_do_not_depend_on_the_order_of_pictures_and_parts() -> None:
    pictures = [*real("pendigits"), *(CHANGES["one pixel down"](picture) for picture in real("pendigits"))]
    order = np.random.default_rng(0).permutation(len(pictures))
    [overlap] = find_copies({"all": as_set(pictures)}).overlaps
    [turned] = find_copies({"all": as_set([pictures[index] for index in order])}).overlaps
    assert (turned.exact, turned.near) == (overlap.exact, overlap.near) == (0, 20)


def test_a_long_search_is_announced_once() -> None:
    lines = Lines()
    noise = np.random.default_rng(0).integers(0, 256, (20_000, 8, 8), np.uint8)
    for _ in range(2):
        group_copies({"all": MarkedSet.of(as_set(Dense(noise)))}, report=lines)
    assert lines == ["Looking for copies among 20,000 pictures; this is done once."]


def test_the_sheet_shows_each_pair_beside_each_other(tmp_path: Path) -> None:
    pictures = real("hwd1000")
    report = find_copies({"test": as_set(Dense(pictures)), "train": as_set(Dense(255 - pictures), "b")})
    assert len(report.pairs) == 12
    for _, left, right in report.pairs:
        assert (left == 255 - right).all()
    report.write_sheet(tmp_path / "copies.png")
    with Image.open(tmp_path / "copies.png") as sheet:
        assert sheet.width > 500
    assert json.loads(json.dumps(report.to_plain()))["overlaps"][0]["near"] == 20
