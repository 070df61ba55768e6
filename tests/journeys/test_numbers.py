"""An untidy set of 42 classes of jersey numbers, from its annotations to a reader, without a special case."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from digitkit.cli import app
from tests.fixtures.numbers import CLASSES, write_numbers

SIZES = [(2, 1), pytest.param((80, 12), marks=pytest.mark.slow)]
TINY = ("experiment=tiny", "prepare.mode=photo", "prepare.channels=3", "budget.epochs=2", "budget.least_steps=1")
QUICK = ("run.threads=1", "run.views=1", "run.device=cpu")


def ask(*words: str) -> tuple[list[dict[str, object]], str]:
    """What a verb prints as JSON, and what it says to people."""
    answer = CliRunner().invoke(app, [*words, "--json"])
    assert answer.exit_code == 0, answer.output
    return [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")], answer.stderr


@pytest.mark.parametrize("size", SIZES)
def test_numbers_are_inspected_split_and_trained_on(size: tuple[int, int], tmp_path: Path) -> None:
    train, held_out = size
    written = write_numbers(tmp_path / "numbers", train, held_out, np.random.default_rng(0))

    answers, said = ask("data", "inspect", written.spec, "--picture", str(tmp_path / "sheet.png"))
    parts = [answer for answer in answers if "part" in answer]
    extra = written.copies + written.unknown
    assert [part["pictures"] for part in parts] == [train * 42, held_out * 42, held_out * 42 + extra]
    assert parts[0]["counts"] == dict.fromkeys(sorted(CLASSES), train)
    assert "train/annotations.jsonl:" in said
    assert "train: skipped in all: 1 lines that are not JSON, 1 rows without suffix" in said

    (answer,), said = ask("train", *TINY, *QUICK, f"data.sources=[{written.spec}]", f"run.folder={tmp_path / 'run'}")
    assert "2 pictures labelled '77' were left out" in said
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["data"]["classes"] == sorted(CLASSES)
    assert report["splits"]["test_copies"] == written.copies
    assert report["test"]["n"] == held_out * 42 + written.copies
    assert Path(str(answer["run"]), "model.onnx").stat().st_size > 0
