"""The verb that reads films: a folder of frames without OpenCV, video files with it, and every way to go wrong."""

import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from digitkit.cli import app
from tests.app.film import frame
from tests.fixtures.opencv import ABSENT, BROKEN, LOADS, OPENCV, needs_opencv

SAID_OF_CAMERAS = {
    LOADS: "Camera 63 cannot be opened",
    BROKEN: "OpenCV is installed but does not load",
    ABSENT: "pip install 'digitkit[webcam]'",
}


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["webcam", *map(str, words)])


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven frames: a 7 that moves, then a 3."""
    folder = tmp_path_factory.mktemp("film")
    rng = np.random.default_rng(5)
    for place in range(11):
        picture = frame(7 if place < 6 else 3, 200 + 5 * place, 120, rng)
        Image.fromarray(picture).save(folder / f"frame-{place}.jpg")
    return folder


def test_a_folder_of_frames_gives_a_line_of_json_per_frame_in_order(film: Path) -> None:
    done = run("--source", film, "--headless", "--json", "--smooth", 2)
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(line["name"]).name for line in lines] == [f"frame-{place}.jpg" for place in range(11)]
    assert [line["label"] for line in lines[:6]] == ["7"] * 6
    assert lines[-1]["label"] == "3"
    assert all(line["probabilities"][line["label"]] == line["confidence"] for line in lines)
    assert all(line["box"][0] < 260 < 300 < line["box"][2] for line in lines)


def test_without_json_a_line_is_for_people(film: Path) -> None:
    done = run("--source", film, "--headless", "--frames", 1)
    assert done.exit_code == 0
    assert done.stdout.split("\t")[1] == "7"
    assert done.stdout.strip().endswith("digit\tclear")


def test_a_mirrored_camera_is_turned_back(tmp_path: Path) -> None:
    picture = frame(3, 250, 120, np.random.default_rng(5))
    Image.fromarray(picture[:, ::-1].copy()).save(tmp_path / "mirrored.png")
    line = json.loads(run("--source", tmp_path, "--headless", "--json", "--flip").stdout)
    assert (line["label"], line["verdict"]) == ("3", "digit")


def test_the_whole_frame_is_read_on_demand(film: Path) -> None:
    line = json.loads(run("--source", film, "--headless", "--json", "--whole", "--frames", 1).stdout)
    assert line["box"] == [0, 0, 640, 480]


def test_a_bad_frame_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    Image.fromarray(frame(7, 200, 120, np.random.default_rng(0))).save(tmp_path / "b.png")
    (tmp_path / "a.png").write_bytes(b"no picture")
    done = run("--source", tmp_path, "--headless", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 3
    assert "not a picture" in lines[0]["error"]
    assert lines[1]["label"] == "7"
    assert "1 frame could not be read" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--source", "nowhere", "--headless"), 3, "there is no such file or folder"),
        (("--source", ".", "--headless"), 3, "could not be read"),
        (("--source", ".", "--json"), 2, "--json goes with --headless"),
    ],
)
def test_what_cannot_be_read_is_an_error(
    words: tuple[str, ...], code: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*words)
    assert done.exit_code == code
    assert message in done.stderr


def test_a_camera_that_is_not_there_is_an_error() -> None:
    done = run("--camera", 63, "--headless")
    assert done.exit_code == 2
    assert SAID_OF_CAMERAS[OPENCV] in done.stderr


@needs_opencv
def test_a_video_file_is_read_frame_by_frame(film: Path, tmp_path: Path) -> None:
    cv2 = import_module("cv2")  # not a plain import: its types are not there where the extra is not
    writer = cv2.VideoWriter(str(tmp_path / "film.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (640, 480))
    for place in range(11):
        writer.write(cv2.imread(str(film / f"frame-{place}.jpg")))
    writer.release()
    lines = [
        json.loads(line)
        for line in run("--source", tmp_path / "film.avi", "--headless", "--json").stdout.split("\n")
        if line
    ]
    assert len(lines) == 11
    assert lines[5]["label"] == "7"
    assert 0.4 < lines[5]["seconds"] < 0.6


@needs_opencv
def test_what_is_no_video_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("no video")
    done = run("--source", tmp_path / "notes.mp4", "--headless")
    assert done.exit_code == 3
    assert "not a video" in done.stderr
