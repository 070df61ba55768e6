"""`digitkit visualize` writes a picture of what a network will see."""

from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

from digitkit import cli


def visualize(*arguments: str) -> tuple[int, str]:
    answer = CliRunner().invoke(cli.app, ["visualize", *arguments])
    return answer.exit_code, answer.output


def test_it_draws_and_says_where(tmp_path: Path, drawn_source: str) -> None:
    target = tmp_path / "seen.png"
    code, said = visualize(
        "experiment=tiny", f"data.sources=[{drawn_source}]", "--output", str(target), "--batches", "3"
    )
    assert code == 0
    assert "3 batches drawn in" in said
    with Image.open(target) as picture:
        assert min(picture.size) > 400


def test_an_unknown_key_stops_it_before_anything_is_drawn(tmp_path: Path) -> None:
    code, said = visualize("augment.after.rotate=3", "--output", str(tmp_path / "seen.png"))
    assert code == 2
    assert "rotate_deg" in said
    assert list(tmp_path.iterdir()) == []
