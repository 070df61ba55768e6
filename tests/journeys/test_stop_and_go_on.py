"""Ctrl-C in the middle of a training loses nothing."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from digitkit.learn.run import Run
from tests.fixtures.runs import SMALL
from tests.journeys.terminal import call, start

STEPS = 400
PATIENCE_S = 120


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Until a file is there; a process that ends before is a failure."""
    for _ in range(PATIENCE_S * 50):
        if path.exists():
            return
        try:
            code = process.wait(timeout=0.02)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"ended with {code} before {path.name} was written: {process.communicate()[1]}")
    process.kill()
    pytest.fail(f"{path.name} did not come in {PATIENCE_S} s")


def test_ctrl_c_keeps_the_training_and_says_how_to_go_on(drawn_source: str, tmp_path: Path) -> None:
    words = [*SMALL, f"budget.least_steps={STEPS}", "run.validations=100", "run.export=false", "run.folder=run"]
    process = start("train", *words, f"data.sources=[{drawn_source}]", folder=tmp_path)
    run = Run(tmp_path / "run")
    wait_for(run.file("best.safetensors"), process)  # the first validation: training is under way
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 130, said
    assert out == ""
    assert f"of {STEPS}; nothing is lost. Go on with: digitkit train --resume run" in said
    assert "Traceback" not in said
    left = {path.name for path in run.path.iterdir()}
    assert left == {"recipe.yaml", "precision.json", "last.ckpt", "best.safetensors", "history.jsonl"}

    values = json.loads(call("train", "--resume", "run", "--json", folder=tmp_path).splitlines()[-1])
    assert values["val_accuracy"] > 0.9
    steps = [record["step"] for record in run.history()]
    assert steps == sorted(set(steps))
    assert steps[-1] == run.report()["steps"] == STEPS


def test_ctrl_c_before_the_training_is_a_plain_interruption(tmp_path: Path) -> None:
    pipe = tmp_path / "run"
    process = start("train", "experiment=tiny", "data.sources=[optdigits]", "run.folder=run", folder=tmp_path)
    wait_for(pipe / "recipe.yaml", process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, said
    assert "interrupted" in said or "nothing is lost" in said
    assert "Traceback" not in said
