"""The window of the camera as a picture, its keys and its snapshots."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from digitkit.app.finding import Box
from digitkit.app.live import Screen, press
from digitkit.app.watching import Reading
from digitkit.app.window import BANNER, FOOT, HEIGHT, PANEL, View, banner, bars, draw
from digitkit.core.picture import Pixels, decode
from digitkit.core.prediction import Prediction, Verdict

SURE = {label: 0.91 if label == "7" else 0.01 for label in "0123456789"}


def reading(verdict: Verdict = "digit", label: str | None = "7", reason: str = "clear") -> Reading:
    confidence = 0.0 if label is None else 0.91
    said = Prediction(label, confidence, SURE, verdict, reason, "tiny@000")
    return Reading(said, said, Box(10, 10, 40, 40), 3.2, np.full((28, 28), 200, np.uint8))


@pytest.fixture
def frame() -> Pixels:
    pixels = np.zeros((90, 160, 3), np.uint8)
    pixels[:, 80:] = 255
    return pixels


def test_banner_and_bars_tell_the_same_numbers() -> None:
    said = reading().prediction
    assert banner(said) == "7   91.0 %"
    assert max(bars(said), key=lambda bar: bar[1]) == ("7", said.confidence)
    assert [label for label, _ in bars(said)] == list("0123456789")


@pytest.mark.parametrize(
    ("verdict", "label", "reason", "words"),
    [
        ("blank", None, "nothing is drawn", "nothing is drawn"),
        ("unsure", "7", "7 or 1?", "not sure: 7 or 1? 91.0 %"),
        ("not a digit", "7", "looks like no digit", "not a digit (nearest: 7, 91.0 %)"),
    ],
)
def test_the_banner_says_every_verdict_in_words(verdict: Verdict, label: str | None, reason: str, words: str) -> None:
    assert banner(reading(verdict, label, reason).prediction) == words


def test_bars_are_empty_where_nothing_is_drawn() -> None:
    assert {share for _, share in bars(reading("blank", None).prediction)} == {0.0}


def test_of_many_classes_the_most_probable_have_bars() -> None:
    many = {str(number): (number + 1) / 5050 for number in range(100)}
    said = replace(reading().prediction, probabilities=many)
    assert [label for label, _ in bars(said)] == [str(number) for number in range(90, 100)]


def test_the_window_shows_frame_box_and_panel(frame: Pixels) -> None:
    shown = draw(frame, reading(), View())
    assert shown.shape == (BANNER + HEIGHT + FOOT, 960 + PANEL, 3)
    assert len(np.unique(shown[BANNER + 60 : BANNER + 240, 61], axis=0)) == 1  # the left side of the box
    assert shown[BANNER + 100, 61].tolist() == [62, 207, 142]
    assert shown[BANNER + 20, 900].tolist() == [255, 255, 255]


def test_a_mirror_turns_the_camera_and_nothing_else(frame: Pixels) -> None:
    plain, mirrored = draw(frame, reading(), View()), draw(frame, reading(), View(mirrored=True))
    assert (mirrored[BANNER : BANNER + 500, :960] == plain[BANNER : BANNER + 500, :960][:, ::-1]).all()
    assert (mirrored[:, 960:] == plain[:, 960:]).all()
    assert (mirrored[:BANNER] == plain[:BANNER]).all()


def test_the_model_view_takes_the_place_of_the_camera(frame: Pixels) -> None:
    shown = draw(frame, reading(), View(model_view=True))
    assert shown.shape == draw(frame, reading(), View()).shape
    assert shown[BANNER + 100, 480].tolist() == [200, 200, 200]
    narrow = draw(np.zeros((1000, 20, 3), np.uint8), reading(), View(model_view=True))
    assert narrow[BANNER + HEIGHT // 2, 120].tolist() == [200, 200, 200]


def test_keys_change_the_view_and_write_snapshots(frame: Pixels, tmp_path: Path) -> None:
    said: list[str] = []
    screen = Screen(tmp_path / "shots", said.append)
    assert press("v", View(), frame, screen) == View(model_view=True)
    assert press("m", View(mirrored=True), frame, screen) == View()
    assert press("x", View(), frame, screen) == View()
    assert press("s", View(), frame, screen) == View()
    (written,) = (tmp_path / "shots").iterdir()
    assert said == [f"Wrote {written}"]
    assert datetime.strptime(written.stem[9:24], "%Y%m%d-%H%M%S") <= datetime.now()
    assert (decode(written) == frame).all()
