"""`digitkit data prepare` survives what happens to caches: kills, company and damage."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from digitkit.cli import app
from digitkit.data import ready

WORDS = ("data", "prepare", "experiment=tiny", "data.limit=200", "--json")  # of the digits that scikit-learn carries

KILLED = """
import os, signal
from digitkit.data.splits import build
from digitkit.learn.compose import compose
from digitkit.learn.parts import prepare_parts, split_plan

recipe = compose(["experiment=tiny", "data.limit=200"])
prepare_parts(recipe, build(split_plan(recipe.data)), lambda done, total, text: os.kill(os.getpid(), signal.SIGKILL))
"""

RECALLED = """
import sys
from digitkit.cli import app
from digitkit.data import ready

app(sys.argv[1:], standalone_mode=False)
assert "torch" not in sys.modules
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIGITKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def prepare() -> dict[str, object]:
    """What the verb prints, but for the seconds."""
    answer = CliRunner().invoke(app, WORDS)
    assert answer.exit_code == 0, answer.output
    return without_seconds(answer.stdout)


def without_seconds(text: str) -> dict[str, object]:
    return {key: value for key, value in json.loads(text).items() if key != "prepare_seconds"}


def start(*words: str) -> subprocess.Popen[bytes]:
    """A Python process of its own, with the modules of this one."""
    search = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, *words], env=search, stdout=subprocess.PIPE)


def images(cache: Path) -> dict[str, bytes]:
    """The prepared images, by the name of their entry."""
    return {path.parent.name: path.read_bytes() for path in sorted((cache / "arrays").glob("prepared-*/images.npy"))}


def test_a_kill_in_the_middle_leaves_nothing_that_the_next_start_could_stumble_over(cache: Path) -> None:
    process = start("-c", KILLED)
    process.communicate()
    assert process.returncode == -9
    left = [path.name for path in (cache / "arrays").iterdir() if path.name.endswith(".new")]
    assert len(left) == 1
    assert images(cache) == {}
    facts = prepare()
    assert (facts["train"], len(images(cache))) == (200, 3)
    assert not [path for path in (cache / "arrays").iterdir() if path.name.endswith(".new")]


def test_two_at_once_make_one_cache_and_give_one_answer(cache: Path) -> None:
    processes = [start("-m", "digitkit", *WORDS) for _ in range(2)]
    answers = [process.communicate()[0].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert without_seconds(answers[0]) == without_seconds(answers[1])
    made = images(cache)
    assert len(made) == 3
    assert prepare() == without_seconds(answers[0])
    assert images(cache) == made


def test_altered_images_are_noticed_and_made_again(cache: Path) -> None:
    facts, made = prepare(), images(cache)
    victim = cache / "arrays" / next(iter(made)) / "images.npy"
    content = bytearray(victim.read_bytes())
    content[-1] ^= 255
    victim.write_bytes(bytes(content))
    assert prepare() == facts
    assert images(cache) == made


def test_a_second_time_nothing_heavy_is_even_loaded(cache: Path) -> None:
    facts = prepare()
    process = start("-c", RECALLED, *WORDS)
    answer = process.communicate()[0].decode()
    assert process.returncode == 0
    assert without_seconds(answer) == facts


def test_negatives_that_have_gone_are_not_prepared_already(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready, "SETTLED_NS", -(10**12))  # no need to wait until the files are old
    folder = tmp_path / "noise" / "train" / "not a digit"
    folder.mkdir(parents=True)
    for number in range(12):
        Image.fromarray(np.full((9, 9), 20 * number, np.uint8)).save(folder / f"{number}.png")
    words = (*WORDS, f"data.negatives=[folder:{tmp_path / 'noise'}]")
    first, second = (CliRunner().invoke(app, words) for _ in range(2))
    assert "Everything is prepared already" not in first.output
    assert json.loads(first.stdout)["negatives"] == 12
    assert "Everything is prepared already" in second.stderr
    shutil.rmtree(tmp_path / "noise")
    assert CliRunner().invoke(app, words).exit_code == 3
