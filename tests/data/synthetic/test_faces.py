import io
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder  # type: ignore[import-untyped]
from fontTools.pens.ttGlyphPen import TTGlyphPen  # type: ignore[import-untyped]
from PIL import ImageFont

from digitkit.core.errors import ConfigError
from digitkit.data.synthetic.dice import Dice
from digitkit.data.synthetic.drawn import drawn_faces
from digitkit.data.synthetic.faces import DIGITS, Face, write_line
from digitkit.data.synthetic.fonts import choose_faces, deal, find_faces, font_face, has_digits


def make_font(path: Path, name: str, characters: str, width: int = 500) -> None:
    """A font in which each of some characters is the same box."""
    pen = TTGlyphPen(None)
    for point, move in zip(((50, 0), (50, 700), (width - 50, 700), (width - 50, 0)), "mlll", strict=True):
        (pen.moveTo if move == "m" else pen.lineTo)(point)
    pen.closePath()
    box = pen.glyph()
    names = [".notdef", *(f"g{ord(character)}" for character in characters)]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(character): f"g{ord(character)}" for character in characters})
    builder.setupGlyf(dict.fromkeys(names, box))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (width, 50)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": name, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


def test_the_font_that_pillow_carries_is_a_real_one_and_always_found() -> None:
    font = ImageFont.load_default(20)
    assert isinstance(font, ImageFont.FreeTypeFont)
    assert font.getname() == ("Aileron", "Regular")
    assert "Aileron Regular" in [face.name for face in find_faces()]


def test_no_two_faces_have_one_name_and_their_order_is_the_same_each_time() -> None:
    names = [face.name for face in find_faces()]
    assert len(names) == len(set(names))
    assert names == [face.name for face in find_faces()]


@pytest.mark.parametrize("face", drawn_faces(), ids=lambda face: face.name)
def test_a_drawn_face_has_ten_digits_of_one_height(face: Face) -> None:
    shapes = [face.shape(digit, 60, Dice()) for digit in DIGITS]
    assert {shape.shape[0] for shape in shapes} == {60}
    assert face.is_lining
    assert 0.03 < face.stroke < 0.3
    assert face.design in ("dots", "segment") or has_digits(face)


def test_drawn_faces_are_all_different() -> None:
    assert len({face.draw("3", 48).tobytes() + face.draw("1", 48).tobytes() for face in drawn_faces()}) == 50


@pytest.mark.parametrize("characters", [DIGITS, "abc"], ids=["boxes", "no digits"])
def test_a_font_without_digits_is_left_out(characters: str, tmp_path: Path) -> None:
    make_font(tmp_path / "boxes.ttf", "Boxes", characters)
    assert font_face((tmp_path / "boxes.ttf").read_bytes()) is None
    assert "Boxes Regular" not in [face.name for face in find_faces([tmp_path])]


def test_a_font_with_digits_in_a_folder_of_ones_own_is_found(tmp_path: Path) -> None:
    font = ImageFont.load_default(20)
    assert isinstance(font, ImageFont.FreeTypeFont)
    renamed = bytes(font.font_bytes).replace("Aileron".encode("utf-16-be"), "Own one".encode("utf-16-be"))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "own.TTF").write_bytes(renamed.replace(b"Aileron", b"Own one"))
    assert "Own one Regular" in [face.name for face in find_faces([tmp_path])]


@pytest.mark.parametrize("content", [b"", b"no font", b"\0\1\0\0" + b"\xff" * 4000], ids=["empty", "text", "noise"])
def test_a_damaged_font_is_left_out(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "damaged.otf").write_bytes(content)
    assert len(find_faces([tmp_path])) == len(find_faces())


def test_a_font_whose_digits_are_absurdly_wide_is_left_out(tmp_path: Path) -> None:
    make_font(tmp_path / "wide.ttf", "Wide", DIGITS, width=32_000)
    assert len(find_faces([tmp_path])) == len(find_faces())


def test_a_folder_of_fonts_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"font_folders names .*nowhere"):
        find_faces([tmp_path / "nowhere"])


def test_faces_are_chosen_by_patterns_whatever_their_case() -> None:
    chosen = choose_faces(find_faces(), ["DRAWN round 0?", "aileron*"])
    assert len(chosen) == 10
    assert {face.design for face in chosen} == {"round", "font"}


def test_a_pattern_that_fits_no_font_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"fonts has 'Ailron Regular'.*Did you mean 'Aileron Regular'"):
        choose_faces(find_faces(), ["Ailron Regular"])


def test_no_family_is_dealt_to_two_parts() -> None:
    dealt = deal(find_faces(), ["train", "val", "test"], seed=3)
    families = [{face.family for face in faces} for faces in dealt.values()]
    assert all(families)
    assert not families[0] & families[1] | families[0] & families[2] | families[1] & families[2]
    assert len(families[0]) > len(families[1]) + len(families[2])


def test_every_family_is_dealt_and_the_seed_decides_where() -> None:
    faces = find_faces()
    first, second = (deal(faces, ["train", "test"], seed) for seed in (0, 1))
    assert sum(map(len, first.values())) == len(faces)
    assert {face.name for face in first["test"]} != {face.name for face in second["test"]}


def test_too_few_families_for_the_parts_are_said() -> None:
    with pytest.raises(ConfigError, match=r"2 parts .* none is left for test"):
        deal(choose_faces(find_faces(), ["Aileron*"]), ["train", "test"], 0)


def test_a_line_of_letters_is_as_high_as_asked() -> None:
    font = ImageFont.load_default(20)
    assert isinstance(font, ImageFont.FreeTypeFont)
    line = write_line(bytes(io.BytesIO(font.font_bytes).getvalue()), "NAMES", 30)
    assert 15 < line.shape[0] < 40
    assert line.shape[1] > 2 * line.shape[0]
    assert int(np.max(line)) == 255
