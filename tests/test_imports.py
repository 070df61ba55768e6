"""What may be loaded when: reading pictures must never cost what training costs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import DrawDigits

TRAINING = {
    "torch",
    "lightning",
    "hydra",
    "omegaconf",
    "onnx",
    "onnxscript",
    "safetensors",
    "matplotlib",
    "sklearn",
    "scipy",
}
REPORT = "import json, sys; print(json.dumps([name for name in sys.modules if '.' not in name]), file=sys.stderr)"
CLI = "import sys; from digitkit.cli import app; sys.argv[0] = 'digitkit'; app(standalone_mode=False)"


def loaded_by(code: str, *arguments: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running the code."""
    done = subprocess.run([sys.executable, "-c", f"{code}\n{REPORT}", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.fixture
def seven(tmp_path: Path, drawn_digits: DrawDigits) -> Path:
    path = tmp_path / "digit.png"
    Image.fromarray(255 - drawn_digits(10, np.random.default_rng(7)).pictures[0]).save(path)
    return path


def test_importing_digitkit_loads_nothing_that_a_program_would_feel() -> None:
    assert loaded_by("import digitkit") & (TRAINING | {"numpy", "PIL", "onnxruntime", "typer", "rich"}) == set()


def test_the_help_loads_neither_training_nor_reading() -> None:
    assert loaded_by(CLI, "--help") & (TRAINING | {"numpy", "PIL", "onnxruntime"}) == set()


def test_opening_the_default_bundle_never_loads_training() -> None:
    assert loaded_by("import digitkit; digitkit.load('default')") & TRAINING == set()


def test_reading_a_picture_from_python_never_loads_training(seven: Path) -> None:
    assert loaded_by("import digitkit, sys; digitkit.load().predict(sys.argv[1])", str(seven)) & TRAINING == set()


def test_the_predict_verb_never_loads_training(seven: Path) -> None:
    assert loaded_by(CLI, "predict", str(seven)) & TRAINING == set()
