"""Bad pictures and bundles through the real command: one clear message, the right exit code, the others still read."""

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import digitkit
from tests.conftest import DrawDigits
from tests.fixtures.bundles import TINY, signed, tiny_bundle, tiny_graph

DATA, BUNDLE = 3, 4  # exit codes
LIMIT_S = 60  # a picture that makes the command hang fails instead


def run(*words: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """`digitkit predict` in a process of its own."""
    command = [sys.executable, "-W", "error", "-c", "from digitkit.cli import main; main()", "predict", *words]
    search = {"PYTHONPATH": str(Path(digitkit.__file__).parents[1])}
    return subprocess.run(command, env=os.environ | search, capture_output=True, timeout=LIMIT_S, input=given)


def answers_of(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def says(done: subprocess.CompletedProcess[bytes]) -> str:
    """What was said on standard error, which is never a traceback."""
    text = done.stderr.decode()
    assert "Traceback" not in text, text
    return text


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn_digits: DrawDigits) -> Path:
    """A folder to stand in, with one good picture, `good.png`."""
    monkeypatch.chdir(tmp_path)
    digits = drawn_digits(10, np.random.default_rng(3), 60)
    good = next(255 - picture for picture, label in digits if label == "3")
    Image.fromarray(good).save(tmp_path / "good.png")
    return tmp_path


def encoded(kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A whole PNG header and no pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


BAD_FILES: dict[str, tuple[bytes, str]] = {
    "empty.png": (b"", "the file is empty"),
    "text.png": (b"dear diary", "not a picture that can be read"),
    "cut.png": (encoded("PNG")[:900], "damaged"),
    "cut.jpg": (encoded("JPEG")[:900], "damaged"),
    "huge.png": (png_header(50_000, 50_000), "Save the picture smaller"),
    "long.png": (png_header(1, 30_000), "1 x 30000 px; expected sides up to 20000 px"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_named_and_the_others_are_still_read(here: Path, name: str) -> None:
    content, message = BAD_FILES[name]
    Path(name).write_bytes(content)
    done = run("good.png", name, "good.png", "--json")
    assert done.returncode == DATA
    first, bad, last = answers_of(done)
    assert first["label"] == last["label"] == "3"
    assert set(bad) == {"picture", "error"}
    assert bad["picture"] == name
    assert bad["error"].startswith(f"{name}: ")
    assert message in bad["error"]
    assert says(done) == "error: 2 read, 1 failed\n"


def test_all_bad_files_together_give_one_line_each_and_a_summary(here: Path) -> None:
    for name, (content, _) in BAD_FILES.items():
        Path(name).write_bytes(content)
    done = run(*BAD_FILES, "good.png")
    assert done.returncode == DATA
    lines = says(done).splitlines()
    assert [line.split(": ")[1] for line in lines[:-1]] == list(BAD_FILES)
    assert lines[-1] == f"error: 1 read, {len(BAD_FILES)} failed"
    assert "good.png" in done.stdout.decode()


def test_a_missing_path_is_named(here: Path) -> None:
    done = run("nowhere/seven.png", "good.png", "--json")
    assert done.returncode == DATA
    assert answers_of(done)[0]["error"].startswith("nowhere/seven.png: cannot be read (No such file or directory)")
    assert answers_of(done)[1]["label"] == "3"


@pytest.mark.parametrize("word", ["void", "void/*.png"])
def test_a_folder_or_pattern_without_pictures_is_named(here: Path, word: str) -> None:
    Path("void").mkdir()
    Path("void/notes.txt").write_text("no picture")
    done = run(word, "good.png", "--json")
    assert done.returncode == DATA
    missing, good = answers_of(done)
    assert missing["picture"] == word
    assert "no pictures in this folder" in missing["error"] or "no file matches" in missing["error"]
    assert good["label"] == "3"


def test_a_file_that_cannot_be_read_is_named(here: Path) -> None:
    path = here / "locked.png"
    path.write_bytes(Path("good.png").read_bytes())
    path.chmod(0)
    # The superuser reads it all the same; the memory of a process at address 0 nobody can read.
    name, reason = ("locked.png", "Permission denied") if os.geteuid() else ("/proc/self/mem", "Input/output error")
    if not Path(name).exists():
        pytest.skip("run as the superuser where there is no /proc")
    done = run(name, "good.png", "--json")
    assert done.returncode == DATA
    assert answers_of(done)[0]["error"].startswith(f"{name}: cannot be read ({reason})")
    assert answers_of(done)[1]["label"] == "3"


def test_empty_standard_input_is_an_error(here: Path) -> None:
    done = run("-", given=b"")
    assert done.returncode == DATA
    assert says(done).startswith("error: -: the file is empty")


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
def test_the_smallest_and_longest_pictures_are_answered(here: Path, size: tuple[int, int]) -> None:
    Image.new("L", size, 200).save("odd.png")
    [answer] = answers_of(run("odd.png", "--json"))
    assert answer["verdict"] == "blank"
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize("size", [(28, 28), (640, 480)])
def test_an_even_picture_is_blank_and_never_a_digit(here: Path, grey: int, size: tuple[int, int]) -> None:
    Image.new("L", size, grey).save("even.png")
    done = run("even.png", "--json")
    assert done.returncode == 0
    [answer] = answers_of(done)
    assert (answer["verdict"], answer["label"], answer["confidence"]) == ("blank", None, 0.0)


def as_two_frames(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "GIF", save_all=True, append_images=[Image.new("L", picture.size, 255)])
    return buffer.getvalue()


def as_cmyk_jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.convert("RGB").convert("CMYK").save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def as_16_bit(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(picture).astype(np.uint16) * 257).save(buffer, "PNG")
    return buffer.getvalue()


def as_palette_with_alpha(picture: Image.Image) -> bytes:
    """Ink and paper as palette colours; the paper is transparent, and black where it is not shown."""
    ink = (np.asarray(picture) < 128).astype(np.uint8)
    paletted = Image.fromarray(ink, "P")
    paletted.putpalette([0, 0, 0, 10, 10, 10])
    buffer = io.BytesIO()
    paletted.save(buffer, "PNG", transparency=0)
    return buffer.getvalue()


def as_turned_jpeg(picture: Image.Image) -> bytes:
    """Stored on its side, with the EXIF mark that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    picture.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", quality=95, exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("store", [as_two_frames, as_cmyk_jpeg, as_16_bit, as_palette_with_alpha, as_turned_jpeg])
def test_an_unusual_file_is_read_as_a_person_sees_it(here: Path, store: Callable[[Image.Image], bytes]) -> None:
    done = run("-", "good.png", "--json", given=store(Image.open("good.png")))
    assert done.returncode == 0, says(done)
    unusual, usual = answers_of(done)
    assert unusual["label"] == usual["label"] == "3"
    assert unusual["confidence"] == pytest.approx(usual["confidence"], abs=0.05)


GOOD_BUNDLE = tiny_bundle()
BAD_BUNDLES: dict[str, tuple[bytes, str]] = {
    "cut.onnx": (GOOD_BUNDLE[:-40], "copy it again"),
    "half.onnx": (GOOD_BUNDLE[: len(GOOD_BUNDLE) // 2], "copy it again"),
    "worn.onnx": (GOOD_BUNDLE.replace(b"steep", b"sweep", 1), "are not the ones that were written"),
    "new.onnx": (
        signed(tiny_graph(10), json.dumps({**asdict(TINY), "format": 2})),
        "has format 2, this digitkit reads up to 1. Update digitkit.",
    ),
    "empty.onnx": (b"", "expected one digitkit record"),
    "picture.onnx": (encoded("PNG"), "Give a file written by `digitkit export`"),
}


@pytest.mark.parametrize("name", BAD_BUNDLES)
def test_a_bad_bundle_is_named_with_its_cure_and_nothing_is_read(here: Path, name: str) -> None:
    content, message = BAD_BUNDLES[name]
    Path(name).write_bytes(content)
    done = run("good.png", "--json", "--bundle", name)
    assert done.returncode == BUNDLE
    assert done.stdout == b""
    assert says(done).startswith(f"error: {name}: ")
    assert message in says(done)
    assert says(done).count("\n") == 1


def test_a_missing_bundle_is_named_with_its_cure(here: Path) -> None:
    done = run("good.png", "--bundle", "nowhere.onnx")
    assert done.returncode == BUNDLE
    assert says(done).startswith("error: nowhere.onnx: cannot be read (No such file or directory).")
    assert "'default' for the one that ships" in says(done)


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are always Unicode there")
def test_a_file_name_that_is_no_text_is_answered(here: Path) -> None:
    os.rename(b"good.png", b"good\xff.png")
    done = run(".", "--json")
    assert done.returncode == 0, says(done)
    [answer] = answers_of(done)
    assert (answer["picture"], answer["label"]) == ("good\\xff.png", "3")
