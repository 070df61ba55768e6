import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from digitkit.cli import app

PLAN = 'classes = ["7", "23"]\nper_class = 3\nsize = 24\nfonts = ["drawn block *"]\n'


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIGITKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    return path


def ask(*words: str | Path, code: int = 0) -> tuple[str, str]:
    answer = CliRunner().invoke(app, ["data", "synthesize", *map(str, words)])
    assert answer.exit_code == code, answer.output
    return answer.stdout, answer.stderr


def test_a_dry_run_says_what_would_be_drawn_and_draws_nothing(plan: Path, cache: Path) -> None:
    said, _ = ask(plan, "--dry-run")
    assert ["23", "3"] in [line.replace("│", " ").split() for line in said.splitlines()]
    assert ["all", "6"] in [line.replace("│", " ").split() for line in said.splitlines()]
    assert not cache.exists()


def test_a_folder_is_written_and_its_use_is_said(plan: Path, tmp_path: Path) -> None:
    said, _ = ask(plan, "--to", tmp_path / "drawn", "--picture", tmp_path / "sheet.png")
    assert f"data.sources=[folder:{tmp_path / 'drawn'}]" in said.replace("\n", "")
    assert len(list((tmp_path / "drawn" / "23").glob("*.png"))) == 3
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 100


def test_without_a_folder_the_source_is_made_ready(plan: Path, cache: Path) -> None:
    lines = [json.loads(line) for line in ask(plan, "--json")[0].splitlines()]
    assert lines[0]["pictures"] == {"23": 3, "7": 3}
    assert lines[-1]["source"] == f"synthetic:{plan}"
    assert any(cache.rglob("labels.npy"))
    answer = CliRunner().invoke(app, ["data", "inspect", f"synthetic:{plan}", "--json"])
    assert json.loads(answer.stdout.splitlines()[0])["pictures"] == 6


def test_a_bad_plan_is_one_message_and_exit_code_2(plan: Path) -> None:
    plan.write_text(PLAN + "sise = 3\n")
    _, said = ask(plan, code=2)
    assert said.startswith("error: plan.toml: sise is no key of a plan. Did you mean")


def test_a_missing_plan_is_exit_code_2(tmp_path: Path) -> None:
    assert "cannot be read" in ask(tmp_path / "none.toml", code=2)[1]
