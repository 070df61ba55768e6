"""The verb that reads pictures: what may be given, what is answered, and in which form."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import digitkit
from digitkit.cli import app
from digitkit.core.bundle import OUTPUTS
from tests.fixtures.bundles import SIDE, tiny_bundle, tone, write_tiny

PRIVATE_MEGABYTES = 200


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with a bundle and pictures of the tones .1 .3 .7 in two folders."""
    monkeypatch.chdir(tmp_path)
    write_tiny(tmp_path)
    (tmp_path / "scans" / "old").mkdir(parents=True)
    for name, brightness in (("scans/b.png", 0.35), ("scans/old/a.PNG", 0.15), ("scans/c.jpg", 0.75)):
        Image.fromarray(tone(brightness, 16)).save(tmp_path / name)
    (tmp_path / "scans" / "notes.txt").write_text("no picture")
    (tmp_path / "scans" / ".hidden.png").write_text("no picture either")
    return tmp_path


def predict(*words: str, bundle: str = "tiny.onnx", given: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["predict", *words, "--bundle", bundle, "--device", "cpu"], input=given)


def objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_file_is_read_into_one_json_object_with_every_promised_key(folder: Path) -> None:
    result = predict("scans/b.png", "--json")
    assert result.exit_code == 0, result.stderr
    [answer] = objects(result)
    assert set(answer) == {"picture", "label", "confidence", "verdict", "reason", "probabilities", "bundle"}
    assert answer["picture"] == "scans/b.png"
    assert answer["label"] == "3"
    assert answer["verdict"] == "digit"
    assert answer["confidence"] == answer["probabilities"]["3"] == max(answer["probabilities"].values())
    assert answer["bundle"].startswith("tiny@")
    assert result.stderr == ""


def test_large_files_are_told_in_their_order_and_a_damaged_one_stops_none(folder: Path) -> None:
    many = folder / "many"
    many.mkdir()
    for place in range(9):
        picture = Image.fromarray(tone(0.05 + place / 10, 90 if place % 2 else 10)).convert("RGB")
        picture.save(many / f"{place}.bmp")
    (many / "3.bmp").write_bytes(b"BM" + bytes(30_000))
    result = predict("many", "--json")
    assert result.exit_code == 3
    told = objects(result)
    assert [Path(each["picture"]).name for each in told] == [f"{place}.bmp" for place in range(9)]
    assert [each.get("label") for each in told] == ["0", "1", "2", None, *"45678"]
    assert "3.bmp" in told[3]["error"]


def test_a_folder_is_read_with_its_folders_sorted_and_without_what_is_hidden(folder: Path) -> None:
    for name in (".thumbnails", "__MACOSX"):
        (folder / "scans" / name).mkdir()
        (folder / "scans" / name / "a.png").write_text("no picture either")
    answers = objects(predict("scans", "--json"))
    assert [(answer["picture"], answer["label"]) for answer in answers] == [
        (str(Path("scans/b.png")), "3"),
        (str(Path("scans/c.jpg")), "7"),
        (str(Path("scans/old/a.PNG")), "1"),
    ]


@pytest.mark.parametrize(
    ("pattern", "labels"),
    [("scans/*.png", ["3"]), ("scans/**/*.PNG", ["1"]), ("scans/[bc].*", ["3", "7"]), ("*ans/?.jpg", ["7"])],
)
def test_a_quoted_pattern_is_read(folder: Path, pattern: str, labels: list[str]) -> None:
    assert [answer["label"] for answer in objects(predict(pattern, "--json"))] == labels


def test_a_file_whose_name_looks_like_a_pattern_is_read_as_itself(folder: Path) -> None:
    (folder / "scans" / "b.png").rename(folder / "[b]*.png")
    assert [answer["label"] for answer in objects(predict("[b]*.png", "--json"))] == ["3"]


def test_standard_input_is_read(folder: Path) -> None:
    [answer] = objects(predict("-", "--json", given=(folder / "scans" / "c.jpg").read_bytes()))
    assert (answer["picture"], answer["label"]) == ("-", "7")


def test_the_order_is_the_one_given_and_a_picture_may_come_twice(folder: Path) -> None:
    answers = objects(predict("scans/c.jpg", "scans/old", "scans/c.jpg", "--json"))
    assert [answer["label"] for answer in answers] == ["7", "1", "7"]


def test_many_pictures_are_read_in_order(folder: Path) -> None:
    for number in range(150):
        Image.fromarray(tone(0.05 + 0.1 * (number % 10), 8 + number % 3)).save(folder / f"{number:03}.png")
    answers = objects(predict(*(f"{number:03}.png" for number in range(150)), "--json"))
    assert [answer["label"] for answer in answers] == [str(number % 10) for number in range(150)]


def test_the_table_shows_label_confidence_and_verdict(folder: Path) -> None:
    result = predict("scans")
    assert result.exit_code == 0
    row = next(line for line in result.stdout.splitlines() if "b.png" in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == ["scans/b.png", "3", "99.9 %", "digit", "clear"]
    assert "tiny@" in result.stdout
    assert result.stderr == "3 read, 0 failed\n"


def test_a_blank_picture_has_no_label_in_any_form(folder: Path) -> None:
    Image.new("L", (20, 20), 255).save("white.png")
    [answer] = objects(predict("white.png", "--json"))
    assert (answer["label"], answer["confidence"], answer["verdict"]) == (None, 0.0, "blank")
    row = next(line for line in predict("white.png", "--top-k", "3").stdout.splitlines() if "white.png" in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == ["white.png", "", "", "blank", "nothing is drawn", ""]
    [line] = list(csv.DictReader(io.StringIO(predict("white.png", "--csv").stdout)))
    assert (line["label"], line["verdict"]) == ("", "blank")


def test_csv_has_a_row_for_every_picture_and_quotes_what_needs_it(folder: Path) -> None:
    name = 'odd, "name"\nhere.png'
    Image.fromarray(tone(0.55)).save(name)
    result = predict(name, "missing.png", "scans/b.png", "--csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["picture"] for row in rows] == [name, "missing.png", "scans/b.png"]
    assert [row["label"] for row in rows] == ["5", "", "3"]
    assert "No such file" in rows[1]["error"]
    assert float(rows[0]["confidence"]) > 0.9
    assert result.exit_code == 3


def test_top_k_shows_the_next_labels_in_every_form(folder: Path) -> None:
    Image.fromarray(tone(0.58)).save("five.png")
    [answer] = objects(predict("five.png", "--json", "--top-k", "3"))
    assert [entry["label"] for entry in answer["top"]] == ["5", "6", "4"]
    [row] = list(csv.DictReader(io.StringIO(predict("five.png", "--csv", "--top-k", "3").stdout)))
    assert (row["label"], row["label_2"], row["label_3"]) == ("5", "6", "4")
    assert "6 4.2 %" in predict("five.png", "--top-k", "3").stdout


def test_more_labels_than_there_are_classes_shows_all(folder: Path) -> None:
    [answer] = objects(predict("scans/b.png", "--json", "--top-k", "99"))
    assert len(answer["top"]) == 10
    rows = list(csv.reader(io.StringIO(predict("scans/b.png", "--csv", "--top-k", "12").stdout)))
    assert len(rows[0]) == len(rows[1])


def test_what_the_model_saw_is_written_under_safe_names_of_their_own(folder: Path) -> None:
    (folder / "other").mkdir()
    for name in ("other/b.png", "other/B.gif", "other/.. .png"):
        Image.fromarray(tone(0.95, 12)).save(name)
    result = predict("scans/b.png", "other/b.png", "other/B.gif", "other/.. .png", "--json", "--seen", "seen/today")
    assert result.exit_code == 0, result.stderr
    written = [Path(answer["seen"]) for answer in objects(result)]
    assert [path.name for path in written] == ["b.png", "b-2.png", "B-3.png", "picture.png"]
    assert sorted(path.name for path in (folder / "seen" / "today").iterdir()) == sorted(path.name for path in written)
    images = [np.asarray(Image.open(path)) for path in written]
    assert [image.shape for image in images] == [(SIDE, SIDE)] * 4
    assert [int(image[0, 0]) // 25 for image in images] == [3, 9, 9, 9]


def test_names_that_are_long_or_climb_stay_in_the_folder(folder: Path) -> None:
    name = "x" * 200 + ".png"
    Image.fromarray(tone(0.35)).save(name)
    result = predict(name, "scans/../scans/b.png", "--json", "--seen", "seen")
    assert result.exit_code == 0, result.stderr
    assert {path.parent for path in (Path(answer["seen"]) for answer in objects(result))} == {Path("seen")}


def test_a_bundle_that_cannot_show_what_it_saw_says_so(folder: Path) -> None:
    Path("plain.onnx").write_bytes(tiny_bundle(outputs=OUTPUTS))
    result = predict("scans/b.png", "--seen", "seen", bundle="plain.onnx")
    assert result.exit_code == 4
    assert "does not show what the model sees" in result.stderr


def test_a_folder_for_what_was_seen_that_cannot_be_made_stops_before_reading(folder: Path) -> None:
    result = predict("scans", "--seen", "scans/notes.txt/seen")
    assert result.exit_code == 5
    assert "Cannot create the folder" in result.stderr
    assert result.stdout == ""


def test_a_sample_of_a_data_set_comes_with_its_true_label(folder: Path) -> None:
    [answer] = objects(predict("--sample", "optdigits/test", "--seed", "3", "--json", bundle="default"))
    assert answer["picture"].startswith("optdigits/test/")
    assert answer["true_label"] in "0123456789"
    assert answer["label"] == answer["true_label"]


def test_the_seed_makes_the_sample_choose_the_same_picture(folder: Path) -> None:
    words = ("--sample", "optdigits/train", "--json", "--seed")
    first, again, other = (objects(predict(*words, seed))[0]["picture"] for seed in ("7", "7", "8"))
    assert first == again != other


def test_the_table_of_a_sample_shows_what_is_true(folder: Path) -> None:
    result = predict("--sample", "optdigits/test", "--seed", "3", "scans/b.png")
    header = next(line for line in result.stdout.splitlines() if "picture" in line)
    assert "true" in header
    assert result.stderr == "2 read, 0 failed\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Nothing to read"),
        (("x.png", "--json", "--csv"), "exclude each other"),
        (("--sample", "optdigits"), "expected SOURCE/PART"),
        (("--sample", "optdigit/test"), "Did you mean 'optdigits'"),
        (("x.png", "--top-k", "0"), "--top-k"),
        (("x.png", "--seed", "-1"), "--seed"),
        (("x.png", "--jsno"), "No such option"),
    ],
)
def test_a_request_that_makes_no_sense_ends_with_2(folder: Path, words: tuple[str, ...], says: str) -> None:
    result = predict(*words)
    assert result.exit_code == 2
    assert says in result.stderr


def test_an_unknown_device_ends_with_2(folder: Path) -> None:
    result = CliRunner().invoke(app, ["predict", "scans/b.png", "--device", "gpu9"])
    assert result.exit_code == 2
    assert "Unknown device 'gpu9'" in result.stderr


def test_a_sample_of_a_part_that_is_not_there_ends_with_3(folder: Path) -> None:
    result = predict("--sample", "optdigits/val")
    assert result.exit_code == 3
    assert "optdigits has no part 'val'" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_cold_process_reads_one_picture_with_little_memory(folder: Path) -> None:
    code = (
        "import re, sys\nfrom digitkit.cli import app\n"
        "try:\n    app(['predict', 'scans/b.png', '--json'])\nexcept SystemExit:\n    pass\n"
        "rollup = open('/proc/self/smaps_rollup').read()\n"
        "peak = re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]\n"
        "shared = sum(map(int, re.findall(r'Shared_\\w+:\\s+(\\d+)', rollup)))\n"
        "print(int(peak) - shared, file=sys.stderr)"
    )
    search = {"PYTHONPATH": str(Path(digitkit.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | search, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stderr.split()[-1]) / 1024 < PRIVATE_MEGABYTES


def test_a_reader_that_leaves_early_is_no_error(folder: Path) -> None:
    search = {"PYTHONPATH": str(Path(digitkit.__file__).parents[1])}
    command = (
        f"{sys.executable} -c 'from digitkit.cli import main; main()' predict scans scans scans --json | head -n 1"
    )
    done = subprocess.run(["sh", "-c", command], env=os.environ | search, capture_output=True, text=True)
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("scans/b.png", "--seen", "scans"), ("scans", "--seen", "scans/../scans")])
def test_what_was_seen_never_takes_the_place_of_a_picture_that_is_read(folder: Path, words: tuple[str, ...]) -> None:
    before = {path: path.read_bytes() for path in Path("scans").iterdir() if path.is_file()}
    result = predict(*words, "--json")
    assert {path: path.read_bytes() for path in before} == before
    written = [Path(answer["seen"]) for answer in objects(result) if "seen" in answer]
    assert written
    assert not {path.resolve() for path in written} & {path.resolve() for path in before}
